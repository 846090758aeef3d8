import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Release, Verdict } from "../../agent/keeper-port.ts";
import type { PanelState } from "../../agent/panel.ts";
import { Session } from "../../agent/session.ts";
import { PlatenError } from "../../wire/error.ts";

let shown: PanelState[];
let ticks: number;
let entered: string[];
let prepared: string[];
let forgotten: number;
let refused: string[];
let cycled: string[];
/** What `enter` does: a verdict, a rejection, or nothing at all. */
let answer: Promise<Verdict>;
let release: Release | null;
let held: number;
let sharesMissing: boolean;
let session: Session;

beforeEach(() => {
  vi.useFakeTimers();
  [shown, ticks, entered, prepared, forgotten, refused, cycled, held] = [[], 0, [], [], 0, [], [], 2];
  sharesMissing = false;
  answer = Promise.resolve({ kind: "not-accepted" });
  release = {
    prepare: (otp) => prepared.push(otp),
    forget: () => forgotten++,
    enter: (otp) => {
      entered.push(otp);
      return answer;
    },
  };
  session = new Session({
    panel: { show: (state) => shown.push(state), tick: () => ticks++, close: async () => undefined },
    release: () => release,
    held: () => held,
    sharesMissing: () => sharesMissing,
    onRefused: (verdict) => refused.push(verdict),
    onPowerCycle: (printer) => cycled.push(printer),
  });
  session.setPhase({ starting: null, locked: false, online: true });
});

afterEach(() => {
  session.close();
  vi.useRealTimers();
});

const now = () => shown.at(-1);
const settle = () => vi.advanceTimersByTimeAsync(0);
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

function type(text: string, keypad = "tty:") {
  for (const char of text) {
    if (char === "#") session.takeKey(keypad, { kind: "enter" });
    else if (char === "<") session.takeKey(keypad, { kind: "backspace" });
    else if (char === "-") session.takeKey(keypad, { kind: "clear" });
    else session.takeKey(keypad, { kind: "digit", digit: char });
  }
}

describe("an entry", () => {
  test("ticks for every key, counts up without a digit, and is checked as typed", async () => {
    type("0482139");
    expect(ticks).toBe(7);
    expect(now()).toEqual({ kind: "entering", entered: 7, idleWarning: false });
    type("0#");
    await settle();
    expect(entered).toEqual(["04821390"]);
    expect(JSON.stringify(shown)).not.toContain("0482");
  });

  test("is stretched from the moment it may be whole, before Enter", () => {
    type("48213");
    expect(prepared).toEqual([]);
    type("907");
    expect(prepared.at(-1)).toBe("48213907");
    type("14");
    expect(prepared.at(-1)).toBe("4821390714");
  });

  test("backspace takes one digit, clear all; both empty is forgotten", async () => {
    type("48213908<7#");
    await settle();
    expect(entered).toEqual(["48213907"]);
    type("123-");
    expect(now()).toEqual({ kind: "ready", held: 2 });
    type("1<");
    expect(now()).toEqual({ kind: "ready", held: 2 });
    expect(forgotten).toBe(2);
    type("#");
    expect(entered.length).toBe(1);
  });

  test("is warned after 20 s, cleared after 30 s, and a key begins the time anew", async () => {
    type("4821");
    await pass(19_999);
    expect(now()).toMatchObject({ idleWarning: false });
    await pass(1);
    expect(now()).toEqual({ kind: "entering", entered: 4, idleWarning: true });
    type("3");
    expect(now()).toEqual({ kind: "entering", entered: 5, idleWarning: false });
    await pass(29_999);
    expect(now()).toMatchObject({ kind: "entering" });
    await pass(1);
    expect(now()).toEqual({ kind: "ready", held: 2 });
    expect(forgotten).toBe(1);
    type("48213907#");
    await settle();
    expect(entered).toEqual(["48213907"]);
  });

  test.each([["1"], ["48213"], ["4821390748213"], ["1".repeat(10_000)]])(
    "of a length no OTP has is refused at once and judged by nobody: %.14s",
    async (digits) => {
      type(`${digits}#`);
      await settle();
      expect(entered).toEqual([]);
      expect(now()).toEqual({ kind: "not-accepted" });
      expect(refused).toEqual(["wrong-length"]);
    },
  );

  test("on two keypads at once stays two entries", async () => {
    for (const digit of "482139") {
      type(digit, "tty:");
      type("9", "serial:x");
    }
    type("07#", "tty:");
    type("#", "serial:x");
    await settle();
    expect(entered).toEqual(["48213907", "999999"]);
  });

  test("on a keypad that is pulled is forgotten", async () => {
    type("4821", "hid:");
    session.dropKeypad("hid:");
    expect(now()).toEqual({ kind: "ready", held: 2 });
    type("390748#", "hid:");
    await settle();
    expect(entered).toEqual(["390748"]);
  });
});

