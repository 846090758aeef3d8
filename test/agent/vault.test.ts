import { scryptSync } from "node:crypto";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { expect, test } from "vitest";
import { Stretch } from "../../agent/stretch.ts";
import { type RecordTerms, toEscrow, Vault } from "../../agent/vault.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const secrets = () => ({
  identity: "AGE-SECRET-KEY-1TEST",
  deviceSecret: new Uint8Array(32).fill(7),
  deviceSalt: new Uint8Array(16).fill(9),
});
const ref = { user: "alice", job: "job-00000001" };
const id = text("5.alice.job-00000001");
const terms: RecordTerms = { ...ref, target: "lobby", sealedExpires: 1_800_000_000, sealedBytes: 65_552 };
const record = {
  fileKey: new Uint8Array(16).fill(1),
  payloadNonce: new Uint8Array(16).fill(2),
  manifest: { v: 1 as const, name: "report.pdf", copies: 2 },
};
const st = new Uint8Array(32).fill(3);

test("the tag is HMAC(HKDF(device secret), st || id), its first 16 bytes", () => {
  const key = hkdf(sha256, secrets().deviceSecret, undefined, text("platen/tag/v1"), 32);
  const expected = hmac(sha256, key, Uint8Array.from([...st, ...id])).subarray(0, 16);
  expect(Buffer.from(new Vault(secrets()).tag(st, ref)).equals(Buffer.from(expected))).toBe(true);
});

test("the record opens with keys derived as the design says, by other people's code", () => {
  const vault = new Vault(secrets());
  const share = vault.drawShare();
  const sealed = vault.seal(record, terms, share, st);
  const kek = hkdf(sha256, Uint8Array.from([...share, ...st]), id, text("platen/kek/v1/lobby"), 32);
  const aad = Buffer.alloc(2 + id.length + 16);
  aad.writeUInt16BE(id.length, 0);
  aad.set(id, 2);
  aad.writeBigUInt64BE(1_800_000_000n, 2 + id.length);
  aad.writeBigUInt64BE(65_552n, 10 + id.length);
  const plain = chacha20poly1305(kek, new Uint8Array(12), aad).decrypt(sealed);
  expect(plain.subarray(0, 32)).toEqual(Uint8Array.from([...record.fileKey, ...record.payloadNonce]));
  expect(JSON.parse(new TextDecoder().decode(plain.subarray(32)))).toEqual(record.manifest);
});

test("the record opens for its own terms, share and OTP only", () => {
  const vault = new Vault(secrets());
  const share = vault.drawShare();
  const sealed = vault.seal(record, terms, share, st);
  expect(vault.open(sealed, terms, share, st)).toEqual(record);
  const others: RecordTerms[] = [
    { ...terms, user: "bob" },
    { ...terms, job: "job-00000002" },
    { ...terms, target: "attic" },
    { ...terms, sealedExpires: terms.sealedExpires + 1 },
    { ...terms, sealedBytes: terms.sealedBytes - 1 },
  ];
  for (const other of others) expect(vault.open(sealed, other, share, st)).toBeNull();
  expect(vault.open(sealed, terms, vault.drawShare(), st)).toBeNull();
  expect(vault.open(sealed, terms, share, new Uint8Array(32))).toBeNull();
  for (const at of [0, 40, sealed.length - 1]) {
    const changed = Uint8Array.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(vault.open(changed, terms, share, st)).toBeNull();
  }
  expect(vault.open(new Uint8Array(3), terms, share, st)).toBeNull();
});

test("a share dropped, and all at the wipe, is zeroes", () => {
  const given = secrets();
  const vault = new Vault(given);
  const shares = ["job-00000001", "job-00000002"].map((job) => {
    const share = {
      user: "alice",
      job,
      attempt: "0123456789abcdef",
      tag: new Uint8Array(16),
      share: vault.drawShare(),
      expires: 1,
    };
    vault.hold(share);
    return share;
  });
  expect(vault.shares()).toEqual(shares.map(toEscrow));
  vault.drop({ user: "alice", job: "job-00000001" });
  expect(shares[0]?.share).toEqual(new Uint8Array(32));
  expect(vault.share({ user: "alice", job: "job-00000001" })).toBeNull();
  vault.wipe();
  expect(shares[1]?.share).toEqual(new Uint8Array(32));
  expect(given.deviceSecret).toEqual(new Uint8Array(32));
});

test("the stretch is scrypt as the design says", async () => {
  const stretch = new Stretch(secrets().deviceSalt);
  const salt = Buffer.concat([Buffer.from("platen/otp/v1"), secrets().deviceSalt]);
  const expected = scryptSync("48213907", salt, 32, { N: 2 ** 15, r: 8, p: 1, maxmem: 2 ** 26 });
  expect(Buffer.from(await stretch.derive("48213907", "keypad")).equals(expected)).toBe(true);
});

test("one derivation at a time, the keypad before the arrivals, one for two who want the same", async () => {
  const stretch = new Stretch(secrets().deviceSalt, 1024);
  const order: string[] = [];
  const derive = async (otp: string, waiter: "keypad" | "arrival"): Promise<Uint8Array> => {
    const st = await stretch.derive(otp, waiter);
    order.push(`${waiter} ${otp}`);
    return st;
  };
  const all = await Promise.all([
    derive("10000001", "arrival"),
    derive("20000002", "arrival"),
    derive("30000003", "arrival"),
    derive("30000003", "keypad"),
    derive("40000004", "keypad"),
  ]);
  expect(order).toEqual([
    "arrival 10000001",
    "arrival 30000003",
    "keypad 30000003",
    "keypad 40000004",
    "arrival 20000002",
  ]);
  expect(all[2]).toEqual(all[3]);
  // Each has a copy of its own: who wipes first harms nobody.
  all[2]?.fill(0);
  expect(all[3]).not.toEqual(all[2]);
});
