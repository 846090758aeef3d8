/**
 * The first contact with a broker nobody here knows yet, trusted through what a code carries: the CA is looked for in
 * the offered chain by its fingerprint, without a byte of ours being sent; only then the code's secret goes out, over a
 * connection verified against that CA.
 */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect, type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import { sha256 } from "@noble/hashes/sha2.js";
import type { MqttClient } from "mqtt";
import { encodeBase64Url } from "./base64.ts";
import { type FirstContact, parseAddress } from "./code.ts";
import { ENROL_BYTES_MAX } from "./enrol.ts";
import { isPlatenError, PlatenError } from "./error.ts";
import { connectMqtt, sessionError } from "./tls.ts";
import { enrolTopic } from "./topic.ts";

const CHAIN_MAX = 8;
const DIAL_TIMEOUT_MS = 10_000;

/**
 * The CA certificate (PEM) whose SHA-256 the code carries, as the machine at its address offers it.
 * @throws PlatenError `broker-untrusted` when the chain has no such certificate, `broker-unreachable`
 */
export async function fetchPinnedCa(contact: FirstContact, timeoutMs = DIAL_TIMEOUT_MS): Promise<string> {
  const { host, port } = contactAddress(contact);
  // Unverified on purpose: nothing is written to this connection, and it is closed before the next one opens.
  const socket = connect({
    host,
    port,
    minVersion: "TLSv1.3",
    rejectUnauthorized: false,
    ...(isIP(host) === 0 ? { servername: host } : {}),
  });
  try {
    await untilSecure(socket, timeoutMs);
    for (const der of offeredChain(socket)) {
      if (sameBytes(sha256(der), contact.caFingerprint)) return new X509Certificate(der).toString();
    }
  } catch (cause) {
    throw sessionError(cause, { address: contact.address, who: contact.kind, what: "code" });
  } finally {
    socket.destroy();
  }
  throw new PlatenError("broker-untrusted", {
    address: contact.address,
    what: "code",
    why: "it offers another certificate authority",
  });
}

/**
 * Sends `request` under the code and returns the broker's answer, both as in enrol.ts. `caPem` is what
 * {@link fetchPinnedCa} returned. Safe to repeat with the same request while the answer is lost.
 * @throws PlatenError `code-refused`, `broker-untrusted`, `broker-unreachable`, `timeout`
 */
export async function exchangeCode(
  contact: FirstContact,
  caPem: string,
  request: Uint8Array,
  { timeoutMs = 30_000, clockUnknown = false }: { timeoutMs?: number; clockUnknown?: boolean } = {},
): Promise<Uint8Array> {
  const client = connectMqtt(
    { ...contactAddress(contact), ca: caPem, clockUnknown },
    {
      clientId: `${contact.kind}-${contact.id}`,
      username: `$${contact.kind}`,
      password: encodeBase64Url(contact.secret),
    },
  );
  try {
    return await untilReply(client, contact, request, timeoutMs);
  } catch (error) {
    const { kind, address } = contact;
    const known = sessionError(error, { address, who: kind, what: "code" });
    throw isPlatenError(known, "login-refused") ? new PlatenError("code-refused", { kind }, error) : known;
  } finally {
    client.end(true);
  }
}

function untilReply(
  client: MqttClient,
  { id, address }: FirstContact,
  request: Uint8Array,
  timeoutMs: number,
): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const timer = setTimeout(
    () => reject(new PlatenError("timeout", timeoutDetails(address, timeoutMs))),
    timeoutMs,
  );
  client.on("error", reject);
  client.once("close", () =>
    reject(new PlatenError("broker-unreachable", { address, why: "it closed the connection" })),
  );
  client.on("message", (topic, payload) => {
    if (topic === enrolTopic(id, "reply") && payload.length <= ENROL_BYTES_MAX) resolve(payload);
  });
  client.once("connect", () => {
    client
      .subscribeAsync(enrolTopic(id, "reply"), { qos: 1 })
      .then(() => client.publishAsync(enrolTopic(id, "request"), Buffer.from(request), { qos: 1 }))
      .catch(reject);
  });
  return promise.finally(() => clearTimeout(timer));
}

function timeoutDetails(address: string, timeoutMs: number) {
  return {
    who: address,
    seconds: Math.round(timeoutMs / 1000),
    meaning: "Run the same command again: the code stays good.",
  };
}

function contactAddress(contact: FirstContact): { host: string; port: number } {
  const address = parseAddress(contact.address);
  if (!address)
    throw new PlatenError("code-malformed", { kind: contact.kind, from: `platen-${contact.kind}-` });
  return address;
}

function untilSecure(socket: TLSSocket, timeoutMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error("no TLS answer in time")), timeoutMs);
  socket.once("secureConnect", resolve);
  socket.on("error", reject);
  socket.once("close", () => reject(new Error("it closed the connection")));
  return promise.finally(() => clearTimeout(timer));
}

/** The DER certificates the peer sent, from its own up; a chain longer than any honest one is cut. */
function offeredChain(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (certificate?.raw && chain.length < CHAIN_MAX) {
    chain.push(certificate.raw);
    // A self-signed certificate is its own issuer.
    certificate = certificate.issuerCertificate === certificate ? undefined : certificate.issuerCertificate;
  }
  return chain;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
