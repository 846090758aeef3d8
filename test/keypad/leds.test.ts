import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { HidHandle } from "../../keypad/hid.ts";
import { lendHandles } from "../../keypad/hid-leds.ts";
import { encodeLeds, KeyboardLeds, type LedHandle } from "../../keypad/leds.ts";

describe("the LED report", () => {
  it.each([
    [[], 0],
    [["num"], 1],
    [["caps"], 2],
    [["scroll"], 4],
    [["scroll", "num", "caps"], 7],
  ] as const)("%j", (lit, bits) => expect(encodeLeds(new Set(lit))).toEqual([0, bits]));
});

describe("a keyboard's LEDs", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** A keyboard whose writes finish when the test says so. */
  function keyboard() {
    const reports: number[] = [];
    const waiting: (() => void)[] = [];
    let state: "there" | "unplugged" = "there";
    let opened = 0;
    const handle: LedHandle = {
      write: (report) => {
        if (state === "unplugged") return Promise.reject(new Error("could not write"));
        reports.push(report[1] ?? -1);
        return new Promise((resolve) => waiting.push(() => resolve(report.length)));
      },
      close: async () => undefined,
    };
    return {
      reports,
      opened: () => opened,
      open: async () => {
        if (state === "unplugged") return null;
        opened++;
        return handle;
      },
      set: (next: typeof state) => {
        state = next;
      },
      obey: async () => {
        for (let round = 0; round < 10; round++) {
          await vi.advanceTimersByTimeAsync(0);
          waiting.shift()?.();
        }
      },
    };
  }

  it("writes one report at a time, and the newest state at the end", async () => {
    const board = keyboard();
    const leds = new KeyboardLeds(board.open);
    leds.set("num", true);
    await vi.advanceTimersByTimeAsync(0);
    leds.set("caps", true);
    leds.set("caps", false);
    leds.set("scroll", true);
    expect(board.reports).toEqual([1]);
    await board.obey();
    expect(board.reports).toEqual([1, 5]);
    const closing = leds.close();
    await board.obey();
    await closing;
    expect(board.reports).toEqual([1, 5, 0]);
    leds.set("num", true);
    await board.obey();
    expect(board.reports).toHaveLength(3);
  });

  it("comes back after an unplugging, and does not hammer while it is away", async () => {
    const board = keyboard();
    const leds = new KeyboardLeds(board.open);
    leds.set("num", true);
    await board.obey();
    board.set("unplugged");
    leds.set("num", false);
    await board.obey();
    board.set("there");
    leds.set("caps", true);
    await board.obey();
    expect([board.opened(), board.reports]).toEqual([1, [1]]);
    await vi.advanceTimersByTimeAsync(5000);
    await board.obey();
    expect([board.opened(), board.reports]).toEqual([2, [1, 2]]);
    const closing = leds.close();
    await board.obey();
    await closing;
    expect([board.reports, vi.getTimerCount()]).toEqual([[1, 2, 0], 0]);
  });
});

describe("the keypad's own handle", () => {
  function system(canWrite: boolean) {
    const reports: number[][] = [];
    const handle = {
      on: () => undefined,
      close: async () => undefined,
      ...(canWrite ? { write: async (report: number[]) => reports.push(report) } : {}),
    };
    return {
      reports,
      hid: { devicesAsync: async () => [], open: async () => handle as unknown as HidHandle },
    };
  }

  it("is lent for LEDs while the keypad is open, and no longer", async () => {
    const { reports, hid } = system(true);
    const lent = lendHandles(hid);
    expect(await lent.open()).toBeNull();
    const keypad = await lent.hid.open("1-1:1.0");
    const leds = await lent.open();
    await leds?.write([0, 1]);
    expect(reports).toEqual([[0, 1]]);
    await leds?.close();
    expect(await lent.open()).not.toBeNull();
    await keypad.close();
    expect(await lent.open()).toBeNull();
  });

  it("is none where it takes no reports", async () => {
    const lent = lendHandles(system(false).hid);
    await lent.hid.open("1-1:1.0");
    expect(await lent.open()).toBeNull();
  });
});
