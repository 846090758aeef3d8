import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type KeysDown, traceReport } from "../../keypad/report-trace.ts";

const report = (modifiers: number, ...usages: number[]) =>
  Uint8Array.from({ length: 8 }, (_, at) => (at === 0 ? modifiers : (usages[at - 2] ?? 0)));

function trace(reports: readonly Uint8Array[], showDigits = false): string[] {
  let down: KeysDown = new Set();
  return reports.flatMap((bytes) => {
    const step = traceReport(down, bytes, showDigits);
    down = step.down;
    return step.traces.map(({ kind, key }) => `${kind} ${key}`.trim());
  });
}

describe("what a keyboard's reports say", () => {
  it("edges, the overlap of two keys, and repeats", () => {
    const reports = [report(0, 0x59), report(0, 0x59), report(0, 0x59, 0x58), report(0, 0x58), report(0)];
    expect(trace(reports)).toEqual([
      "down digit",
      "repeat digit",
      "down keypad Enter",
      "up digit",
      "up keypad Enter",
    ]);
  });

  it("names digits of both rows only when asked", () => {
    const reports = [report(0, 0x1e), report(0, 0x27), report(0, 0x61), report(0, 0x62)];
    expect(trace(reports, true).filter((line) => line.startsWith("down"))).toEqual([
      "down 1",
      "down 0",
      "down 9",
      "down 0",
    ]);
    expect(trace(reports).join()).not.toMatch(/[0-9]/);
  });

  it("modifiers, keys without a name, ghosts, and what is no boot report", () => {
    expect(trace([report(0x22, 0x04)])).toEqual(["down Shift", "down right Shift", "down key 04h"]);
    expect(trace([report(0, 1, 1, 1, 1, 1, 1)])).toEqual(["ghost"]);
    expect(trace([Uint8Array.of(1, 2)])).toEqual(["other 2 bytes"]);
    expect(trace([Uint8Array.of(9, ...report(0, 0x53))])).toEqual(["down NumLock"]);
  });

  it("never tells a digit nobody asked for, whatever comes", () => {
    const any = fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 20 });
    fc.assert(
      fc.property(any, (reports) => {
        for (const line of trace(reports)) expect(line).not.toMatch(/^(?:down|up|repeat) \d$/);
      }),
    );
  });
});
