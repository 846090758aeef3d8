/** Entries at the keypad: what each is told, what it costs, what it releases. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Keeping, OTP } from "./keeping.ts";

let keeping: Keeping;
beforeEach(async () => {
  keeping = await Keeping.open();
});
afterEach(() => keeping.close());

const WRONG = "00000001";
const released = (jobs: number, waiting = false) => ({ kind: "released", jobs, waiting });
const pages = (): string[] => keeping.printer.jobs.map((job) => job.toString());

async function submitTwo(first: object, second: object): Promise<void> {
  await keeping.submit({ job: "job-00000001", document: Buffer.from("one"), manifest: first });
  await keeping.submit({ job: "job-00000002", document: Buffer.from("two"), manifest: second });
}

test("a length no policy allows is refused at no cost, and so is what is no number", async () => {
  await keeping.submit({});
  for (let i = 0; i < 9; i++) {
    for (const otp of ["", "4821", "482139071", "4821390a", "4".repeat(40)]) {
      expect(await keeping.enter(otp)).toEqual({ kind: "wrong-length" });
    }
  }
  expect(await keeping.enter()).toEqual(released(1));
});

test("leading zeros count, and a target's own length is judged", async () => {
  await keeping.submit({ manifest: { otp: "004821390713" }, ticket: { otp: 12 } });
  expect(await keeping.enter("004821390713")).toEqual(released(1));
});

test("five wrong entries, then a wait that entries do not lengthen, whether right or wrong", async () => {
  await keeping.submit({});
  for (let i = 0; i < 5; i++) expect(await keeping.enter(WRONG)).toEqual({ kind: "not-accepted" });
  expect(await keeping.enter(WRONG)).toEqual({ kind: "wait", seconds: 120 });
  keeping.time.pass(100);
  expect(await keeping.enter()).toEqual({ kind: "wait", seconds: 20 });
  keeping.time.pass(20);
  expect(await keeping.enter()).toEqual(released(1));
});

test("an owner with a job of their own buys no guesses", async () => {
  for (let i = 0; i < 6; i++) await keeping.submit({ job: `own-job-${i}`, manifest: { otp: `4821390${i}` } });
  for (let i = 0; i < 5; i++) {
    expect(await keeping.enter(`4821390${i}`)).toMatchObject({ kind: "released" });
    expect(await keeping.enter(WRONG)).toEqual({ kind: "not-accepted" });
  }
  expect(await keeping.enter("48213905")).toMatchObject({ kind: "wait" });
});

test("several jobs of one user print in the order they came", async () => {
  await submitTwo({}, {});
  expect(await keeping.enter()).toEqual(released(2));
  await keeping.destroyed(2);
  expect(pages()).toEqual(["one", "two"]);
});

test("a set releases nothing until all of it is held, then prints in its own order; the try comes back", async () => {
  await keeping.submit({
    job: "job-00000001",
    document: Buffer.from("two"),
    manifest: { set: "set-00001", seq: 2, of: 2 },
  });
  for (let i = 0; i < 9; i++) expect(await keeping.enter()).toEqual({ kind: "not-accepted" });
  await keeping.submit({
    job: "job-00000002",
    document: Buffer.from("one"),
    manifest: { set: "set-00001", seq: 1, of: 2 },
  });
  expect(await keeping.enter()).toEqual(released(2));
  await keeping.destroyed(2);
  expect(pages()).toEqual(["one", "two"]);
});

test("of a set that was whole once, what was cut short prints again although the rest is gone", async () => {
  const set = { set: "set-00001", of: 2 };
  await keeping.submit({ document: Buffer.from("one"), manifest: { ...set, seq: 1 } });
  const job = "job-00000002";
  await keeping.submit({ job, document: Buffer.alloc(9000, 50), manifest: { ...set, seq: 2 } });
  keeping.printer.inject({ kind: "vanish", afterBytes: 5000 });
  expect(await keeping.enter()).toEqual(released(2));
  await keeping.until(() => keeping.last(job)?.state === "interrupted");
  expect(await keeping.enter()).toEqual(released(1));
  await keeping.destroyed(2);
  expect(pages().map((page) => page.length)).toEqual([3, 5000, 9000]);
});

test("one OTP for several users: nothing prints, it costs a try, and those jobs end", async () => {
  await keeping.submit({});
  await keeping.submit({ user: "bob", job: "job-00000002" });
  await keeping.submit({ user: "carol", job: "job-00000003", manifest: { otp: "70617263" } });
  expect(await keeping.enter()).toEqual({ kind: "not-accepted" });
  for (const job of ["job-00000001", "job-00000002"]) {
    expect(keeping.last(job)).toMatchObject({ state: "cancelled", reason: "otp-collision", final: true });
  }
  expect(keeping.spooled()).toHaveLength(1);
  expect(pages()).toEqual([]);
  for (let i = 0; i < 4; i++) await keeping.enter(WRONG);
  expect(await keeping.enter()).toMatchObject({ kind: "wait" });
});

test("a printer that cannot print: the panel's words, no try, the OTP stays good", async () => {
  await keeping.submit({});
  keeping.printer.status = { ready: "no", reason: "paper", source: "fake" };
  for (let i = 0; i < 9; i++) {
    expect(await keeping.enter()).toEqual({ kind: "printer-care", printer: "lobby", reason: "paper" });
  }
  keeping.printer.status = { ready: "yes", reason: null, source: "fake" };
  keeping.printer.inject({ kind: "error", on: "open", reason: "offline" });
  expect(await keeping.enter()).toEqual({ kind: "printer-care", printer: "lobby", reason: "offline" });
  expect(keeping.states()).toEqual(["arriving", "held"]);
  expect(await keeping.enter()).toEqual(released(1));
});

test("restarted and the broker away: locked for any entry, at no cost, nothing compared", async () => {
  await keeping.submit({});
  await keeping.restart();
  keeping.escrow.away = true;
  await keeping.submit({ job: "job-00000002" }).catch(() => undefined);
  expect(keeping.keeper.locked()).toBe(true);
  for (let i = 0; i < 9; i++) expect(await keeping.enter()).toEqual({ kind: "locked" });
  for (let i = 0; i < 9; i++) expect(await keeping.enter(WRONG)).toEqual({ kind: "locked" });
  expect(keeping.escrow.asked).toEqual([]);
  keeping.escrow.away = false;
  expect(keeping.keeper.locked()).toBe(false);
  expect(await keeping.enter()).toEqual(released(1));
});

test("without a restart a held job prints while the broker is away", async () => {
  await keeping.submit({});
  keeping.escrow.away = true;
  expect(keeping.keeper.locked()).toBe(false);
  expect(await keeping.enter()).toEqual(released(1));
});

test("after a restart: one question with all jobs, a wrong OTP is one try, a right one prints", async () => {
  await submitTwo({}, { otp: "70617263" });
  await keeping.restart();
  expect(await keeping.enter(WRONG)).toEqual({ kind: "not-accepted" });
  expect(keeping.escrow.asked.map((asks) => asks.length)).toEqual([2]);
  expect(await keeping.enter("70617263")).toEqual(released(1));
  await keeping.destroyed();
  expect(pages()).toEqual(["two"]);
  expect(keeping.keeper.reputAll()).toEqual([]);
});

test("pulling the cable while the escrow is asked buys no guesses at what memory holds", async () => {
  await keeping.submit({});
  await keeping.restart();
  await keeping.submit({ job: "job-00000002", manifest: { otp: "70617263" } });
  keeping.escrow.silent = true;
  for (let i = 0; i < 5; i++) expect(await keeping.enter(WRONG)).toEqual({ kind: "locked" });
  expect(await keeping.enter(WRONG)).toMatchObject({ kind: "wait" });
});

test("an escrow that answers no more keeps nobody from what memory holds, and costs them no try", async () => {
  await keeping.submit({});
  await keeping.restart();
  await keeping.submit({ job: "job-00000002", manifest: { otp: "70617263" }, document: Buffer.from("two") });
  keeping.escrow.silent = true;
  for (let i = 0; i < 4; i++) expect(await keeping.enter(WRONG)).toEqual({ kind: "locked" });
  expect(await keeping.enter("70617263")).toEqual(released(1));
  await keeping.destroyed();
  expect(await keeping.enter(WRONG)).toEqual({ kind: "locked" });
  keeping.escrow.silent = false;
  expect(keeping.keeper.held()).toBe(1);
});

test("a silent escrow costs nothing where memory compared nothing", async () => {
  await keeping.submit({});
  await keeping.restart();
  keeping.escrow.silent = true;
  for (let i = 0; i < 9; i++) expect(await keeping.enter()).toEqual({ kind: "locked" });
});

test("a share that a stranger's escrow makes up opens nothing and ends nothing", async () => {
  await keeping.submit({});
  await keeping.restart();
  keeping.escrow.ask = async (asks) => asks.map(() => new Uint8Array(32).fill(1));
  expect(await keeping.enter()).toEqual({ kind: "not-accepted" });
  expect(keeping.keeper.held()).toBe(1);
});

test("a group's job prints only once the broker granted it", async () => {
  await keeping.submit({ ticket: { group: true } });
  keeping.escrow.away = true;
  expect(await keeping.enter()).toEqual({ kind: "locked" });
  keeping.escrow.away = false;
  keeping.escrow.grantsClaims = false;
  expect(await keeping.enter()).toEqual({ kind: "not-accepted" });
  expect(keeping.printer.received.length).toBe(0);
  keeping.escrow.grantsClaims = true;
  expect(await keeping.enter()).toEqual(released(1));
  expect(keeping.escrow.claims.at(-1)).toBe("5.alice.job-00000001@lobby");
});

test("an expired job is not accepted even before the sweep, and an unknown time expires nothing", async () => {
  await submitTwo(
    { expires: keeping.time.wallS + 100 },
    { otp: "70617263", expires: keeping.time.wallS + 100 },
  );
  keeping.time.wallS = 100;
  expect(await keeping.enter("70617263")).toEqual(released(1));
  keeping.time.wallS = 1_800_000_101;
  expect(await keeping.enter()).toEqual({ kind: "not-accepted" });
});

test("held at 1970: its default expiry counts from when the time is known", async () => {
  keeping.time.wallS = 10;
  expect(await keeping.submit({})).toBe("held");
  await keeping.restart();
  keeping.time.wallS = 1_900_000_000;
  await keeping.restart();
  expect(await keeping.enter()).toEqual(released(1));
});

test("entries are judged one at a time: two at once release a job once", async () => {
  await keeping.submit({});
  const both = await Promise.all([keeping.enter(), keeping.enter()]);
  expect(both[0]).toEqual(released(1));
  expect(both[1]).not.toEqual(released(1));
  await keeping.destroyed();
  expect(keeping.printer.jobs).toHaveLength(1);
});

test("digits prepared and cleared release nothing and cost nothing", async () => {
  await keeping.submit({});
  for (let i = 0; i < 9; i++) {
    keeping.keeper.release.prepare(i % 2 === 0 ? OTP : WRONG);
    keeping.keeper.release.forget();
  }
  expect(keeping.states()).toEqual(["arriving", "held"]);
  keeping.keeper.release.prepare(WRONG);
  expect(await keeping.enter()).toEqual(released(1));
});

test("ten wrong entries within an hour raise the alarm", async () => {
  for (let i = 0; i < 10; i++) {
    await keeping.enter(WRONG);
    keeping.time.pass(120);
  }
  expect(keeping.alarms).toEqual([10]);
});

test("the charge is on disk before the verdict: a crash after a wrong entry gives nothing back", async () => {
  for (let i = 0; i < 5; i++) {
    await keeping.enter(WRONG);
    await keeping.restart();
  }
  expect(await keeping.enter(WRONG)).toMatchObject({ kind: "wait" });
});
