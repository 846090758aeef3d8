/** One share as it lies in its slot: attempt(8) | expires(6) | tag(16) | share(32) | agent, user, job, each with its length(1). */
import type { EscrowShare } from "../wire/agent-call.ts";
import type { JobRef } from "../wire/name.ts";

export interface EscrowRecord extends JobRef {
  readonly agent: string;
  /** 16 hex digits. */
  readonly attempt: string;
  readonly expires: number;
  readonly tag: Buffer;
  readonly share: Buffer;
}

const FIXED_BYTES = 8 + 6 + 16 + 32;

export function toRecord(agent: string, share: EscrowShare): EscrowRecord {
  const { user, job, attempt, expires } = share;
  const secrets = { tag: Buffer.from(share.tag, "base64"), share: Buffer.from(share.share, "base64") };
  return { agent, user, job, attempt, expires, ...secrets };
}

export function encodeRecord(record: EscrowRecord): Buffer {
  const expires = Buffer.alloc(6);
  expires.writeUIntBE(record.expires, 0, 6);
  const names = [record.agent, record.user, record.job].flatMap((name) => [
    Buffer.of(name.length),
    Buffer.from(name, "latin1"),
  ]);
  return Buffer.concat([Buffer.from(record.attempt, "hex"), expires, record.tag, record.share, ...names]);
}

/** Null when the bytes are no record. */
export function decodeRecord(bytes: Buffer): EscrowRecord | null {
  const names: string[] = [];
  let at = FIXED_BYTES;
  while (at < bytes.length) {
    const end = at + 1 + (bytes[at] as number);
    names.push(bytes.toString("latin1", at + 1, end));
    at = end;
  }
  const [agent, user, job] = names;
  if (at !== bytes.length || agent === undefined || user === undefined || job === undefined) return null;
  return {
    agent,
    user,
    job,
    attempt: bytes.toString("hex", 0, 8),
    expires: bytes.readUIntBE(8, 6),
    tag: bytes.subarray(14, 30),
    share: bytes.subarray(30, FIXED_BYTES),
  };
}
