/** Someone who pours digits into a keypad: whoever types next is not made to wait for all of it. */
import type { BinaryLike, ScryptOptions } from "node:crypto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Keeping, OTP } from "../agent/keeping.ts";

const counted = vi.hoisted(() => ({ derivations: 0 }));
vi.mock("node:crypto", async (original) => {
  const crypto = await original<typeof import("node:crypto")>();
  type Done = (error: Error | null, key: Buffer) => void;
  const scrypt = (otp: BinaryLike, salt: BinaryLike, bytes: number, options: ScryptOptions, done: Done) => {
    counted.derivations++;
    crypto.scrypt(otp, salt, bytes, options, done);
  };
  return { ...crypto, scrypt };
});

let keeping: Keeping;
beforeEach(async () => {
  keeping = await Keeping.open();
});
afterEach(() => keeping.close());

test("entries that are never submitted cost at most two derivations at once, and no try", async () => {
  await keeping.submit();
  counted.derivations = 0;
  for (let i = 0; i < 1000; i++) keeping.keeper.release.prepare(String(20_000_000 + i));
  expect(await keeping.enter()).toMatchObject({ kind: "released" });
  expect(counted.derivations).toBeLessThanOrEqual(3);
  await keeping.destroyed();
});

test("what was prepared is used: one derivation from the last digit to the paper", async () => {
  await keeping.submit();
  counted.derivations = 0;
  keeping.keeper.release.prepare(OTP);
  expect(await keeping.enter()).toMatchObject({ kind: "released" });
  expect(counted.derivations).toBe(1);
  await keeping.destroyed();
});
