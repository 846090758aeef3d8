import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BootShareFile } from "../../broker/boot-shares.ts";
import { openScratch } from "./registry-fixture.ts";

const scratch = openScratch();
const bytes = (byte: number) => Uint8Array.from(share(byte));
const path = () => join(scratch.folder(), "boot-shares.slots");
const share = (byte: number) => Buffer.alloc(32, byte);

test("a share is there again after the file was opened again", () => {
  const file = path();
  const first = new BootShareFile(file);
  first.put("lobby", share(1));
  first.put("attic", share(2));
  first.close();
  const second = new BootShareFile(file);
  expect(second.get("lobby")).toEqual(bytes(1));
  expect(second.get("attic")).toEqual(bytes(2));
  expect(second.get("cellar")).toBeNull();
  second.close();
});

test("a dropped or replaced share is nowhere in the file", () => {
  const file = path();
  const shares = new BootShareFile(file);
  shares.put("lobby", share(0xa1));
  shares.put("lobby", share(0xb2));
  expect(readFileSync(file).includes(share(0xa1))).toBe(false);
  expect(readFileSync(file).includes(share(0xb2))).toBe(true);
  shares.drop("lobby");
  expect(readFileSync(file).includes(share(0xb2))).toBe(false);
  expect(shares.get("lobby")).toBeNull();
  shares.drop("lobby");
  shares.close();
});

test("a crash between the new share and the end of the old one leaves the new one", () => {
  const file = path();
  const shares = new BootShareFile(file);
  shares.put("lobby", share(1));
  const before = readFileSync(file);
  shares.put("lobby", share(2));
  shares.close();
  // What a crash would leave: the new record, and the old one not yet overwritten.
  const both = readFileSync(file);
  both.set(before, 0);
  writeFileSync(file, both);
  const again = new BootShareFile(file);
  expect(again.get("lobby")).toEqual(bytes(2));
  expect(readFileSync(file).includes(share(1))).toBe(false);
  again.close();
});
