/** Printers that speak: asked before a job, heard during it, believed after it only where they confirm it. */
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { KeeperPolicy } from "../../agent/keeper-port.ts";
import { readinessOf } from "../../agent/printer-status.ts";
import { profileOf } from "../../agent/profile.ts";
import { EscposPrinter, type EscposTrouble } from "./escpos-printer.ts";
import { Keeping } from "./keeping.ts";
import { PjlPrinter, type PjlTrouble } from "./pjl-printer.ts";

let keeping: Keeping;
afterEach(async () => {
  await keeping.close();
  vi.useRealTimers();
});

/** No confirmation comes: waited for this long. Where one comes it comes at once. */
const BRIEF: Partial<KeeperPolicy> = { confirmMs: 30 };
const PATIENT: Partial<KeeperPolicy> = { confirmMs: 600_000 };

async function receiptPrinter(trouble: EscposTrouble = {}, policy = PATIENT): Promise<EscposPrinter> {
  const printer = new EscposPrinter(trouble);
  keeping = await Keeping.open({ lobby: "escpos" }, policy, { lobby: printer });
  return printer;
}

async function laserPrinter(trouble: PjlTrouble = {}, policy = PATIENT): Promise<PjlPrinter> {
  const printer = new PjlPrinter(trouble);
  keeping = await Keeping.open({ lobby: "pjl" }, policy, { lobby: printer });
  return printer;
}

const RECEIPT = Buffer.from("one receipt\n");
const PAGES = Buffer.from("page 1\fpage 2\fpage 3");

async function print(document: Uint8Array, manifest = {}): Promise<string | undefined> {
  await keeping.submit({ document, manifest });
  expect(await keeping.enter()).toMatchObject({ kind: "released" });
  await keeping.destroyed();
  return keeping.last()?.state;
}

/** Another job to the same printer. */
async function printSecond(): Promise<string | undefined> {
  await keeping.submit({ job: "job-00000002", document: RECEIPT });
  await keeping.enter();
  await keeping.destroyed(2);
  return keeping.last("job-00000002")?.state;
}

