/**
 * Claim codes and invites: all that a first contact needs to be trusted, in one line that can be pasted.
 * `platen-claim-` or `platen-invite-`, then base64url of
 * version(1) | CA SHA-256(32) | fleet public key(42) | code id(8) | secret(16) | address | checksum(4).
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { decodeBase64Url, encodeBase64Url } from "./base64.ts";
import { decodePublicKey, encodePublicKey, type FleetPublicKey } from "./minisign.ts";

export type CodeKind = "claim" | "invite";

export interface FirstContact {
  readonly kind: CodeKind;
  /** `host` or `host:port`; the port is 8883 where none is given. */
  readonly address: string;
  /** SHA-256 of the DER certificate of the CA that signed the broker's certificate. */
  readonly caFingerprint: Uint8Array;
  readonly fleet: FleetPublicKey;
  /** Public: names the code, 16 hex digits. */
  readonly id: string;
  /** 16 random bytes; good once. */
  readonly secret: Uint8Array;
}

const VERSION = 1;
const FIXED_BYTES = 1 + 32 + 42 + 8 + 16 + 4;
const ADDRESS = /^[A-Za-z0-9.:[\]-]{1,255}$/;

export function formatCode(contact: FirstContact): string {
  const id = Uint8Array.from({ length: 8 }, (_, i) =>
    Number.parseInt(contact.id.slice(2 * i, 2 * i + 2), 16),
  );
  const body = concatBytes(
    Uint8Array.of(VERSION),
    contact.caFingerprint,
    encodePublicKey(contact.fleet),
    id,
    contact.secret,
    utf8ToBytes(contact.address),
  );
  return `platen-${contact.kind}-${encodeBase64Url(concatBytes(body, checksum(contact.kind, body)))}`;
}

/** Null when anything is missing, changed or of another version. White space around and inside is forgiven. */
export function parseCode(kind: CodeKind, text: string): FirstContact | null {
  const compact = text.replace(/\s+/g, "");
  const prefix = `platen-${kind}-`;
  if (compact.length > 1024 || !compact.startsWith(prefix)) return null;
  const bytes = decodeBase64Url(compact.slice(prefix.length));
  if (!bytes || bytes.length <= FIXED_BYTES || bytes[0] !== VERSION) return null;
  const body = bytes.subarray(0, -4);
  if (!checksum(kind, body).every((byte, i) => byte === bytes[body.length + i])) return null;
  const fleet = decodePublicKey(body.subarray(33, 75));
  const address = new TextDecoder().decode(body.subarray(99));
  if (!fleet || !ADDRESS.test(address)) return null;
  const id = [...body.subarray(75, 83)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return {
    kind,
    address,
    fleet,
    id,
    caFingerprint: body.slice(1, 33),
    secret: body.slice(83, 99),
  };
}

function checksum(kind: CodeKind, body: Uint8Array): Uint8Array {
  return sha256(concatBytes(utf8ToBytes(kind), body)).subarray(0, 4);
}

/** `host:port` split; 8883 where no port is given. IPv6 addresses stand in brackets. Null when it is neither. */
export function parseAddress(address: string): { host: string; port: number } | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+))(?::([0-9]{1,5}))?$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? 8883);
  return host && port > 0 && port < 65536 ? { host, port } : null;
}
