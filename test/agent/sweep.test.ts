/** What time does: expiry, the end of grace, tombstones. */
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Keeping, NOW_S } from "./keeping.ts";

let keeping: Keeping;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  keeping = await Keeping.open();
});
afterEach(async () => {
  await keeping.close();
  vi.useRealTimers();
});

const sweep = (): unknown => vi.advanceTimersByTime(15_000);
const final = (job?: string) => () => keeping.last(job)?.final === true;

test("a held job expires by its manifest, and every trace of it goes; another waits on", async () => {
  await keeping.submit({ manifest: { expires: NOW_S + 100 } });
  await keeping.submit({ job: "job-00000002", manifest: { expires: NOW_S + 1000, otp: "70617263" } });
  keeping.time.pass(100);
  sweep();
  await keeping.until(final());
  expect(keeping.last()).toMatchObject({ state: "expired", reason: "expired" });
  await keeping.keeper.stop();
  expect(keeping.spooled()).toHaveLength(1);
  await keeping.start();
});

test("the earlier of manifest and `end` counts; without either it is eight hours", async () => {
  await keeping.submit({ manifest: { expires: NOW_S + 9000 }, ticket: { expires: NOW_S + 100 } });
  await keeping.submit({ job: "job-00000002", manifest: { otp: "70617263" } });
  keeping.time.pass(8 * 3600 - 1);
  sweep();
  await keeping.until(final());
  expect(keeping.states("job-00000002").at(-1)).toBe("held");
  keeping.time.pass(1);
  sweep();
  await keeping.until(final("job-00000002"));
});

test("at 1970 nothing expires; once the broker told the time, it does", async () => {
  await keeping.submit({ manifest: { expires: NOW_S + 100 } });
  keeping.time.wallS = 12;
  await keeping.restart();
  expect(keeping.keeper.held()).toBe(1);
  keeping.keeper.learnTime(NOW_S + 101);
  sweep();
  await keeping.until(final());
  expect(keeping.last()).toMatchObject({ state: "expired", at: NOW_S + 101 });
});

test("held at 1970 without an expiry: eight hours from when the time is known", async () => {
  keeping.time.wallS = 12;
  await keeping.submit({});
  keeping.keeper.learnTime(NOW_S);
  await keeping.restart();
  keeping.time.wallS = NOW_S;
  await keeping.restart();
  keeping.time.pass(8 * 3600);
  sweep();
  await keeping.until(final());
});

test("a time once seen is remembered: an earlier one is not believed after a restart", async () => {
  keeping.time.pass(86_400);
  await keeping.restart();
  keeping.time.wallS = NOW_S;
  await keeping.restart();
  await keeping.submit({ manifest: { expires: NOW_S - 5 } });
  expect(keeping.last()?.state).toBe("held");
});

test("while nobody prints, the card is written to once an hour, and not oftener", async () => {
  await keeping.submit({});
  await keeping.restart();
  const db = new Database(join(keeping.dir, "jobs.db"), { readonly: true });
  const version = () => db.pragma("data_version", { simple: true });
  const before = version();
  const passTo = async (seconds: number) => {
    for (let at = 0; at < seconds; at += 300) {
      keeping.time.pass(300);
      await vi.advanceTimersByTimeAsync(15_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return version();
  };
  expect(await passTo(3300)).toBe(before);
  expect(await passTo(600)).not.toBe(before);
  db.close();
});

test("what is left of a grace is written once a minute, and a restart costs no more than that", async () => {
  await keeping.submit({ document: Buffer.alloc(9000) });
  keeping.printer.inject({ kind: "vanish", afterBytes: 5000 });
  await keeping.enter();
  await keeping.until(() => keeping.last()?.state === "interrupted");
  const db = new Database(join(keeping.dir, "jobs.db"), { readonly: true });
  const leftMs = () => db.prepare("SELECT left_ms FROM grace").pluck().get();
  const seen: unknown[] = [];
  for (let passed = 15; passed <= 120; passed += 15) {
    keeping.time.pass(15);
    await vi.advanceTimersByTimeAsync(15_000);
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(leftMs());
  }
  db.close();
  expect(seen).toEqual([600, 600, 600, 540, 540, 540, 540, 480].map((seconds) => seconds * 1000));
});

test("an interrupted job's grace ends: final, still called interrupted, every trace gone", async () => {
  await keeping.submit({ document: Buffer.alloc(9000) });
  keeping.printer.inject({ kind: "vanish", afterBytes: 5000 });
  await keeping.enter();
  await keeping.until(() => keeping.last()?.state === "interrupted");
  keeping.time.pass(600);
  sweep();
  await keeping.until(final());
  expect(keeping.last()).toMatchObject({ state: "interrupted", reason: "cable" });
  expect(keeping.keeper.reputAll()).toEqual([]);
});

test("a tombstone goes after thirty days; what was seen is remembered on", async () => {
  const sealed = await keeping.seal({});
  await keeping.submit({ sealed });
  await keeping.enter();
  await keeping.destroyed();
  keeping.time.pass(31 * 86_400);
  await keeping.restart();
  const db = new Database(join(keeping.dir, "jobs.db"), { readonly: true });
  expect(db.prepare("SELECT count(*) FROM job").pluck().get()).toBe(0);
  db.close();
  expect(await keeping.submit({ sealed, job: "job-00000002" })).toBe("rejected");
});
