import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { RECORD_BYTES_MAX, SLOT_BYTES, SlotFile } from "../../broker/slot-file.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "platen-slots-"));
  path = join(folder, "shares");
});
afterEach(() => rmSync(folder, { recursive: true }));

const records = (file: SlotFile) => [...file.entries()].map(({ record }) => record.toString());

it("keeps records over a reopening, in a file only its owner reads", async () => {
  const file = new SlotFile(path);
  file.write(Buffer.from("one"));
  file.write(Buffer.from("two"));
  await file.sync();
  file.close();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const again = new SlotFile(path);
  expect(records(again)).toEqual(["one", "two"]);
  again.close();
});

it("overwrites what is cleared where it lay, and uses the slot again", () => {
  const file = new SlotFile(path);
  const slot = file.write(Buffer.from("a secret that must go"));
  file.write(Buffer.from("stays"));
  file.clear(slot);
  file.syncNow();
  expect(readFileSync(path).includes("a secret that must go")).toBe(false);
  expect(file.read(slot)).toBeNull();
  expect(file.write(Buffer.from("next"))).toBe(slot);
  expect(statSync(path).size).toBe(2 * SLOT_BYTES);
  file.close();
});

it("reads a slot that was written in part as empty, and loses nothing else", () => {
  const file = new SlotFile(path);
  for (const text of ["first", "second", "third"]) file.write(Buffer.from(text));
  file.close();
  const bytes = readFileSync(path);
  bytes.fill(0, SLOT_BYTES + 8, SLOT_BYTES + 20);
  writeFileSync(path, bytes);
  truncateSync(path, 3 * SLOT_BYTES - 100);
  const again = new SlotFile(path);
  expect(records(again)).toEqual(["first"]);
  again.write(Buffer.from("fourth"));
  again.write(Buffer.from("fifth"));
  expect(records(again)).toEqual(["first", "fourth", "fifth"]);
  again.close();
});

it("shares syncs among callers without taking one that began before the write", async () => {
  const file = new SlotFile(path);
  const syncs = ["a", "b", "c"].map((text) => {
    file.write(Buffer.from(text));
    return file.sync();
  });
  await Promise.all(syncs);
  expect(syncs[1]).toBe(syncs[2]);
  expect(syncs[0]).not.toBe(syncs[1]);
  file.close();
});

it("takes a record that just fits and refuses a longer one", () => {
  const file = new SlotFile(path);
  const longest = Buffer.alloc(RECORD_BYTES_MAX, 7);
  expect(file.read(file.write(longest))).toEqual(longest);
  expect(() => file.write(Buffer.alloc(RECORD_BYTES_MAX + 1))).toThrow(RangeError);
  file.close();
});

it("reads nothing that was not written whole, whatever the file holds", () => {
  const kept = ["one", "two", "three"];
  const file = new SlotFile(path);
  for (const record of kept) file.write(Buffer.from(record));
  file.close();
  const good = readFileSync(path);
  const flips = fc.array(fc.record({ at: fc.nat(good.length - 1), to: fc.nat(255) }), { maxLength: 8 });
  fc.assert(
    fc.property(flips, fc.nat(good.length), fc.uint8Array({ maxLength: 700 }), (changes, length, tail) => {
      const bytes = Buffer.concat([good.subarray(0, length), tail]);
      for (const { at, to } of changes) if (at < bytes.length) bytes[at] = to;
      writeFileSync(path, bytes);
      const damaged = new SlotFile(path);
      for (const record of records(damaged)) expect(kept).toContain(record);
      damaged.write(Buffer.from("one"));
      expect(records(damaged)).toContain("one");
      damaged.close();
    }),
    { numRuns: 60 },
  );
});
