import { randomBytes } from "node:crypto";
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { PartFile } from "../../broker/part-file.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "platen-parts-"));
  path = join(folder, "job");
});
afterEach(() => rmSync(folder, { recursive: true }));

const parts = Array.from({ length: 5 }, (_, n) => randomBytes(1000 + n));

async function writeFileOf(order: readonly number[]): Promise<void> {
  const file = PartFile.create(path);
  for (const n of order) expect(file.append(n, parts[n]!)).toBe("new");
  await file.sync();
  await file.close();
}

it("gives parts back by number, whatever the order they came in", async () => {
  await writeFileOf([3, 0, 4, 1]);
  for (const verify of [false, true]) {
    const file = PartFile.open(path, verify);
    expect([file.count, file.bytes, file.firstMissing]).toEqual([4, 1003 + 1000 + 1004 + 1001, 2]);
    for (const n of [0, 1, 3, 4]) expect(file.read(n)?.equals(parts[n]!)).toBe(true);
    expect(file.read(2)).toBeNull();
    expect(file.append(2, parts[2]!)).toBe("new");
    expect(file.firstMissing).toBe(5);
    await file.close();
    await writeFileOf([3, 0, 4, 1]);
  }
});

it("compares a part that comes twice with the stored bytes and stores nothing", async () => {
  await writeFileOf([0, 1]);
  const before = statSync(path).size;
  const file = PartFile.open(path, false);
  expect(file.append(1, parts[1]!)).toBe("same");
  expect(file.append(1, parts[1]!.subarray(1))).toBe("different");
  const flipped = Buffer.from(parts[1]!);
  flipped[500]! ^= 1;
  expect(file.append(1, flipped)).toBe("different");
  expect(file.read(1)?.equals(parts[1]!)).toBe(true);
  await file.close();
  expect(statSync(path).size).toBe(before);
});

it("keeps, after a cut at any byte, exactly the parts that are whole before it", async () => {
  await writeFileOf([2, 0, 1]);
  const whole = readFileSync(path);
  const ends = [0, 16 + 1002, 32 + 1002 + 1000, 48 + 1002 + 1000 + 1001];
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length), async (size) => {
      writeFileSync(path, whole);
      truncateSync(path, size);
      const file = PartFile.open(path, true);
      const kept = ends.findLastIndex((end) => end <= size);
      expect([...file.lengths()].map(([n]) => n)).toEqual([2, 0, 1].slice(0, kept));
      // What is lost can come again, and then all of it is there.
      for (const n of [0, 1, 2]) file.append(n, parts[n]!);
      for (const n of [0, 1, 2]) expect(file.read(n)?.equals(parts[n]!)).toBe(true);
      await file.close();
    }),
    { numRuns: 60 },
  );
});

it("finds what a power cut left as zeros or changed, wherever it lies", async () => {
  await writeFileOf([0, 1, 2]);
  const whole = readFileSync(path);
  for (const at of [3, 6, 10, 14, 20, 1015, 1016, 1016 + 16 + 500, whole.length - 1]) {
    const damaged = Buffer.from(whole);
    damaged[at]! ^= 0x40;
    writeFileSync(path, damaged);
    const file = PartFile.open(path, true);
    const kept = at < 1016 ? 0 : at < 1016 + 1017 ? 1 : 2;
    expect(file.count).toBe(kept);
    await file.close();
    copyFileSync(path, join(folder, "cut"));
    expect(statSync(path).size).toBe([0, 1016, 1016 + 1017][kept]);
  }
});

it("opens arbitrary bytes without harm", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 4000 }), async (bytes) => {
      writeFileSync(path, bytes);
      const file = PartFile.open(path, true);
      expect(file.bytes).toBeLessThanOrEqual(bytes.length);
      await file.close();
    }),
    { numRuns: 50 },
  );
});
