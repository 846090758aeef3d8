import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeReport, REPORT_START, type ReportState } from "../../keypad/reports.ts";

function report(...usages: number[]): Uint8Array {
  return Uint8Array.from([0, 0, ...usages, ...Array(6 - usages.length).fill(0)]);
}

function decode(...reports: Uint8Array[]): string {
  let state: ReportState = REPORT_START;
  let spelled = "";
  for (const bytes of reports) {
    const step = decodeReport(state, bytes);
    state = step.state;
    for (const key of step.keys) spelled += key.kind === "digit" ? key.digit : `<${key.kind}>`;
  }
  return spelled;
}

describe("boot reports", () => {
  const up = report();
  it("knows the digits of the keypad and of the top row", () => {
    const keypad = [0x62, 0x59, 0x5a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f, 0x60, 0x61];
    const row = [0x27, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26];
    expect(decode(...[...keypad, ...row].flatMap((usage) => [report(usage), up]))).toBe(
      "01234567890123456789",
    );
  });

  it.each([
    [0x28, "<enter>"],
    [0x58, "<enter>"],
    [0x2a, "<backspace>"],
    [0x4c, "<backspace>"],
    [0x29, "<clear>"],
    [0x56, "<clear>"],
    [0x55, "<clear>"],
    [0x2d, "<clear>"],
    [0x53, ""], // NumLock
    [0x57, ""], // keypad +
    [0x04, ""], // a
    [0xb0, "00"],
  ])("usage %i is %j", (usage, spelled) => {
    expect(decode(report(usage), up)).toBe(spelled);
  });

  it("counts a key that stays down once", () => {
    expect(decode(report(0x59), report(0x59), report(0x59), up)).toBe("1");
  });

  it("counts a key pressed twice twice", () => {
    expect(decode(report(0x59), up, report(0x59), up)).toBe("11");
  });

  it("counts rolled fingers once each, wherever the report lists them", () => {
    expect(decode(report(0x59), report(0x59, 0x5a), report(0x5a), report(0x5b, 0x5a), up)).toBe("123");
  });

  it("holds its breath while too many keys are down", () => {
    const phantom = report(1, 1, 1, 1, 1, 1);
    expect(decode(report(0x59), phantom, report(0x59), up)).toBe("1");
  });

  it("ignores NumLock that some keypads send around every digit", () => {
    expect(decode(report(0x53), up, report(0x59), up, report(0x53), up)).toBe("1");
  });

  it("takes shifted digits, not commands", () => {
    expect(decode(Uint8Array.of(0x02, 0, 0x1e, 0, 0, 0, 0, 0))).toBe("1");
    expect(decode(Uint8Array.of(0x01, 0, 0x1e, 0, 0, 0, 0, 0), report(0x1e))).toBe("");
    expect(decode(Uint8Array.of(0x04, 0, 0x59, 0, 0, 0, 0, 0))).toBe("");
  });

  it("reads a report behind its id", () => {
    expect(decode(Uint8Array.of(1, 0, 0, 0x59, 0, 0, 0, 0, 0))).toBe("1");
  });

  it("says nothing more than keys that went down, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 70 }), { maxLength: 30 }), (reports) => {
        let state: ReportState = REPORT_START;
        for (const bytes of reports) {
          const step = decodeReport(state, bytes);
          expect(step.state.length).toBeLessThanOrEqual(6);
          expect(step.keys.length).toBeLessThanOrEqual(18);
          // The same report again never means anything.
          expect(decodeReport(step.state, bytes).keys).toEqual([]);
          state = step.state;
        }
      }),
    );
  });
});
