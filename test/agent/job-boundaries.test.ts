/**
 * Where one document ends and the next begins, by what a printer makes of the bytes: documents that break off in the
 * middle of something, and documents that leave something open.
 */
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { EscposPrinter } from "./escpos-printer.ts";
import { Keeping } from "./keeping.ts";
import { PclPrinter } from "./pcl-printer.ts";
import { PjlPrinter } from "./pjl-printer.ts";

let keeping: Keeping;
afterEach(async () => {
  vi.useRealTimers();
  await keeping.close();
});

/** Waits are over as soon as nothing else is left to do. */
async function hurry<T>(work: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  let isOver = false;
  const result = work().finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await turn();
    vi.advanceTimersByTime(100);
  }
  vi.useRealTimers();
  return await result;
}

const OTHER = "70617263";
const NEXT = { user: "bob", job: "job-00000002", manifest: { otp: OTHER } };
const UEL = "\x1b%-12345X";

/** The first document breaks off after so many bytes; the second one is another person's. */
async function breakOff(first: Uint8Array, afterBytes: number, second: string): Promise<void> {
  await keeping.submit({ document: first });
  await keeping.submit({ ...NEXT, document: Buffer.from(second, "latin1") });
  keeping.printer.inject({ kind: "vanish", afterBytes });
  await keeping.enter();
  await keeping.until(() => keeping.last()?.state === "interrupted");
  await keeping.until(() => keeping.panel.at(-1)?.kind === "printer-care");
  await keeping.enter(OTHER);
  await keeping.destroyed();
}

async function printBoth(first: string, second: string): Promise<void> {
  await keeping.submit({ document: Buffer.from(first, "latin1") });
  await keeping.enter();
  await keeping.destroyed();
  await keeping.submit({ ...NEXT, document: Buffer.from(second, "latin1") });
  await keeping.enter(OTHER);
  await keeping.destroyed(2);
}

describe("ESC/POS", () => {
  // 576 x 815 dots in one command: 58,680 bytes.
  const raster = Buffer.concat([
    Buffer.from([0x1d, 0x76, 0x30, 0, 72, 0, 815 & 0xff, 815 >> 8]),
    Buffer.alloc(72 * 815, 0xaa),
  ]);

  test.each([19, 20, 23, 24, 1000, 33_000, 58_000])(
    "an image cut after %i bytes does not swallow the next",
    async (at) => {
      const printer = new EscposPrinter();
      keeping = await Keeping.open({ lobby: "escpos" }, {}, { lobby: printer });
      await breakOff(raster, at, "the next receipt\n");
      expect(printer.text).toBe("the next receipt");
      expect(keeping.last("job-00000002")?.state).toBe("printed");
      const kinds = printer.done.map(({ kind }) => kind).filter((kind) => kind !== "real-time-status");
      const cut = kinds.indexOf("feed-and-cut");
      expect(kinds.slice(cut + 1)).toEqual([
        // Through with it?
        "automatic-status",
        "request-response",
        "initialise",
        "automatic-status",
        "text",
        "line-feed",
        "line-feed",
        "feed-and-cut",
        "automatic-status",
        "request-response",
        "automatic-status",
      ]);
    },
  );

  test.each([3, 5, 6, 9, 11])(
    "nor one cut after %i bytes at a printer without a back-channel",
    async (at) => {
      const printer = new EscposPrinter();
      keeping = await Keeping.open({ lobby: "escpos" });
      keeping.printer.model = printer;
      await breakOff(raster, at, "the next receipt\n");
      expect(printer.text).toBe("the next receipt");
      expect(keeping.last("job-00000002")?.state).toBe("delivered");
    },
  );

  test("an image longer than what fills it: filled again until the printer is through", async () => {
    const printer = new EscposPrinter();
    keeping = await Keeping.open({ lobby: "escpos" }, {}, { lobby: printer });
    const long = Buffer.concat([
      Buffer.from([0x1d, 0x76, 0x30, 0, 72, 0, 2700 & 0xff, 2700 >> 8]),
      Buffer.alloc(72 * 2700, 0xaa),
    ]);
    await hurry(() => breakOff(long, 1000, "the next receipt\n"));
    expect(printer.text).toBe("the next receipt");
    expect(keeping.last("job-00000002")?.state).toBe("printed");
  });

  test("a printer that never comes through it: care, until it was switched off and on", async () => {
    const printer = new EscposPrinter();
    keeping = await Keeping.open({ lobby: "escpos" }, {}, { lobby: printer });
    await keeping.submit({ user: "carol", job: "job-00000003", manifest: { otp: "10203040" } });
    await keeping.enter("10203040");
    await keeping.destroyed();
    // GS 8 L: four bytes of length.
    const endless = Buffer.concat([
      Buffer.from([0x1d, 0x38, 0x4c, 0, 0, 0x80, 0, 48, 112, 48, 1, 1, 49]),
      Buffer.alloc(5000, 0xaa),
    ]);
    await keeping.submit({ document: endless });
    await keeping.submit({ ...NEXT, document: Buffer.from("the next receipt\n") });
    keeping.printer.inject({ kind: "vanish", afterBytes: 3000 });
    await keeping.enter();
    await keeping.until(() => keeping.last()?.state === "interrupted");
    await keeping.until(() => keeping.panel.at(-1)?.kind === "printer-care");
    const verdict = await hurry(() => keeping.enter(OTHER));
    expect(verdict).toEqual({ kind: "printer-care", printer: "lobby", reason: "device" });
    printer.reset();
    keeping.keeper.confirmPowerCycle("lobby");
    expect(await keeping.enter(OTHER)).toMatchObject({ kind: "released" });
    await keeping.destroyed(2);
    expect(printer.text).toBe("hellothe next receipt");
  });

  test("a whole image as large as a page is one image, with nothing inside it", async () => {
    const printer = new EscposPrinter();
    keeping = await Keeping.open({ lobby: "escpos" }, {}, { lobby: printer });
    await keeping.submit({ document: raster });
    await keeping.enter();
    await keeping.destroyed();
    const images = printer.done.filter((command) => command.kind === "raster-image");
    expect(images.map(({ data }) => Buffer.from(data).equals(raster.subarray(8)))).toEqual([true]);
    expect(keeping.last()?.state).toBe("printed");
  });

  test("a receipt without a last line feed does not share its line with the next", async () => {
    const printer = new EscposPrinter();
    keeping = await Keeping.open({ lobby: "escpos" }, {}, { lobby: printer });
    await printBoth("one", "two");
    const lines = printer.done.filter(({ kind }) => kind === "text" || kind === "line-feed");
    expect(lines.map(({ kind }) => kind)).toEqual(["text", "line-feed", "text", "line-feed"]);
  });
});

