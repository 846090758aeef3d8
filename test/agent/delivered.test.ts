/** What was delivered, but confirmed by nobody: the same OTP prints it once more for its grace time, then it is gone. */
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EscposPrinter } from "./escpos-printer.ts";
import { Keeping, NOW_S } from "./keeping.ts";

let keeping: Keeping;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  keeping = await Keeping.open({ lobby: "raw" }, { deliveredGraceMs: 600_000 });
});
afterEach(async () => {
  await keeping.close();
  vi.useRealTimers();
});

const JOB = "job-00000001";
const OTHER = "job-00000002";
const NOT_ACCEPTED = { kind: "not-accepted" };
const released = (jobs: number) => ({ kind: "released", jobs, waiting: false });
const pages = (): string[] => keeping.printer.jobs.map((job) => job.toString());
const sweep = (): unknown => vi.advanceTimersByTime(15_000);

/** Enters the OTP and waits for so many ends of printing. */
async function print(times = 1): Promise<void> {
  const count = () => keeping.panel.filter(({ kind }) => kind === "take-pages").length;
  const before = count();
  expect(await keeping.enter()).toMatchObject({ kind: "released" });
  await keeping.until(() => count() === before + times);
}

function expectGone(job = JOB): void {
  expect(keeping.last(job)?.final).toBe(true);
  expect(keeping.spooled()).toEqual([]);
  expect(keeping.keeper.reputAll()).toEqual([]);
  const db = new Database(join(keeping.dir, "jobs.db"), { readonly: true });
  expect(db.prepare("SELECT record FROM job WHERE job = ?").pluck().get(job)).toBeNull();
  expect(db.prepare("SELECT count(*) FROM grace").pluck().get()).toBe(0);
  db.close();
}

test("delivered: told with its time; everything is kept; the panel counts nobody who waits", async () => {
  await keeping.submit({});
  await print();
  expect(keeping.last()).toMatchObject({ state: "delivered", final: false, until: NOW_S + 600, bytes: 6 });
  expect(keeping.last()).not.toHaveProperty("again");
  expect(keeping.spooled()).toHaveLength(1);
  expect(keeping.keeper.held()).toBe(0);
});

test("the same OTP prints a second copy, marked so; then nothing is kept, and the OTP is not accepted", async () => {
  await keeping.submit({});
  await print();
  await print();
  expect(pages()).toEqual(["hello\n", "hello\n"]);
  expect(keeping.panel.filter(({ kind }) => kind === "printing")).toMatchObject([
    { second: false },
    { second: true },
  ]);
  const second = keeping.events.slice(-3);
  expect(second.map(({ state, again }) => [state, again])).toEqual([
    ["releasing", true],
    ["printing", true],
    ["delivered", true],
  ]);
  await keeping.destroyed();
  expectGone();
  expect(await keeping.enter()).toEqual(NOT_ACCEPTED);
});

test("at the end of the grace time it is refused at once, and destroyed by the next sweep", async () => {
  await keeping.submit({});
  await print();
  keeping.time.pass(599);
  sweep();
  expect(keeping.last()?.final).toBe(false);
  keeping.time.pass(1);
  expect(await keeping.enter()).toEqual(NOT_ACCEPTED);
  sweep();
  await keeping.destroyed();
  expect(keeping.last()).toMatchObject({ state: "delivered", reason: null, final: true });
  expectGone();
});

test("0: destroyed at once", async () => {
  await keeping.close();
  keeping = await Keeping.open({ lobby: "raw" }, { deliveredGraceMs: 0 });
  await keeping.submit({});
  await print();
  await keeping.destroyed();
  expectGone();
});

test("a right OTP costs nothing for a second copy; a wrong one costs a try, as ever", async () => {
  await keeping.submit({});
  await print();
  for (let i = 0; i < 4; i++) await keeping.enter("00000001");
  await print();
  expect(await keeping.enter()).toEqual(NOT_ACCEPTED);
  expect(await keeping.enter()).toMatchObject({ kind: "wait" });
});

test("every copy again: a second copy begins at the first page", async () => {
  await keeping.submit({ manifest: { copies: 3 } });
  await print();
  await print();
  expect(pages()).toHaveLength(6);
  expect(keeping.last()).toMatchObject({ state: "delivered", again: true, bytes: 18 });
});

test("a printer that cannot print just then: it stays delivered and open, told without a new copy", async () => {
  await keeping.submit({});
  await print();
  keeping.printer.status = { ready: "no", reason: "paper", source: "fake" };
  expect(await keeping.enter()).toEqual({ kind: "printer-care", printer: "lobby", reason: "paper" });
  keeping.printer.status = { ready: "yes", reason: null, source: "fake" };
  expect(keeping.last()).toMatchObject({ state: "delivered", final: false });
  await print();
});

test("a second copy that was cut short prints again, and what was delivered twice is over, a restart between or not", async () => {
  await keeping.submit({ document: Buffer.alloc(9000, 50) });
  await print();
  keeping.printer.inject({ kind: "vanish", afterBytes: 5000 });
  await keeping.enter();
  await keeping.until(() => keeping.last()?.state === "interrupted");
  expect(keeping.last()).toMatchObject({ again: true, final: false });
  await keeping.restart();
  await print();
  expect(keeping.last()).toMatchObject({ state: "delivered", again: true, final: true });
  await keeping.destroyed();
  expectGone();
  expect(await keeping.enter()).toEqual(NOT_ACCEPTED);
});