describe("a verdict", () => {
  test("not accepted: one signal for wrong, used, expired and of wrong length, then ready", async () => {
    for (const kind of ["not-accepted", "wrong-length"] as const) {
      answer = Promise.resolve({ kind });
      type("48213907#");
      await settle();
      expect(now()).toEqual({ kind: "not-accepted" });
      await pass(3000);
      expect(now()).toEqual({ kind: "ready", held: 2 });
    }
    expect(refused).toEqual(["not-accepted", "wrong-length"]);
  });

  test("the next entry takes the place of the last answer", async () => {
    type("48213907#");
    await settle();
    type("1");
    expect(now()).toMatchObject({ kind: "entering", entered: 1 });
    await pass(5000);
    expect(now()).toMatchObject({ kind: "entering", entered: 1 });
  });

  test("a slow check shows it works after 1 s, and a clear failure at 10 s; the late verdict still counts", async () => {
    const late = Promise.withResolvers<Verdict>();
    answer = late.promise;
    type("48213907#");
    await pass(999);
    expect(now()).not.toEqual({ kind: "checking" });
    await pass(1);
    expect(now()).toEqual({ kind: "checking" });
    await pass(9000);
    expect(now()).toMatchObject({ kind: "broken" });
    expect(refused).toEqual(["no-answer"]);
    late.resolve({ kind: "released", jobs: 1, waiting: false });
    session.showPrinting({ kind: "printing", printer: "lobby", second: false });
    await pass(3000);
    expect(now()).toEqual({ kind: "printing", printer: "lobby", second: false });
  });

  test("wait counts down; keys tick, are not kept and never make it longer; then it is over", async () => {
    answer = Promise.resolve({ kind: "wait", seconds: 120 });
    type("48213907#");
    await settle();
    expect(now()).toEqual({ kind: "wait", seconds: 120 });
    await pass(60_000);
    const before = ticks;
    type("11111111#11111111#");
    expect(ticks).toBe(before + 18);
    expect(entered.length).toBe(1);
    expect(now()).toEqual({ kind: "wait", seconds: 60 });
    await pass(59_999);
    expect(now()).toMatchObject({ kind: "wait" });
    await pass(1);
    expect(now()).toEqual({ kind: "ready", held: 2 });
  });

  test("accepted behind another job, then printing, then the pages, then ready", async () => {
    answer = Promise.resolve({ kind: "released", jobs: 1, waiting: true });
    type("48213907#");
    await settle();
    expect(now()).toEqual({ kind: "accepted-waiting" });
    session.showPrinting({ kind: "printing", printer: "lobby", second: false });
    expect(now()).toMatchObject({ kind: "printing" });
    held = 1;
    session.showPrinting({ kind: "take-pages", printer: "lobby", confirmed: false });
    expect(now()).toMatchObject({ kind: "take-pages" });
    await pass(10_000);
    expect(now()).toEqual({ kind: "ready", held: 1 });
  });

  test("typing while another prints shows the entry, then the printing again", async () => {
    session.showPrinting({ kind: "printing", printer: "lobby", second: false });
    type("4");
    expect(now()).toMatchObject({ kind: "entering" });
    type("<");
    expect(now()).toMatchObject({ kind: "printing" });
  });

  test("a printer that needs care: Enter alone says that it was switched off and on", async () => {
    answer = Promise.resolve({ kind: "printer-care", printer: "lobby", reason: "paper" });
    type("#");
    expect(cycled).toEqual([]);
    type("48213907#");
    await settle();
    expect(now()).toEqual({ kind: "printer-care", printer: "lobby", reason: "paper" });
    type("#");
    expect(cycled).toEqual(["lobby"]);
  });

  test("a disk that fails is equipment, not the person's mistake", async () => {
    answer = Promise.reject(new PlatenError("disk-full", { where: "The data directory", meaning: "" }));
    type("48213907#");
    await settle();
    expect(now()).toMatchObject({ kind: "broken" });
    expect(refused).toEqual(["failed"]);
  });

  test("a scanner that submits without end is checked a few at a time", async () => {
    answer = new Promise(() => undefined);
    for (let i = 0; i < 100; i++) type("48213907#");
    expect(entered.length).toBe(4);
  });
});

describe("the agent's phases", () => {
  test("locked: every entry says so, nothing is checked, no try is used", async () => {
    release = null;
    session.setPhase({ locked: true, online: false });
    expect(now()).toEqual({ kind: "locked" });
    type("48213907#");
    await settle();
    expect(now()).toEqual({ kind: "locked", entry: true });
    expect([entered, refused]).toEqual([[], ["locked"]]);
  });

  test("shares missing while the broker is away: locked, though the identity is open", () => {
    sharesMissing = true;
    session.setPhase({ online: false });
    expect(now()).toEqual({ kind: "locked" });
    sharesMissing = false;
    session.setPhase({ online: true });
    expect(now()).toEqual({ kind: "ready", held: 2 });
  });

  test("starting, ready, the broker away, held jobs counted, broken", () => {
    session.setPhase({ starting: "broker" });
    expect(now()).toEqual({ kind: "starting", step: "broker" });
    session.setPhase({ starting: null });
    held = 3;
    session.refresh();
    expect(now()).toEqual({ kind: "ready", held: 3 });
    session.setPhase({ online: false });
    expect(now()).toEqual({ kind: "broker-away", held: 3 });
    session.setPhase({ broken: "identity" });
    expect(now()).toEqual({ kind: "broken", what: "identity" });
  });

  test("the same state is not shown twice", () => {
    const count = shown.length;
    session.refresh();
    session.refresh();
    expect(shown.length).toBe(count);
  });
});