describe("PCL", () => {
  test("without a form feed: the page goes out, and the next document has its own", async () => {
    const printer = new PclPrinter();
    keeping = await Keeping.open({ lobby: "pcl" });
    keeping.printer.model = printer;
    await printBoth("\x1b&l0Oone", "\x1b&l0Otwo");
    expect(printer.pages).toEqual(["one", "two"]);
  });

  test.each([12, 13, 15, 17, 18, 19, 100, 30_000])(
    "raster cut after %i bytes does not swallow the next",
    async (at) => {
      const printer = new PclPrinter();
      keeping = await Keeping.open({ lobby: "pcl" });
      keeping.printer.model = printer;
      const raster = Buffer.concat([Buffer.from("\x1b&l0Oa\x1b*b32767W"), Buffer.alloc(32_767, 0x1b)]);
      await breakOff(raster, at, "\x1b&l0Otwo\f");
      expect(printer.pages).toEqual([at < 17 ? "a" : "a[32767]", "two"]);
    },
  );
});

describe("PJL", () => {
  const open = async (): Promise<PjlPrinter> => {
    const printer = new PjlPrinter();
    keeping = await Keeping.open({ lobby: "pjl" }, {}, { lobby: printer });
    return printer;
  };

  test("a job that broke off, jobs of its own still open in it: the next one is confirmed for itself", async () => {
    const printer = await open();
    const document = `${UEL}@PJL JOB NAME = "theirs"\r\n${UEL}page 1\f${"x".repeat(9000)}`;
    await breakOff(Buffer.from(document, "latin1"), 3000, "two\f");
    expect(printer.pages.at(-1)).toBe("two\f");
    expect(printer.depth).toBe(0);
    expect(keeping.last("job-00000002")?.state).toBe("printed");
  });

  test("a document that never closes its own job: delivered, since nobody told its end", async () => {
    const printer = await open();
    await keeping.close();
    keeping = await Keeping.open({ lobby: "pjl" }, { confirmMs: 30 }, { lobby: printer });
    await keeping.submit({
      document: Buffer.from(`${UEL}@PJL JOB NAME = "theirs"\r\n${UEL}one\f`, "latin1"),
    });
    await keeping.enter();
    await keeping.destroyed();
    expect(keeping.last()?.state).toBe("delivered");
    expect(printer.pages).toEqual(["one\f"]);
  });

  test("a document cut within a UEL", async () => {
    const printer = await open();
    await breakOff(Buffer.from(`one\f${UEL.repeat(2000)}`, "latin1"), 3005, "two\f");
    expect(printer.pages).toEqual(["one\f", "two\f"]);
  });

  test("without a form feed", async () => {
    const printer = await open();
    await printBoth("one", "two");
    expect(printer.pages).toEqual(["one", "two"]);
    expect(keeping.last()?.state).toBe("printed");
  });
});
