/**
 * Who vouches for whom: the broker's own CA in `ca/` of the data directory, the certificate it serves TLS with, and
 * the certificates it gives to agents. Renews itself; whoever serves TLS listens to {@link BrokerAuthority.onChange}.
 */
import { createHash, X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { parseAddress } from "../wire/code.ts";
import { writeDurably } from "../wire/durable-file.ts";
import { PlatenError } from "../wire/error.ts";
import {
  type AgentKey,
  type CertificateAuthority,
  createCa,
  type IssuedCertificate,
  issueAgent,
  issueServer,
  loadCa,
} from "./authority-certificates.ts";
import { readOwnCertificate } from "./authority-own.ts";
import type { BrokerConfig } from "./config.ts";
import type { Authority } from "./registry-port.ts";
import type { Warning } from "./warning.ts";

const SERVER_DAYS = 365;
const AGENT_DAYS = 365;
/** A certificate of one's own is not ours to renew: say so this long before it ends. */
const WARN_S = 21 * 86_400;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/;

type AuthorityConfig = Pick<BrokerConfig, "tls" | "address">;

interface ServerTls {
  readonly key: string;
  readonly cert: string;
  /** What senders and agents pin. */
  readonly caPem: string;
  /** Unix seconds. */
  readonly notAfter: number;
}

/**
 * Opens the authority in `dataDir/ca`, or makes it at the first start. Files are 0600.
 * @param now Unix seconds
 * @throws PlatenError `authority-damaged`, `certificate-unusable`
 */
export async function openAuthority(
  dataDir: string,
  config: AuthorityConfig,
  now: () => number,
): Promise<BrokerAuthority> {
  const folder = join(dataDir, "ca");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const ca = await openCa(folder, now());
  const server = await openServer({ folder, ca, config, now });
  return new BrokerAuthority({ folder, ca, config, now }, server);
}

interface Surroundings {
  readonly folder: string;
  readonly ca: CertificateAuthority;
  readonly config: AuthorityConfig;
  readonly now: () => number;
}

export class BrokerAuthority implements Authority {
  readonly agentCaPem: string;
  readonly #around: Surroundings;
  readonly #listeners = new Set<() => void>();
  #server: ServerTls;
  #failure: string | null = null;

  /** Use {@link openAuthority}. */
  constructor(around: Surroundings, server: ServerTls) {
    this.#around = around;
    this.#server = server;
    this.agentCaPem = `${around.ca.certificate.toString("pem")}\n`;
  }

  get caPem(): string {
    return this.#server.caPem;
  }

  /** SHA-256 of what {@link caPem} holds, as codes carry it (wire/code.ts). */
  get caFingerprint(): Uint8Array {
    return createHash("sha256").update(new X509Certificate(this.caPem).raw).digest();
  }

  serverTls(): { readonly key: string; readonly cert: string } {
    return { key: this.#server.key, cert: this.#server.cert };
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A client certificate, good for a year. */
  issueAgent(agent: string, key: AgentKey): Promise<IssuedCertificate> {
    return issueAgent(this.#around.ca, agent, key, this.#around.now(), AGENT_DAYS);
  }

  /**
   * Renews the server's certificate where it is ours and due, or takes a changed one of the administrator's. Call it
   * every hour. What cannot be used is not taken: the present one stays, and {@link warnings} says why.
   */
  async maintain(): Promise<void> {
    try {
      const server = await openServer(this.#around);
      this.#failure = null;
      if (server.cert === this.#server.cert) return;
      this.#server = server;
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
      return;
    }
    for (const listener of this.#listeners) listener();
  }

  warnings(): Warning[] {
    const { notAfter } = this.#server;
    const at = { subject: "broker", at: notAfter };
    if (this.#failure) return [{ kind: "certificate-failed", ...at, sentence: this.#failure }];
    if (notAfter - this.#around.now() > WARN_S) return [];
    const day = new Date(notAfter * 1000).toISOString().slice(0, 10);
    const sentence = `The broker's certificate ends on ${day}; then nobody can connect. Put a new one in its place: it is read within an hour.`;
    return [{ kind: "certificate-ending", ...at, sentence }];
  }
}

async function openCa(folder: string, now: number): Promise<CertificateAuthority> {
  const [certificateFile, keyFile] = [join(folder, "ca.pem"), join(folder, "ca.key")];
  const certificatePem = readIfThere(certificateFile);
  // The certificate is written last: without it nobody has ever seen this authority.
  if (certificatePem === null) {
    const made = await createCa(now);
    writeDurably(keyFile, made.keyPem, 0o600);
    writeDurably(certificateFile, `${made.certificate.toString("pem")}\n`, 0o600);
    return made;
  }
  try {
    const keyPem = readFileSync(keyFile, "utf8");
    const ca = await loadCa(certificatePem, keyPem);
    const probe = await issueAgent(
      ca,
      "probe",
      { publicKey: await publicKeyOf(ca), hash: new Uint8Array() },
      now,
      1,
    );
    const issuer = new X509Certificate(certificatePem);
    if (!new X509Certificate(probe.pem).verify(issuer.publicKey))
      throw new Error("key and certificate differ");
    return ca;
  } catch (cause) {
    const why = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : "unknown";
    throw new PlatenError("authority-damaged", { file: folder, why }, cause);
  }
}

function publicKeyOf(ca: CertificateAuthority): Promise<CryptoKey> {
  return ca.certificate.publicKey.export();
}

/** The certificate to serve with: the configured one, the one on disk while it is good, else a fresh one. */
async function openServer({ folder, ca, config, now }: Surroundings): Promise<ServerTls> {
  const { cert, key, ca: caFile } = config.tls;
  if (cert !== undefined || key !== undefined) {
    if (cert === undefined || key === undefined) {
      throw new PlatenError("certificate-unusable", { why: "tls.cert and tls.key go together." });
    }
    return readOwnCertificate({ cert, key, ca: caFile }, now());
  }
  const file = join(folder, "server.pem");
  const names = serverNames(config);
  const present = readServer(readIfThere(file), ca, names, now());
  if (present) return present;
  const issued = await issueServer(ca, names, now(), SERVER_DAYS);
  const caPem = `${ca.certificate.toString("pem")}\n`;
  // Key and chain in one file: they change together or not at all.
  writeDurably(file, issued.keyPem + issued.pem + caPem, 0o600);
  return { key: issued.keyPem, cert: issued.pem + caPem, caPem, notAfter: issued.notAfter };
}

/** Null when it is missing, damaged, of another authority, due for renewal, or not good for every name. */
function readServer(
  text: string | null,
  ca: CertificateAuthority,
  names: readonly string[],
  now: number,
): ServerTls | null {
  const at = text?.search(CERTIFICATE) ?? -1;
  if (text === null || at <= 0) return null;
  try {
    const [key, cert] = [text.slice(0, at), text.slice(at)];
    const leaf = new X509Certificate(cert);
    const caPem = `${ca.certificate.toString("pem")}\n`;
    const notAfter = Math.floor(Date.parse(leaf.validTo) / 1000);
    const good =
      cert.endsWith(caPem) &&
      leaf.verify(new X509Certificate(caPem).publicKey) &&
      notAfter - now > (SERVER_DAYS * 86_400) / 3 &&
      names.every((name) => (isIP(name) ? leaf.checkIP(name) : leaf.checkHost(name)));
    return good ? { key, cert, caPem, notAfter } : null;
  } catch {
    return null;
  }
}

/** Every name under which agents and senders may reach this machine. */
function serverNames({ tls, address }: AuthorityConfig): string[] {
  const own = hostname().toLowerCase();
  const configured = address === undefined ? undefined : parseAddress(address)?.host;
  const names = ["localhost", "127.0.0.1", "::1", own, ...tls.names];
  if (!own.includes(".")) names.push(`${own}.local`);
  if (configured !== undefined) names.push(configured);
  return [...new Set(names)].filter((name) => isIP(name) || /^[A-Za-z0-9.-]{1,253}$/.test(name));
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
