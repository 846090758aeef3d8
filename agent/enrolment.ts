/**
 * The files of an enrolled agent in its data directory, mode 0600 in a 0700 folder. The TLS key lies plain: it only
 * lets a thief knock, and revocation ends that. `enrolment.json` is written last; with it the agent is enrolled.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeDurably } from "../wire/durable-file.ts";
import { PlatenError } from "../wire/error.ts";
import { parseJson } from "../wire/json.ts";
import { isName } from "../wire/name.ts";

const name = z.string().refine(isName);
const recordSchema = z.object({
  v: z.literal(1),
  agent: name,
  /** `host:port` of the broker, as the claim code gave it. */
  address: z.string().min(1).max(255),
  printers: z.array(name).max(64),
  recipient: z.string().regex(/^age1[a-z0-9]{20,4000}$/),
  /** The fleet public key (base64, minisign's 42 bytes) the claim code carried. */
  fleet: z.string().max(64),
  /** Public id of the claim code that was used, so that running it again is recognised. */
  code: z.string().regex(/^[0-9a-f]{16}$/),
});
export type EnrolmentRecord = z.infer<typeof recordSchema>;

export interface Enrolment extends EnrolmentRecord {
  /** PEM, all three. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  /** Sealed under the boot share: identity.ts. */
  readonly sealedSecrets: Uint8Array;
}

const FILES = {
  record: "enrolment.json",
  ca: "ca.pem",
  certificate: "certificate.pem",
  key: "tls-key.pem",
  secrets: "identity.sealed",
} as const;
type EnrolmentFile = keyof typeof FILES;
const FILE_BYTES_MAX = 64 * 1024;

/** Makes the data directory where it is missing; its mode is 0700 from then on. */
export function prepareDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    chmodSync(dataDir, 0o700);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? "unknown";
    throw new PlatenError(
      "storage-failed",
      {
        where: dataDir,
        why,
        meaning: "Nothing was started. Make it writable or choose another with dataDir.",
      },
      error,
    );
  }
}

export function writeEnrolmentFile(dataDir: string, file: EnrolmentFile, content: Uint8Array | string): void {
  writeDurably(join(dataDir, FILES[file]), content, 0o600);
}

/** Null when there is none. */
export function readEnrolmentFile(dataDir: string, file: EnrolmentFile): Uint8Array | null {
  try {
    return readFileSync(join(dataDir, FILES[file])).subarray(0, FILE_BYTES_MAX);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** The record alone: who this agent is, even while its identity is locked. Null before enrolment. */
export function readEnrolmentRecord(dataDir: string): EnrolmentRecord | null {
  const bytes = readEnrolmentFile(dataDir, "record");
  if (!bytes) return null;
  const record = parseJson(bytes, FILE_BYTES_MAX, recordSchema);
  if (!record) throw new PlatenError("identity-damaged");
  return record;
}

/** Everything an enrolled agent starts with. @throws PlatenError `not-enrolled`, `identity-damaged` */
export function readEnrolment(dataDir: string): Enrolment {
  const record = readEnrolmentRecord(dataDir);
  if (!record) throw new PlatenError("not-enrolled");
  const read = (file: EnrolmentFile) => {
    const bytes = readEnrolmentFile(dataDir, file);
    if (!bytes) throw new PlatenError("identity-damaged");
    return bytes;
  };
  const text = (file: EnrolmentFile) => new TextDecoder().decode(read(file));
  const [ca, certificate, key] = [text("ca"), text("certificate"), text("key")];
  if (!isUsable(ca, certificate, key)) throw new PlatenError("identity-damaged");
  return { ...record, ca, certificate, key, sealedSecrets: read("secrets") };
}

/** Read now, because TLS would say it at each dial and call it the network's fault. */
function isUsable(ca: string, certificate: string, key: string): boolean {
  try {
    return (
      new X509Certificate(ca).ca && new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
    );
  } catch {
    return false;
  }
}