describe("after: printed only where the printer confirms it", () => {
  test("a receipt printer echoes the fence; what is around the document is around it byte for byte", async () => {
    await receiptPrinter();
    expect(await print(RECEIPT)).toBe("printed");
    expect(keeping.panel.at(-1)).toMatchObject({ kind: "take-pages", confirmed: true });
    const { before, after } = profileOf("escpos");
    const sent = keeping.printer.received.toString("latin1");
    const around = [
      "\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04",
      Buffer.from(before).toString("latin1"),
      "\x1da\x0e",
      RECEIPT.toString("latin1"),
      Buffer.from(after).toString("latin1"),
      "\x1da\x0e\x1d(H\x06\x0000",
    ].join("");
    expect(sent.startsWith(around)).toBe(true);
    expect(sent.slice(around.length)).toMatch(/^[\w-]{4}\x1da\x00$/);
  });

  test("bytes of the back-channel one at a time, flow control in between", async () => {
    await receiptPrinter({ drips: true });
    expect(await print(RECEIPT)).toBe("printed");
  });

  test.each<EscposTrouble>([
    { fence: "no" },
    { fence: "wrong" },
    { fence: "stale" },
    { fence: "unasked" },
    { answers: "no" },
    { answers: "three" },
    { answers: "rubbish" },
  ])("a receipt printer with %j: delivered", async (trouble) => {
    const quiet = trouble.fence === "unasked" ? "wrong" : trouble.fence;
    const printer = await receiptPrinter({ ...trouble, ...(quiet && { fence: quiet }) }, BRIEF);
    if (trouble.fence === "unasked") printer.trouble.fence = "unasked";
    expect(await print(RECEIPT)).toBe("delivered");
    expect(printer.text).toContain("one receipt");
    expect(keeping.panel.at(-1)).toMatchObject({ kind: "take-pages", confirmed: false });
  });

  test("a laser printer reports the end of the job, pages in the bin", async () => {
    const printer = await laserPrinter();
    expect(await print(PAGES)).toBe("printed");
    expect(printer.pages).toEqual(["page 1\f", "page 2\f", "page 3"]);
    expect(printer.depth).toBe(0);
  });

  test("a document that brings jobs of its own: they are inside ours, and ours counts", async () => {
    const printer = await laserPrinter();
    const uel = "\x1b%-12345X";
    const job = (name: string): string =>
      `${uel}@PJL JOB NAME = "${name}"\r\n${uel}page of ${name}\f${uel}@PJL EOJ\r\n`;
    expect(await print(Buffer.from(`${job("theirs")}${job("others")}${uel}`))).toBe("printed");
    expect(printer.pages).toEqual(["page of theirs\f", "page of others\f"]);
  });

  test("a careless laser printer: bytes one at a time, bare line feeds, noise", async () => {
    await laserPrinter({ chunkBytes: 1, isCareless: true });
    expect(await print(PAGES)).toBe("printed");
  });

  test.each<PjlTrouble>([
    { end: "no" },
    { end: "wrong-name" },
    { end: "no-pages" },
    { end: "none-printed" },
    { end: "early" },
    { answers: "no" },
    { answers: "unsynchronised" },
    { answers: "rubbish" },
  ])("a laser printer with %j: delivered", async (trouble) => {
    const printer = await laserPrinter(trouble, BRIEF);
    expect(await print(PAGES)).toBe("delivered");
    expect(printer.pages).toEqual(["page 1\f", "page 2\f", "page 3"]);
  });

  test("cancelled at its panel: interrupted, and the same OTP prints it again", async () => {
    const printer = await laserPrinter({ end: "canceled" });
    await keeping.submit({ document: PAGES });
    await keeping.enter();
    await keeping.until(() => keeping.panel.at(-1)?.kind === "printer-care");
    expect(keeping.last()).toMatchObject({ state: "interrupted", reason: "device", final: false });
    printer.trouble.end = "yes";
    expect(await keeping.enter()).toMatchObject({ kind: "released" });
    await keeping.destroyed();
    expect(keeping.last()).toMatchObject({ state: "printed" });
  });

  test("copies: printed when each was confirmed, delivered when one was not", async () => {
    const printer = await receiptPrinter();
    expect(await print(RECEIPT, { copies: 3 })).toBe("printed");
    expect(printer.done.filter(({ kind }) => kind === "feed-and-cut")).toHaveLength(3);
    await keeping.close();
    const other = await receiptPrinter({}, BRIEF);
    const { open } = keeping.printer;
    let opened = 0;
    keeping.printer.open = async () => {
      opened += 1;
      other.trouble.fence = opened === 2 ? "no" : "yes";
      return await open.call(keeping.printer);
    };
    expect(await print(RECEIPT, { copies: 3 })).toBe("delivered");
  });

  test("copies, interrupted after the first: nobody remembers what became of it, so delivered", async () => {
    await receiptPrinter();
    const { open } = keeping.printer;
    let opened = 0;
    keeping.printer.open = async () => {
      opened += 1;
      if (opened === 2) keeping.printer.inject({ kind: "vanish", afterBytes: 20 });
      return await open.call(keeping.printer);
    };
    await keeping.submit({ document: RECEIPT, manifest: { copies: 2 } });
    await keeping.enter();
    await keeping.until(() => keeping.panel.at(-1)?.kind === "printer-care");
    expect(await keeping.enter()).toMatchObject({ kind: "released" });
    await keeping.destroyed();
    expect(keeping.last()?.state).toBe("delivered");
  });

  test("without a back-channel nothing is asked, nothing is known, and the end is delivered", async () => {
    keeping = await Keeping.open({ lobby: "escpos" });
    keeping.printer.status = { ready: "unknown", reason: null, source: "none" };
    expect(await print(RECEIPT)).toBe("delivered");
    const { before, after } = profileOf("escpos");
    expect(keeping.printer.received.equals(Buffer.concat([before, RECEIPT, after]))).toBe(true);
    expect(keeping.statuses).toEqual([]);
  });

  test("a silent printer is asked again; once it answered it is believed again", async () => {
    const printer = await receiptPrinter({ answers: "late" });
    expect(await print(RECEIPT)).toBe("delivered");
    printer.trouble.answers = "yes";
    expect(await printSecond()).toBe("printed");
  });

  test("a printer that was silent once is believed again, even if its answer takes longer than a document", async () => {
    const printer = await receiptPrinter({ answers: "no" });
    const { open } = printer;
    printer.open = (say) => open.call(printer, (bytes) => setTimeout(() => say(bytes), 30));
    expect(await print(RECEIPT)).toBe("delivered");
    printer.trouble.answers = "yes";
    expect(await printSecond()).toBe("printed");
  });
});

