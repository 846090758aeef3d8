/** Printing: queue, copies, job boundaries, faults of the printer, stalls. */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { profileOf } from "../../agent/profile.ts";
import { Keeping, OTP } from "./keeping.ts";

let keeping: Keeping;
// The stall watch looks once a second; here when it is told to.
beforeEach(() => vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
afterEach(async () => {
  await keeping.close();
  vi.useRealTimers();
});

/** Lets the stall watch see what is, then so many seconds without progress. */
function standStill(seconds: number): void {
  vi.advanceTimersByTime(1000);
  keeping.time.pass(seconds);
  vi.advanceTimersByTime(1000);
}

const OTHER = "70617263";
const pages = (): string[] => keeping.printer.jobs.map((job) => job.toString("latin1"));
const careShown = (): boolean => keeping.panel.some(({ kind }) => kind === "printer-care");

test("what the profile says goes around the document, never inside it", async () => {
  keeping = await Keeping.open({ lobby: "pjl" });
  const document = Buffer.concat([Buffer.from("%PDF-1.7\n"), randomBytes(200_000)]);
  await keeping.submit({ document });
  await keeping.enter();
  await keeping.destroyed();
  const { before, after } = profileOf("pjl");
  expect(keeping.printer.received.equals(Buffer.concat([before, document, after]))).toBe(true);
});

test("jobs of two people: one prints, the other waits its turn, first come first served", async () => {
  keeping = await Keeping.open();
  await keeping.submit({ document: Buffer.alloc(50_000, "1") });
  await keeping.submit({
    user: "bob",
    job: "job-00000002",
    document: Buffer.from("two"),
    manifest: { otp: OTHER },
  });
  keeping.printer.inject({ kind: "stall", afterBytes: 1000 });
  expect(await keeping.enter()).toEqual({ kind: "released", jobs: 1, waiting: false });
  await keeping.printer.stalled();
  expect(await keeping.enter(OTHER)).toEqual({ kind: "released", jobs: 1, waiting: true });
  expect(await keeping.enter(OTHER)).toEqual({ kind: "released", jobs: 0, waiting: true });
  expect(keeping.states("job-00000002")).toEqual(["arriving", "held", "releasing"]);
  keeping.printer.resume();
  await keeping.destroyed(2);
  expect(pages()).toEqual([Buffer.alloc(50_000, "1").toString(), "two"]);
});

test("a job cancelled while it waits its turn does not print; one that prints is not stopped", async () => {
  keeping = await Keeping.open();
  await keeping.submit({ document: Buffer.alloc(50_000, "1") });
  await keeping.submit({ job: "job-00000002", manifest: { otp: OTHER } });
  keeping.printer.inject({ kind: "stall", afterBytes: 1000 });
  await keeping.enter();
  await keeping.printer.stalled();
  await keeping.enter(OTHER);
  const drop = { want: "drop", reason: "by-sender" } as const;
  await keeping.keeper.arrivals.drop(keeping.ticket({ job: "job-00000002", ticket: drop }, null));
  await keeping.keeper.arrivals.drop(keeping.ticket({ ticket: drop }, null));
  keeping.printer.resume();
  await keeping.destroyed();
  await keeping.keeper.stop();
  expect(keeping.states("job-00000002").at(-1)).toBe("cancelled");
  expect(keeping.states().at(-1)).toBe("delivered");
  expect(pages().map((page) => page.length)).not.toContain(6);
  await keeping.start();
});

test("copies: each has its own boundaries; one that was not drained does not count", async () => {
  keeping = await Keeping.open({ lobby: "text" });
  await keeping.submit({ document: Buffer.from("page"), manifest: { copies: 3 } });
  keeping.printer.inject({ kind: "vanish", on: "drain" });
  await keeping.enter();
  await keeping.until(careShown);
  expect(keeping.last()).toMatchObject({ state: "interrupted", reason: "cable", final: false });
  await keeping.enter();
  await keeping.destroyed();
  const copies = pages().filter((page) => page.startsWith("page"));
  expect(copies.length).toBe(1 + 3);
  expect(keeping.last()).toMatchObject({ state: "delivered", bytes: 12 });
});

test("interrupted after one of three copies: two are left, also after a restart", async () => {
  keeping = await Keeping.open();
  await keeping.submit({ document: Buffer.from("page"), manifest: { copies: 3 } });
  let opened = 0;
  const { open } = keeping.printer;
  keeping.printer.open = async () => {
    opened += 1;
    if (opened === 2) keeping.printer.inject({ kind: "vanish" });
    return await open.call(keeping.printer);
  };
  await keeping.enter();
  await keeping.until(careShown);
  await keeping.restart();
  await keeping.enter();
  await keeping.destroyed();
  expect(pages().filter((page) => page === "page")).toHaveLength(3);
});

test("the printer vanishes: interrupted with the bytes that are surely out; the same OTP prints a second copy", async () => {
  keeping = await Keeping.open({ lobby: "postscript" });
  const document = Buffer.concat([Buffer.from("%!PS\n"), randomBytes(100_000)]);
  await keeping.submit({ document });
  keeping.printer.inject({ kind: "vanish", afterBytes: 50_000 });
  await keeping.enter();
  await keeping.until(careShown);
  expect(keeping.last()).toMatchObject({ state: "interrupted", reason: "cable", final: false });
  expect(keeping.last()?.bytes).toBeGreaterThan(40_000);
  expect(keeping.last()?.bytes).toBeLessThanOrEqual(50_000);
  expect(keeping.last()?.bytesAtMost).toBeGreaterThanOrEqual(50_000 - 1);
  expect(keeping.last()?.bytesAtMost).toBeLessThan(60_000);
  expect(keeping.spooled()).toHaveLength(1);
  expect(await keeping.enter()).toEqual({ kind: "released", jobs: 1, waiting: false });
  await keeping.destroyed();
  const { abort, before, after } = profileOf("postscript");
  expect(keeping.printer.jobs.at(-2)?.equals(abort)).toBe(true);
  expect(keeping.printer.received.equals(Buffer.concat([before, document, after]))).toBe(true);
  expect(keeping.panel.findLast(({ kind }) => kind === "printing")).toMatchObject({ second: true });
});

test("nothing prints until the abort went through, or a person switched the printer off and on; not even another's job", async () => {
  keeping = await Keeping.open({ lobby: "text" });
  await keeping.submit({ document: Buffer.alloc(9000, "1") });
  await keeping.submit({
    user: "bob",
    job: "job-00000002",
    document: Buffer.from("two"),
    manifest: { otp: OTHER },
  });
  keeping.printer.inject({ kind: "vanish", afterBytes: 5000 });
  await keeping.enter();
  await keeping.until(careShown);
  await keeping.restart();
  keeping.printer.inject({ kind: "error", reason: "jam" });
  expect(await keeping.enter(OTHER)).toEqual({ kind: "printer-care", printer: "lobby", reason: "jam" });
  keeping.keeper.confirmPowerCycle("lobby");
  expect(await keeping.enter(OTHER)).toMatchObject({ kind: "released" });
  await keeping.destroyed();
  expect(pages().at(-1)).toBe("two\r\x0c");
});

test("grace: after ten minutes of running time the document is gone, and its end is final", async () => {
  keeping = await Keeping.open();
  await keeping.submit({ document: Buffer.alloc(9000, "1"), manifest: { expires: keeping.time.wallS + 60 } });
  keeping.printer.inject({ kind: "vanish", afterBytes: 5000 });
  await keeping.enter();
  await keeping.until(careShown);
  keeping.time.pass(599);
  keeping.printer.status = { ready: "no", reason: "cover", source: "fake" };
  expect(await keeping.enter()).toMatchObject({ kind: "printer-care" });
  keeping.time.pass(1);
  expect(await keeping.enter()).toEqual({ kind: "not-accepted" });
});

test("a stall: the panel says so, then the OTP is needed, and typed again it goes on where it stood", async () => {
  keeping = await Keeping.open();
  const document = randomBytes(200_000);
  await keeping.submit({ document });
  keeping.printer.inject({ kind: "stall", afterBytes: 50_000 });
  await keeping.enter();
  await keeping.printer.stalled();
  standStill(9);
  expect(keeping.panel.at(-1)).toMatchObject({ kind: "printing" });
  standStill(1);
  expect(keeping.panel.at(-1)).toMatchObject({ kind: "paused", otpNeeded: false });
  standStill(50);
  expect(keeping.panel.at(-1)).toMatchObject({ kind: "paused", otpNeeded: true });
  keeping.printer.resume();
  expect(await keeping.enter(OTHER)).toEqual({ kind: "not-accepted" });
  expect(keeping.printer.received.length).toBeLessThanOrEqual(65_536);
  expect(keeping.states().at(-1)).toBe("printing");
  expect(await keeping.enter(OTP)).toEqual({ kind: "released", jobs: 1, waiting: false });
  await keeping.destroyed();
  expect(keeping.printer.received.equals(document)).toBe(true);
});

test("a short stall goes on by itself", async () => {
  keeping = await Keeping.open();
  await keeping.submit({ document: Buffer.alloc(100_000, "1") });
  keeping.printer.inject({ kind: "stall", afterBytes: 50_000 });
  await keeping.enter();
  await keeping.printer.stalled();
  standStill(59);
  expect(keeping.panel.at(-1)).toMatchObject({ kind: "paused", otpNeeded: false });
  keeping.printer.resume();
  await keeping.destroyed();
  expect(keeping.printer.received.length).toBe(100_000);
});

test("a stall without end is given up as interrupted", async () => {
  keeping = await Keeping.open();
  await keeping.submit({ document: Buffer.alloc(100_000, "1") });
  keeping.printer.inject({ kind: "stall", afterBytes: 50_000 });
  await keeping.enter();
  await keeping.printer.stalled();
  standStill(600);
  await keeping.until(careShown);
  expect(keeping.last()).toMatchObject({ state: "interrupted", reason: "stalled" });
});

test("the spool file gone before the release: told as interrupted for `lost`, never as delivered", async () => {
  keeping = await Keeping.open();
  // Too long to be read before it prints.
  await keeping.submit({ document: Buffer.alloc(5_000_000, "1") });
  for (const name of keeping.spooled()) rmSync(join(keeping.dir, "spool", name));
  await keeping.enter();
  await keeping.until(careShown);
  expect(keeping.last()).toMatchObject({ state: "interrupted", reason: "lost", bytes: 0 });
  await keeping.restart();
  expect(keeping.last()).toMatchObject({ state: "rejected", reason: "lost", final: true });
});

test("a printer in need does not use up a waiting job: it is held again", async () => {
  keeping = await Keeping.open();
  await keeping.submit({ document: Buffer.alloc(50_000, "1") });
  await keeping.submit({ job: "job-00000002", manifest: { otp: OTHER } });
  keeping.printer.inject({ kind: "stall", afterBytes: 1000 });
  await keeping.enter();
  await keeping.printer.stalled();
  await keeping.enter(OTHER);
  keeping.printer.status = { ready: "no", reason: "paper", source: "fake" };
  keeping.printer.resume();
  await keeping.until(careShown);
  expect(keeping.states("job-00000002")).toEqual(["arriving", "held", "releasing", "held"]);
  keeping.printer.status = { ready: "yes", reason: null, source: "fake" };
  expect(await keeping.enter(OTHER)).toMatchObject({ kind: "released" });
  await keeping.destroyed(2);
});

test("two printers of one target: the one that can print takes it", async () => {
  keeping = await Keeping.open({ lobby: "raw", attic: "raw" });
  await keeping.submit({ document: Buffer.from("page") });
  keeping.printer.status = { ready: "no", reason: "jam", source: "fake" };
  expect(await keeping.enter()).toEqual({ kind: "released", jobs: 1, waiting: false });
  await keeping.destroyed();
  expect(keeping.printers.attic?.received.toString()).toBe("page");
  expect(keeping.last()?.printer).toBe("attic");
});

test("stopped amid a page it interrupts; stopped with time left it finishes", async () => {
  keeping = await Keeping.open();
  await keeping.submit({ document: Buffer.alloc(50_000, "1") });
  keeping.printer.inject({ kind: "stall", afterBytes: 1000 });
  await keeping.enter();
  await keeping.printer.stalled();
  await keeping.restart();
  expect(keeping.last()).toMatchObject({ state: "interrupted", reason: "power" });
  keeping.printer.inject({ kind: "delay", afterBytes: 1000 });
  await keeping.enter();
  await keeping.keeper.stop(60_000);
  expect(keeping.last()).toMatchObject({ state: "delivered" });
  await keeping.start();
});
