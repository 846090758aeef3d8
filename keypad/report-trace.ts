/** What a keyboard's reports say, key by key, for whoever looks for a fault: edges, repeats, ghosts. Pure. */

export interface ReportTrace {
  /** `repeat`: the same keys as before, said again. `ghost`: too many keys at once. `other`: no boot report. */
  readonly kind: "down" | "up" | "repeat" | "ghost" | "other";
  /** The key's name; empty where it is about none. */
  readonly key: string;
}

const ROLLOVER_ERROR = 0x01;
const MODIFIERS = ["Ctrl", "Shift", "Alt", "GUI", "right Ctrl", "right Shift", "right Alt", "right GUI"];
/** HID Usage Tables, page 07h: what keypads have beside digits. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [0x28, "Enter"],
  [0x58, "keypad Enter"],
  [0x29, "Esc"],
  [0x2a, "Backspace"],
  [0x2b, "Tab"],
  [0x2c, "Space"],
  [0x2d, "-"],
  [0x4c, "Delete"],
  [0x53, "NumLock"],
  [0x54, "keypad /"],
  [0x55, "keypad *"],
  [0x56, "keypad -"],
  [0x57, "keypad +"],
  [0x63, "keypad ."],
  [0x67, "keypad ="],
  [0xb0, "keypad 00"],
  [0xb1, "keypad 000"],
  [0xbb, "keypad Backspace"],
]);

/** The keys that are down: usages, and modifiers as E0h to E7h. Empty to begin with. */
export type KeysDown = ReadonlySet<number>;

/** @param showDigits without it every digit is called “digit” */
export function traceReport(
  before: KeysDown,
  report: Uint8Array,
  showDigits: boolean,
): { readonly down: KeysDown; readonly traces: readonly ReportTrace[] } {
  const boot = report.length === 9 ? report.subarray(1) : report;
  if (boot.length !== 8) return { down: before, traces: [{ kind: "other", key: `${report.length} bytes` }] };
  const usages = [...boot.subarray(2)].filter((usage) => usage !== 0);
  if (usages.includes(ROLLOVER_ERROR)) return { down: before, traces: [{ kind: "ghost", key: "" }] };
  const down = new Set(
    [...MODIFIERS.keys()].filter((bit) => ((boot[0] ?? 0) >> bit) & 1).map((bit) => 0xe0 + bit),
  );
  for (const usage of usages) down.add(usage);
  const name = (usage: number) => nameKey(usage, showDigits);
  const traces: ReportTrace[] = [
    ...[...before]
      .filter((usage) => !down.has(usage))
      .map((usage) => ({ kind: "up" as const, key: name(usage) })),
    ...[...down]
      .filter((usage) => !before.has(usage))
      .map((usage) => ({ kind: "down" as const, key: name(usage) })),
  ];
  if (traces.length === 0) traces.push({ kind: "repeat", key: [...down].map(name).join(" ") });
  return { down, traces };
}

function nameKey(usage: number, showDigits: boolean): string {
  const digit = digitOf(usage);
  if (digit !== null) return showDigits ? digit : "digit";
  const modifier = MODIFIERS[usage - 0xe0];
  return modifier ?? NAMES.get(usage) ?? `key ${usage.toString(16).padStart(2, "0")}h`;
}

/** Top row 1 to 9 and 0 from 1Eh, keypad from 59h. */
function digitOf(usage: number): string | null {
  for (const first of [0x1e, 0x59]) {
    if (usage >= first && usage < first + 10) return String((usage - first + 1) % 10);
  }
  return null;
}