test("a set: all of it again, in its order; while a member is owed, that one alone", async () => {
  const set = { set: "set-00001", of: 2 };
  await keeping.submit({ document: Buffer.from("one"), manifest: { ...set, seq: 1 } });
  await keeping.submit({ job: OTHER, document: Buffer.alloc(9000, 50), manifest: { ...set, seq: 2 } });
  keeping.printer.inject({ kind: "vanish", afterBytes: 5000 });
  expect(await keeping.enter()).toEqual(released(2));
  await keeping.until(() => keeping.last(OTHER)?.state === "interrupted");
  await print();
  expect(pages().map(([first]) => first)).toEqual(["o", "2", "2"]);
  await print(2);
  expect(pages().map(([first]) => first)).toEqual(["o", "2", "2", "o", "2"]);
});

test("several users under one OTP, one of them delivered already: nothing prints, all of it ends", async () => {
  await keeping.submit({});
  await print();
  await keeping.submit({ user: "bob", job: OTHER });
  expect(await keeping.enter()).toEqual(NOT_ACCEPTED);
  expect(pages()).toHaveLength(1);
  expect(keeping.last()).toMatchObject({ state: "delivered", reason: null, final: true });
  expect(keeping.last(OTHER)).toMatchObject({ state: "cancelled", reason: "otp-collision", final: true });
  expectGone();
  expect(await keeping.enter()).toEqual(NOT_ACCEPTED);
});

test.each(["by-sender", "expired", "printed-elsewhere"] as const)(
  "told to let go (%s): it stays delivered, and everything is destroyed",
  async (reason) => {
    await keeping.submit({});
    await print();
    await keeping.keeper.arrivals.drop({ ...keeping.ticket({}, 1), want: "drop", reason });
    expect(keeping.last()).toMatchObject({ state: "delivered", reason: null, final: true });
    expectGone();
    expect(await keeping.enter()).toEqual(NOT_ACCEPTED);
  },
);

test("its expiry does not cut the grace short", async () => {
  await keeping.submit({ manifest: { expires: NOW_S + 100 } });
  await print();
  keeping.time.pass(500);
  sweep();
  await print();
});

test("a group's job is claimed again, and without the broker it is not printed again", async () => {
  await keeping.submit({ ticket: { group: true } });
  await print();
  keeping.escrow.away = true;
  expect(await keeping.enter()).toEqual({ kind: "locked" });
  keeping.escrow.away = false;
  await print();
  expect(keeping.escrow.claims).toHaveLength(2);
});

describe("a restart", () => {
  test("delivered stays so and open, with a share from the escrow, for no longer than before", async () => {
    await keeping.submit({});
    await print();
    keeping.time.pass(300);
    sweep();
    await keeping.keeper.stop(0);
    await keeping.start();
    expect(keeping.last()).toMatchObject({ state: "delivered", final: false });
    keeping.time.pass(239);
    await print();
    expect(pages()).toHaveLength(2);
  });

  test("past what was left the OTP is refused, and everything goes", async () => {
    await keeping.submit({});
    await print();
    keeping.time.pass(300);
    sweep();
    await keeping.restart();
    keeping.time.pass(240);
    expect(await keeping.enter()).toEqual(NOT_ACCEPTED);
    sweep();
    await keeping.destroyed();
    expectGone();
  });

  test("in the middle of the second copy: interrupted, and open as such", async () => {
    await keeping.submit({ document: Buffer.alloc(9000) });
    await print();
    await keeping.keeper.stop(0);
    const db = new Database(join(keeping.dir, "jobs.db"));
    db.exec("UPDATE job SET state = 'printing'");
    db.close();
    await keeping.start();
    expect(keeping.last()).toMatchObject({
      state: "interrupted",
      reason: "power",
      again: true,
      final: false,
    });
    expect(pages()).toHaveLength(1);
    keeping.time.pass(599);
    await print();
  });

  test("with a shorter time in the settings: that counts from now on, and 0 destroys it at the start", async () => {
    await keeping.submit({});
    await print();
    await keeping.keeper.stop(0);
    await keeping.start({ deliveredGraceMs: 0 });
    expect(await keeping.enter()).toEqual(NOT_ACCEPTED);
    expectGone();
  });

  test("between the entry and the second copy: delivered again, not held, and nothing prints by itself", async () => {
    await keeping.submit({});
    await print();
    await keeping.keeper.stop(0);
    const db = new Database(join(keeping.dir, "jobs.db"));
    db.exec("UPDATE job SET state = 'releasing'");
    db.close();
    await keeping.start();
    expect(keeping.last()).toMatchObject({ state: "delivered", final: false });
    expect(keeping.last()?.until).toBeGreaterThan(NOW_S);
    expect(pages()).toHaveLength(1);
    await print();
  });

  test("its spool file gone: it was delivered, and is over", async () => {
    await keeping.submit({});
    await print();
    await keeping.keeper.stop(0);
    const db = new Database(join(keeping.dir, "jobs.db"));
    db.exec("UPDATE job SET sealed_bytes = sealed_bytes + 1");
    db.close();
    await keeping.start();
    expect(keeping.last()).toMatchObject({ state: "delivered", reason: null, final: true });
    expect(keeping.spooled()).toEqual([]);
  });
});

test("a second copy that the printer confirms ends as printed, for good", async () => {
  await keeping.close();
  const printer = new EscposPrinter({ fence: "wrong" });
  const policy = { deliveredGraceMs: 600_000, confirmMs: 30 };
  keeping = await Keeping.open({ lobby: "escpos" }, policy, { lobby: printer });
  await keeping.submit({});
  await print();
  expect(keeping.last()).toMatchObject({ state: "delivered", final: false });
  Reflect.deleteProperty(printer.trouble, "fence");
  await print();
  await keeping.destroyed();
  expect(keeping.last()).toMatchObject({ state: "printed", again: true, final: true });
  expectGone();
});
