/**
 * What a thief who has read docs/protocol.md does with a card: their own code, from the page and not from ours. With an
 * OTP they happen to know they test whether a guess could be tested: if even the right one cannot be told from a wrong
 * one, no guess can.
 */
import { createDecipheriv, createHmac, hkdfSync, scryptSync } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { decodeRecord } from "../../../broker/escrow-record.ts";
import { SlotFile } from "../../../broker/slot-file.ts";
import { listFiles } from "./hunt.ts";

const SCRYPT = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
const KEY_BYTES = 32;

/** A row of the card's database. */
export interface CardJob {
  readonly user: string;
  readonly job: string;
  readonly target: string;
  readonly record: Buffer;
  readonly expires: number;
  readonly bytes: number;
}

export interface Card {
  readonly sealed: Buffer;
  readonly jobs: readonly CardJob[];
  /** Every file of it. */
  readonly files: readonly Buffer[];
}

export interface Identity {
  readonly secret: Buffer;
  readonly salt: Buffer;
  /** `AGE-SECRET-KEY-1...` */
  readonly age: string;
}

export interface EscrowLoot {
  readonly user: string;
  readonly job: string;
  readonly tag: Buffer;
  readonly share: Buffer;
}

export function readCard(dir: string): Card {
  const files = listFiles(dir).map((file) => readFileSync(file));
  const rows = readRows(join(dir, "jobs", "jobs.db"));
  return { sealed: readFileSync(join(dir, "identity.sealed")), jobs: rows, files };
}

/** Opened as a copy: to open a database is to write to it. */
function readRows(file: string): CardJob[] {
  const scratch = mkdtempSync(join(tmpdir(), "platen-loot-"));
  for (const tail of ["", "-wal"])
    if (existsSync(`${file}${tail}`)) copyFileSync(`${file}${tail}`, join(scratch, `jobs.db${tail}`));
  const database = new Database(join(scratch, "jobs.db"));
  const columns = "user, job, target, record, sealed_expires AS expires, sealed_bytes AS bytes";
  const rows = database.prepare(`SELECT ${columns} FROM job WHERE record IS NOT NULL`).all() as CardJob[];
  database.close();
  rmSync(scratch, { recursive: true });
  return rows;
}

/** counter(6) | share(32) | name. */
export function readBootShare(brokerDir: string): Buffer | null {
  for (const record of readSlots(join(brokerDir, "boot-shares.slots"))) return record.subarray(6, 38);
  return null;
}

export function readEscrow(brokerDir: string): EscrowLoot[] {
  return readSlots(join(brokerDir, "escrow.slots")).flatMap((bytes) => decodeRecord(bytes) ?? []);
}

function readSlots(file: string): Buffer[] {
  const slots = new SlotFile(file);
  try {
    return [...slots.entries()].map(({ record }) => Buffer.from(record));
  } finally {
    slots.close();
  }
}

/** `version(1) | salt(16) | ChaCha20-Poly1305(secret(32) | salt(16) | age identity)` under HKDF(boot share). */
export function openIdentity(sealed: Buffer, bootShare: Uint8Array): Identity | null {
  const key = derive(bootShare, sealed.subarray(1, 17), "platen/identity/v1");
  const plain = openBox(key, sealed.subarray(17), Buffer.alloc(0));
  if (!plain) return null;
  return { secret: plain.subarray(0, 32), salt: plain.subarray(32, 48), age: plain.toString("latin1", 48) };
}

export function stretch(otp: string, salt: Buffer): Buffer {
  return scryptSync(otp, Buffer.concat([Buffer.from("platen/otp/v1"), salt]), KEY_BYTES, SCRYPT);
}

export function tagOf(secret: Buffer, st: Buffer, job: Pick<CardJob, "user" | "job">): Buffer {
  const key = derive(secret, Buffer.alloc(0), "platen/tag/v1");
  return createHmac("sha256", key).update(st).update(idOf(job)).digest().subarray(0, 16);
}

/** The record's plaintext, or null. */
export function openJob(job: CardJob, share: Uint8Array, st: Buffer): Buffer | null {
  const key = derive(Buffer.concat([share, st]), idOf(job), `platen/kek/v1/${job.target}`);
  return openBox(key, job.record, termsOf(job));
}

export interface Attempts {
  readonly tried: number;
  readonly opened: number;
}

/** 32-byte pieces of the card, evenly spread where there are more than `windowsMax`, taken for what is missing. */
export function tryEveryKey(
  card: Card,
  windowsMax: number,
  isRight: (candidate: Buffer) => boolean,
): Attempts {
  let [tried, opened] = [0, 0];
  const all = card.files.reduce((sum, file) => sum + file.length, 0);
  const step = Math.max(1, Math.ceil(all / windowsMax));
  for (const file of card.files) {
    for (let at = 0; at + KEY_BYTES <= file.length; at += step) {
      const candidate = file.subarray(at, at + KEY_BYTES);
      tried++;
      if (isRight(candidate)) opened++;
    }
  }
  return { tried, opened };
}

/** `<length of user>.<user>.<job>`. */
function idOf({ user, job }: Pick<CardJob, "user" | "job">): Buffer {
  return Buffer.from(`${user.length}.${user}.${job}`);
}

function termsOf(job: CardJob): Buffer {
  const id = idOf(job);
  const terms = Buffer.alloc(2 + id.length + 16);
  terms.writeUInt16BE(id.length, 0);
  id.copy(terms, 2);
  terms.writeBigUInt64BE(BigInt(job.expires), 2 + id.length);
  terms.writeBigUInt64BE(BigInt(job.bytes), 10 + id.length);
  return terms;
}

function derive(key: Uint8Array, salt: Uint8Array, info: string): Buffer {
  return Buffer.from(hkdfSync("sha256", key, salt, info, KEY_BYTES));
}

function openBox(key: Buffer, box: Buffer, terms: Buffer): Buffer | null {
  const split = box.length - 16;
  const options = { authTagLength: 16 };
  const cipher = createDecipheriv("chacha20-poly1305", key, Buffer.alloc(12), options);
  cipher.setAAD(terms, { plaintextLength: split });
  cipher.setAuthTag(box.subarray(split));
  const plain = cipher.update(box.subarray(0, split));
  try {
    cipher.final();
    return plain;
  } catch {
    return null;
  }
}