describe("before: a printer that cannot print uses nothing up", () => {
  test.each<[(printer: EscposPrinter) => void, string]>([
    [(printer) => printer.runOut(), "paper"],
    [(printer) => (printer.isCoverOpen = true), "cover"],
    [(printer) => (printer.isJammed = true), "jam"],
  ])("a receipt printer: %s: %s", async (suffer, reason) => {
    const printer = await receiptPrinter();
    await keeping.submit({ document: RECEIPT });
    suffer(printer);
    const care = { kind: "printer-care", printer: "lobby", reason };
    for (let again = 0; again < 7; again += 1) expect(await keeping.enter()).toEqual(care);
    expect(keeping.states()).toEqual(["arriving", "held"]);
    expect(printer.text).toBe("");
    printer.isCoverOpen = false;
    printer.isJammed = false;
    printer.refill();
    expect(await keeping.enter()).toMatchObject({ kind: "released" });
    await keeping.destroyed();
    expect(keeping.last()?.state).toBe("printed");
  });

  test("a laser printer: cover, then paper, then it prints", async () => {
    const printer = await laserPrinter({ sheets: 0 });
    await keeping.submit({ document: PAGES });
    printer.isCoverOpen = true;
    expect(await keeping.enter()).toEqual({ kind: "printer-care", printer: "lobby", reason: "cover" });
    printer.isCoverOpen = false;
    expect(await keeping.enter()).toEqual({ kind: "printer-care", printer: "lobby", reason: "paper" });
    printer.refill();
    expect(await keeping.enter()).toMatchObject({ kind: "released" });
    await keeping.destroyed();
    expect(keeping.last()?.state).toBe("printed");
  });

  test("what an interrupted receipt left open is not even cleaned up while there is no paper", async () => {
    const printer = await receiptPrinter();
    await keeping.submit({ document: RECEIPT });
    keeping.printer.inject({ kind: "vanish", afterBytes: 20 });
    await keeping.enter();
    await keeping.until(() => keeping.panel.at(-1)?.kind === "printer-care");
    printer.runOut();
    expect(await keeping.enter()).toEqual({ kind: "printer-care", printer: "lobby", reason: "paper" });
    expect(keeping.printer.received.length).toBe(16 + 12);
    printer.refill();
    expect(await keeping.enter()).toMatchObject({ kind: "released" });
    await keeping.destroyed();
    expect(keeping.last()?.state).toBe("printed");
  });

  test("a printer that did not answer once is waited for briefly the next time", async () => {
    const printer = await receiptPrinter({ answers: "no" });
    await keeping.submit({ document: RECEIPT });
    await keeping.submit({ job: "job-00000002", document: RECEIPT, manifest: { otp: "70617263" } });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    let isJudged = false;
    const entry = keeping.enter().then(() => {
      isJudged = true;
    });
    while (printer.done.length < 4) await turn();
    await vi.advanceTimersByTimeAsync(400);
    expect(isJudged).toBe(false);
    await vi.advanceTimersByTimeAsync(1000);
    await entry;
    await keeping.destroyed();
    const next = keeping.enter("70617263");
    while (printer.done.length < 12) await turn();
    await vi.advanceTimersByTimeAsync(100);
    expect(await next).toMatchObject({ kind: "released" });
    await keeping.destroyed(2);
  });

  test("paper near its end is told, with time and source, and prints", async () => {
    const printer = await receiptPrinter();
    printer.isNearEnd = true;
    expect(await print(RECEIPT)).toBe("printed");
    const [asked] = keeping.statuses;
    expect(asked?.["near-end"]).toEqual({ holds: true, at: keeping.time.wallS, source: "dle-eot" });
    expect(keeping.statuses.map((status) => readinessOf(status))).not.toContain("no");
  });
});

