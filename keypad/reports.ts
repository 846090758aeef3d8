/**
 * HID keyboard reports to keys: as the device's descriptor says, or else boot reports (HID 1.11, appendix B.1:
 * modifiers, a reserved byte, six usages). Pure.
 *
 * A report lists what is down now, so a key counts when it appears, not while it stays: repeats and the releases of
 * other keys send it again. Usages name positions, not characters: NumLock, Shift and the layout change nothing. So
 * on an AZERTY keyboard, where the legends of the top row have the digits above, 1Eh to 27h are 1 to 0 all the same.
 */
import type { Key } from "./keypad.ts";
import { type ReportLayout, usagesOfReport } from "./report-descriptor.ts";

/** The usages that were down. */
export type ReportState = readonly number[];

export const REPORT_START: ReportState = [];

/** Rollover, self test, undefined: too many keys are down, or none is known. */
const LAST_ERROR = 0x03;
const FIRST_MODIFIER = 0xe0;
/** Left and right Ctrl, Alt, GUI. Shift stays allowed: French keyboards need it for digits. */
const COMMANDS = [0xe0, 0xe2, 0xe3, 0xe4, 0xe6, 0xe7];

const enter: readonly Key[] = [{ kind: "enter" }];
const backspace: readonly Key[] = [{ kind: "backspace" }];
const clear: readonly Key[] = [{ kind: "clear" }];

/** HID Usage Tables, page 07h. */
const KEYS: ReadonlyMap<number, readonly Key[]> = new Map([
  ...digits(0x1e), // top row 1 to 9, 0
  ...digits(0x59), // keypad 1 to 9, 0
  [0xb0, zeros(2)], // keypad 00
  [0xb1, zeros(3)], // keypad 000
  [0x28, enter],
  [0x58, enter], // keypad
  [0x2a, backspace],
  [0x4c, backspace], // delete forward
  [0xbb, backspace], // keypad
  [0x29, clear], // escape
  [0x2d, clear], // -
  [0x55, clear], // keypad *
  [0x56, clear], // keypad -
  [0x9c, clear],
  [0xd8, clear], // keypad
]);

/**
 * Decodes one report. Without a layout 8 bytes are a boot report, 9 one with a report id in front; others change
 * nothing, nor does the phantom state that a keyboard reports when too many keys are down.
 */
export function decodeReport(
  down: ReportState,
  report: Uint8Array,
  layout: ReportLayout | null = null,
): { readonly state: ReportState; readonly keys: readonly Key[] } {
  const usages = layout === null ? usagesOfBootReport(report) : usagesOfReport(layout, report);
  if (usages === null || usages.some((usage) => usage <= LAST_ERROR)) return { state: down, keys: [] };
  const state = [...new Set(usages.filter((usage) => usage < FIRST_MODIFIER))];
  if (usages.some((usage) => COMMANDS.includes(usage))) return { state, keys: [] };
  const keys = state.filter((usage) => !down.includes(usage)).flatMap((usage) => KEYS.get(usage) ?? []);
  return { state, keys };
}

function usagesOfBootReport(report: Uint8Array): number[] | null {
  const boot = report.length === 9 ? report.subarray(1) : report;
  if (boot.length !== 8) return null;
  const modifiers = boot[0] ?? 0;
  const down = Array.from({ length: 8 }, (_, bit) => ((modifiers >> bit) & 1 ? FIRST_MODIFIER + bit : 0));
  return [...down, ...boot.subarray(2)].filter((usage) => usage !== 0);
}

function digits(first: number): [number, readonly Key[]][] {
  return [..."1234567890"].map((digit, index) => [first + index, [{ kind: "digit", digit }]]);
}

function zeros(count: number): readonly Key[] {
  return Array.from({ length: count }, () => ({ kind: "digit", digit: "0" }));
}
