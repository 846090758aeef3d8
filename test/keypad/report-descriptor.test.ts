import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  hasDigits,
  hasLetters,
  parseReportDescriptor,
  usagesOfReport,
} from "../../keypad/report-descriptor.ts";
import { decodeReport, REPORT_START, type ReportState } from "../../keypad/reports.ts";
import { BITMAP_NUMPAD, BOOT_KEYBOARD, MOUSE, NUMPAD } from "./descriptors.ts";

function spell(descriptor: Uint8Array, ...reports: readonly (readonly number[])[]): string {
  const layout = parseReportDescriptor(descriptor);
  let state: ReportState = REPORT_START;
  let spelled = "";
  for (const report of reports) {
    const step = decodeReport(state, Uint8Array.from(report), layout);
    state = step.state;
    for (const key of step.keys) spelled += key.kind === "digit" ? key.digit : `<${key.kind}>`;
  }
  return spelled;
}

describe("what a device can type", () => {
  it.each([
    ["a boot keyboard", BOOT_KEYBOARD, true, true, 0x0001_0006],
    ["a keypad", NUMPAD, true, false, 0x0001_0007],
    ["a keypad of bits", BITMAP_NUMPAD, true, false, 0x0001_0007],
  ])("%s", (_, bytes, digits, letters, application) => {
    const layout = parseReportDescriptor(bytes);
    if (layout === null) throw new Error("no layout");
    expect([hasDigits(layout), hasLetters(layout), layout.application]).toEqual([
      digits,
      letters,
      application,
    ]);
  });

  it("is nothing on a mouse, and on what is no descriptor", () => {
    expect(parseReportDescriptor(MOUSE)).toBeNull();
    expect(parseReportDescriptor(new Uint8Array(0))).toBeNull();
    expect(parseReportDescriptor(BOOT_KEYBOARD.subarray(0, 40))?.fields.length).toBe(1);
    expect(parseReportDescriptor(new Uint8Array(5000))).toBeNull();
  });
});

describe("reports by their descriptor", () => {
  it("are the boot report of a boot keyboard", () => {
    expect(spell(BOOT_KEYBOARD, [0, 0, 0x59, 0, 0, 0, 0, 0], [0, 0, 0x59, 0x1e, 0, 0, 0, 0])).toBe("11");
    expect(spell(BOOT_KEYBOARD, [1, 0, 0x59, 0, 0, 0, 0, 0])).toBe("");
    expect(spell(BOOT_KEYBOARD, [0, 0, 1, 1, 1, 1, 1, 1])).toBe("");
  });

  it("may have no modifiers and start anywhere", () => {
    // Arrays count from their logical minimum: 53h is the first usage, NumLock.
    expect(spell(NUMPAD, [0x59, 0, 0, 0, 0, 0], [0x59, 0x5a, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0])).toBe("12");
    expect(spell(NUMPAD, [0x53, 0, 0, 0, 0, 0], [0x58, 0, 0, 0, 0, 0])).toBe("<enter>");
  });

  it("may be bits, and have a number", () => {
    const one = 1 << (0x59 - 0x53);
    const two = 1 << (0x5a - 0x53);
    expect(spell(BITMAP_NUMPAD, [2, one, 0, 0], [2, one | two, 0, 0], [2, two, 0, 0], [2, 0, 0, 0])).toBe(
      "12",
    );
    expect(spell(BITMAP_NUMPAD, [1, one, 0, 0])).toBe("");
    expect(spell(BITMAP_NUMPAD, [2, one])).toBe("");
  });

  it("mean no more than keys that went down, whatever descriptor and reports say", () => {
    const some = fc.oneof(fc.uint8Array({ maxLength: 80 }), mutated(BOOT_KEYBOARD), mutated(BITMAP_NUMPAD));
    fc.assert(
      fc.property(
        some,
        fc.array(fc.uint8Array({ maxLength: 70 }), { maxLength: 10 }),
        (descriptor, reports) => {
          const layout = parseReportDescriptor(descriptor);
          if (layout === null) return;
          let state: ReportState = REPORT_START;
          for (const report of reports) {
            expect(usagesOfReport(layout, report)?.length ?? 0).toBeLessThanOrEqual(560);
            const step = decodeReport(state, report, layout);
            expect(decodeReport(step.state, report, layout).keys).toEqual([]);
            state = step.state;
          }
        },
      ),
    );
  });
});

function mutated(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)).map(([at, value]) => bytes.with(at, value));
}