describe("during: what the printer says is shown, and it goes on where it stopped", () => {
  // The stall watch looks once a second; here when it is told to.
  beforeEach(() => vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));

  const LONG = Buffer.from("line of a long receipt\n".repeat(2000));
  const cared = (): Promise<void> => keeping.until(() => keeping.panel.at(-1)?.kind === "printer-care");

  /** Lets the watch see what is, then so many seconds without progress. */
  function standStill(seconds: number): void {
    vi.advanceTimersByTime(1000);
    keeping.time.pass(seconds);
    vi.advanceTimersByTime(1000);
  }

  async function runOutAmid(): Promise<EscposPrinter> {
    const printer = await receiptPrinter({ paperBytes: 5000 });
    await keeping.submit({ document: LONG });
    await keeping.enter();
    await keeping.printer.stalled();
    return printer;
  }

  test("paper out is told at once; refilled, it goes on where it stopped", async () => {
    const printer = await runOutAmid();
    standStill(0);
    expect(keeping.panel.at(-1)).toEqual({
      kind: "paused",
      printer: "lobby",
      reason: "paper",
      otpNeeded: false,
    });
    printer.refill();
    keeping.printer.resume();
    await keeping.destroyed();
    expect(keeping.last()?.state).toBe("printed");
    expect(printer.text).toBe(LONG.toString().replaceAll("\n", ""));
  });

  test("after a minute the OTP is asked for again", async () => {
    const printer = await runOutAmid();
    standStill(60);
    expect(keeping.panel.at(-1)).toMatchObject({ kind: "paused", reason: "paper", otpNeeded: true });
    printer.refill();
    keeping.printer.resume();
    vi.advanceTimersByTime(5000);
    expect(keeping.states().at(-1)).toBe("printing");
    expect(await keeping.enter()).toMatchObject({ kind: "released" });
    await keeping.destroyed();
    expect(keeping.last()?.state).toBe("printed");
    expect(printer.text).toBe(LONG.toString().replaceAll("\n", ""));
  });

  test("given up for want of paper: interrupted, and what is left open waits with the paper", async () => {
    const printer = await runOutAmid();
    standStill(600);
    await cared();
    expect(keeping.last()).toMatchObject({ state: "interrupted", reason: "paper" });
    expect(keeping.last()?.bytes).toBeLessThanOrEqual(12_000);
    expect(await keeping.enter()).toEqual({ kind: "printer-care", printer: "lobby", reason: "paper" });
    printer.refill();
    expect(await keeping.enter()).toMatchObject({ kind: "released" });
    await keeping.destroyed();
    expect(keeping.last()?.state).toBe("printed");
    expect(printer.text.endsWith(LONG.toString().replaceAll("\n", ""))).toBe(true);
  });

  test("paper out with every byte handed over: never printed while it lacks paper, never an OTP for what it has", async () => {
    const printer = await receiptPrinter({ paperBytes: 20 }, BRIEF);
    await keeping.submit({ document: RECEIPT });
    await keeping.enter();
    await keeping.until(() => keeping.timings.some(({ step }) => step === "last-byte"));
    standStill(300);
    expect(keeping.panel.at(-1)).toMatchObject({ kind: "paused", reason: "paper", otpNeeded: false });
    expect(keeping.states().at(-1)).toBe("printing");
    printer.refill();
    await keeping.destroyed();
    expect(keeping.last()?.state).toBe("printed");
  });

  test("and given up there too: interrupted, not delivered", async () => {
    await receiptPrinter({ paperBytes: 20 }, BRIEF);
    await keeping.submit({ document: RECEIPT });
    await keeping.enter();
    await keeping.until(() => keeping.timings.some(({ step }) => step === "last-byte"));
    standStill(600);
    await cared();
    expect(keeping.last()).toMatchObject({ state: "interrupted", reason: "paper", final: false });
  });

  test("a printer that prints for long after the last byte is no stall, and asks for no OTP", async () => {
    const printer = await receiptPrinter({ fence: "held" });
    await keeping.submit({ document: RECEIPT });
    await keeping.enter();
    await keeping.until(() => keeping.timings.some(({ step }) => step === "last-byte"));
    while (printer.done.at(-1)?.kind !== "request-response") await turn();
    for (let minute = 0; minute < 20; minute += 1) standStill(60);
    expect(keeping.panel.at(-1)).toMatchObject({ kind: "printing" });
    expect(keeping.states().at(-1)).toBe("printing");
    printer.confirm();
    await keeping.destroyed();
    expect(keeping.last()?.state).toBe("printed");
  });

  test("a printer that lies about its paper: stalled, and never printed", async () => {
    const printer = await receiptPrinter({ paperBytes: 5000, lies: true });
    await keeping.submit({ document: LONG });
    await keeping.enter();
    await keeping.printer.stalled();
    standStill(0);
    expect(keeping.panel.at(-1)).toMatchObject({ kind: "printing" });
    standStill(10);
    expect(keeping.panel.at(-1)).toMatchObject({ kind: "paused", reason: "stalled" });
    printer.refill();
    keeping.printer.resume();
    await keeping.destroyed();
  });

  test("what the line itself knows is looked at once nothing moves", async () => {
    keeping = await Keeping.open({ lobby: "raw" });
    await keeping.submit({ document: Buffer.alloc(100_000, "1") });
    keeping.printer.inject({ kind: "stall", afterBytes: 50_000 });
    await keeping.enter();
    await keeping.printer.stalled();
    keeping.printer.status = { ready: "no", reason: "cover", source: "usb-port-status" };
    standStill(10);
    await turn();
    vi.advanceTimersByTime(1000);
    expect(keeping.panel.at(-1)).toMatchObject({ kind: "paused", reason: "cover", otpNeeded: false });
    keeping.printer.resume();
    await keeping.destroyed();
  });

  test("a laser printer without sheets: paused, refilled, printed", async () => {
    const printer = await laserPrinter({ sheets: 1 });
    await keeping.submit({ document: PAGES });
    await keeping.enter();
    await keeping.until(() => keeping.statuses.some((status) => status["paper-out"].holds === true));
    standStill(0);
    expect(keeping.panel.at(-1)).toMatchObject({ kind: "paused", reason: "paper", otpNeeded: false });
    printer.refill();
    keeping.printer.resume();
    await keeping.destroyed();
    expect(keeping.last()?.state).toBe("printed");
    expect(printer.pages).toEqual(["page 1\f", "page 2\f", "page 3"]);
  });
});
