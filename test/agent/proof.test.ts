/** A spool file that the card lost or changed: found before the first byte, told, and nobody types in vain twice. */

import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Keeping } from "./keeping.ts";

const LONG_BYTES = 6 * 1024 * 1024;
let keeping: Keeping;
beforeEach(async () => {
  keeping = await Keeping.open();
});
afterEach(() => keeping.close());

const pathOf = () => join(keeping.dir, "spool", keeping.spooled()[0] ?? "");

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(path, bytes);
}

test.each<[string, (path: string) => void]>([
  ["gone", (path) => rmSync(path)],
  ["cut", (path) => truncateSync(path, 100)],
  ["changed in its last byte", (path) => flip(path, readFileSync(path).length - 1)],
])("%s: nothing is printed, the job is lost, the try comes back", async (_, harm) => {
  await keeping.submit({ document: randomBytes(200_000) });
  harm(pathOf());
  for (let i = 0; i < 3; i++) await keeping.enter("13572468");
  expect(await keeping.enter()).toEqual({ kind: "printer-care", printer: "lobby", reason: "lost" });
  expect(keeping.printer.jobs).toEqual([]);
  expect(keeping.last()).toMatchObject({ state: "rejected", reason: "lost", final: true });
  expect(keeping.spooled()).toEqual([]);
  // Two of five are left, as before the entry.
  for (let i = 0; i < 2; i++) expect(await keeping.enter("13572468")).toEqual({ kind: "not-accepted" });
  expect(await keeping.enter("13572468")).toMatchObject({ kind: "wait" });
});

test("of several under one OTP the others print", async () => {
  await keeping.submit({ document: Buffer.from("first\n") });
  const path = pathOf();
  await keeping.submit({ job: "job-00000002", document: Buffer.from("second\n") });
  rmSync(path);
  expect(await keeping.enter()).toMatchObject({ kind: "released", jobs: 1 });
  await keeping.destroyed();
  expect(Buffer.concat(keeping.printer.jobs).toString()).toContain("second");
});

test("a long one breaks off where it is damaged; the next entry proves all of it, and ends it", async () => {
  await keeping.submit({ document: randomBytes(LONG_BYTES) });
  flip(pathOf(), LONG_BYTES - 1000);
  await keeping.enter();
  await keeping.until(() => keeping.last()?.state === "interrupted");
  expect(keeping.last()).toMatchObject({ reason: "lost", final: false });
  const before = keeping.printer.jobs.length;
  expect(await keeping.enter()).toMatchObject({ kind: "printer-care", reason: "lost" });
  expect(keeping.last()).toMatchObject({ state: "rejected", reason: "lost", final: true });
  expect(keeping.printer.jobs.length).toBe(before);
});

test("a disk that cannot be read says nothing of the document: it waits on", async () => {
  await keeping.submit({ document: randomBytes(1000) });
  const path = pathOf();
  // Reading a folder fails with EISDIR, for root too.
  renameSync(path, join(keeping.dir, "aside"));
  mkdirSync(path);
  await expect(keeping.enter()).rejects.toMatchObject({ code: "storage-failed" });
  expect(keeping.last()).toMatchObject({ state: "held" });
  rmSync(path, { recursive: true });
  renameSync(join(keeping.dir, "aside"), path);
  expect(await keeping.enter()).toMatchObject({ kind: "released" });
});
