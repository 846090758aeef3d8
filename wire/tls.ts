/**
 * MQTT over TLS 1.3 as every program here dials it: one CA, the name checked, TCP_NODELAY, not one byte of ours before
 * the peer is known, and no packet of its that is larger than any of the contract.
 */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { type ConnectionOptions, checkServerIdentity, connect, type TLSSocket } from "node:tls";
import { type IClientOptions, MqttClient } from "mqtt";
import { PlatenError } from "./error.ts";
import { FROM_BROKER, type PacketFault, PacketGauge } from "./packet-gauge.ts";

/** Where to dial, and what proves that it is the right machine. `cert` and `key` (PEM) are an agent's. */
export interface MqttTarget {
  readonly host: string;
  readonly port: number;
  /** PEM; nothing else is trusted, the system's CAs included. */
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
  /**
   * True on machines without a clock of their own: a certificate that seems to begin in the future is accepted when
   * the CA itself issued it for this name. Everything else is judged as ever.
   */
  readonly clockUnknown?: boolean;
}

/** Why no session came about, for {@link sessionError}: `who` is the user or agent, `what` the program that dialled. */
export interface SessionParty {
  readonly address: string;
  readonly who: string;
  readonly what: "machine" | "agent" | "code";
}

/**
 * Dials at once and, unless `options.reconnectPeriod` is 0, again whenever the connection is lost. The caller owns the
 * client, must listen for `error` (give it to {@link sessionError}) and ends it with `end`. MQTT 3.1.1, as aedes and
 * mosquitto both speak it.
 */
export function connectMqtt(target: MqttTarget, options: IClientOptions): MqttClient {
  const client = new MqttClient(() => dialTls(target), {
    protocolId: "MQTT",
    protocolVersion: 4,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: 10_000,
    keepalive: 30,
    ...options,
  });
  return client;
}

/**
 * A Raspberry Pi up to the 4 has no AES instructions: 24 MB/s with AES-256-GCM, several times that with ChaCha20. The
 * server follows the client's order.
 */
const CIPHERS = ["TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"];
CIPHERS.splice(process.arch === "arm64" ? 0 : CIPHERS.length, 0, "TLS_CHACHA20_POLY1305_SHA256");

/**
 * A TLS stream that holds back what is written until the peer is verified. MQTT.js writes its CONNECT, and with it the
 * password, right away.
 */
function dialTls(target: MqttTarget): TLSSocket {
  const options: ConnectionOptions = {
    host: target.host,
    port: target.port,
    ca: target.ca,
    minVersion: "TLSv1.3",
    ciphers: CIPHERS.join(":"),
    // When false, `findFault` below judges before a byte of ours leaves the cork.
    rejectUnauthorized: target.clockUnknown !== true,
  };
  if (isIP(target.host) === 0) options.servername = target.host;
  if (target.cert !== undefined) options.cert = target.cert;
  if (target.key !== undefined) options.key = target.key;
  const socket = connect(options);
  // MQTT.js leaves it off; with it 128 KiB messages move three times as fast.
  socket.setNoDelay(true);
  socket.cork();
  socket.once("secureConnect", () => {
    const fault = socket.authorized ? null : findFault(socket, target);
    if (fault) socket.destroy(fault);
    else socket.uncork();
  });
  gaugePackets(socket, target);
  return socket;
}

const MISDEEDS: Readonly<Record<PacketFault, string>> = {
  "no-connect": "its first packet was no CONNACK",
  "too-long": "it announced a packet larger than any of the protocol",
  "malformed-length": "it announced a packet of no possible length",
  "unasked-qos": "it sent a message at QoS 2, which nobody asked for",
};

/**
 * MQTT.js gathers a packet of up to 256 MB before it looks at it. This listener comes before MQTT.js's own, so what a
 * fault lets through is the rest of one chunk.
 */
function gaugePackets(socket: TLSSocket, { host, port }: MqttTarget): void {
  const gauge = new PacketGauge(FROM_BROKER);
  socket.on("data", (chunk: Buffer) => {
    const fault = socket.destroyed ? null : gauge.push(chunk);
    if (!fault) return;
    const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    socket.destroy(new PlatenError("broker-misbehaves", { address, why: MISDEEDS[fault] }));
  });
}

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";

/** Null when the only fault is that the certificate begins in the future by this machine's clock. */
function findFault(socket: TLSSocket, { host, ca }: MqttTarget): Error | null {
  const { authorizationError } = socket;
  const code = String(authorizationError);
  const refused = Object.assign(new Error(`certificate refused: ${code}`), { code });
  const leaf = socket.getPeerX509Certificate();
  if (code !== "CERT_NOT_YET_VALID" || !leaf) return refused;
  const issuer = new X509Certificate(ca);
  const issued = leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey);
  if (!issued || !leaf.keyUsage?.includes(SERVER_AUTH)) return refused;
  return checkServerIdentity(host, leaf.toLegacyObject()) ?? null;
}

/** MQTT 3.1.1, 3.2.2.3: 4 bad user name or password, 5 not authorized; 2 identifier rejected. */
const REFUSALS: ReadonlySet<unknown> = new Set([2, 4, 5]);
const UNTRUSTED = /^(?:ERR_TLS_CERT|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|INVALID_|HOSTNAME_|ERR_SSL_)/;

/** What an `error` of a client from {@link connectMqtt} means: `login-refused`, `broker-untrusted`, `broker-misbehaves` or `broker-unreachable`. */
export function sessionError(error: unknown, { address, who, what }: SessionParty): PlatenError {
  if (error instanceof PlatenError) return error;
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  if (REFUSALS.has(code)) return new PlatenError("login-refused", { address, user: who }, error);
  const why = typeof code === "string" ? code : error instanceof Error ? error.message : String(error);
  if (typeof code === "string" && UNTRUSTED.test(code)) {
    return new PlatenError("broker-untrusted", { address, what, why }, error);
  }
  return new PlatenError("broker-unreachable", { address, why }, error);
}
