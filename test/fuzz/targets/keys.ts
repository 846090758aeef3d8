/** Everything that keypads send: HID descriptors and reports, input events, characters; and the entry they make. */
import { ASCII_START, decodeAscii } from "../../../keypad/ascii.ts";
import { EMPTY_ENTRY, ENTRY_MAX_DIGITS, stepKey, stepTime } from "../../../keypad/entry.ts";
import { decodeEvdev, EVDEV_START, isDigitsOnly } from "../../../keypad/evdev-events.ts";
import type { Key } from "../../../keypad/keypad.ts";
import {
  hasDigits,
  hasLetters,
  parseReportDescriptor,
  usagesOfReport,
} from "../../../keypad/report-descriptor.ts";
import { traceReport } from "../../../keypad/report-trace.ts";
import { decodeReport, REPORT_START } from "../../../keypad/reports.ts";
import { bytesOf, choose, claim, claimSame, cutUp, type FuzzTarget } from "../target.ts";

const POLICY = { lengths: [8, 10], warnMs: 20_000, clearMs: 30_000 };
/** A report holds at most so many keys: 64 fields of 4096 bits. */
const KEYS_A_REPORT_MAX = 64 * 4096;
/** HID 1.11, appendix B.1. */
const KEYBOARD = Buffer.from(
  "05010906a101050719e029e715002501750195088102950175088101950575010508190129059102950175039101950675081500256505071900296581 00c0".replaceAll(
    " ",
    "",
  ),
  "hex",
);

function takeReports(data: Uint8Array): Key[] {
  const size = (data[0] ?? 0) + ((data[1] ?? 0) & 1) * 256;
  const layout = parseReportDescriptor(data.subarray(3, 3 + size));
  const length = Math.max(1, (data[2] ?? 0) & 63);
  if (layout)
    claim(typeof hasDigits(layout) === "boolean" && typeof hasLetters(layout) === "boolean", "asked");
  let [state, down] = [REPORT_START, new Set<number>() as ReadonlySet<number>];
  const keys: Key[] = [];
  for (let at = 3 + size, reports = 0; at < data.length && reports < 20; at += length, reports++) {
    const report = data.subarray(at, at + length);
    const usages = layout && usagesOfReport(layout, report);
    claim((usages?.length ?? 0) <= Math.min(KEYS_A_REPORT_MAX, report.length * 8), "no more keys than bits");
    const step = decodeReport(state, report, layout);
    claim(new Set(step.state).size === step.state.length, "a key is down once");
    const again = decodeReport(step.state, report, layout);
    claim(again.keys.length === 0, "the same report again types nothing");
    ({ state } = step);
    keys.push(...step.keys);
    const traced = traceReport(down, report, false);
    claim(!traced.traces.some(({ key }) => /^[0-9]$/.test(key)), "a trace without digits shows none");
    ({ down } = traced);
  }
  return keys;
}

function takeEvents(data: Uint8Array): Key[] {
  const once = decodeEvdev(EVDEV_START, data.subarray(1));
  let state = EVDEV_START;
  const keys: Key[] = [];
  for (const piece of cutUp(data)) {
    const step = decodeEvdev(state, piece);
    ({ state } = step);
    keys.push(...step.keys);
    claim(state.rest.length < 24, "less than an event is kept");
  }
  claimSame([keys, state.down, state.isLost], [once.keys, once.state.down, once.state.isLost], "cuts");
  isDigitsOnly(Buffer.from(data).toString("latin1"));
  return keys;
}

function takeCharacters(data: Uint8Array): Key[] {
  let state = ASCII_START;
  const keys: Key[] = [];
  for (const piece of cutUp(data)) {
    const step = decodeAscii(state, piece);
    ({ state } = step);
    claim(step.keys.length <= piece.length * 2 + 1, "no more keys than characters");
    claim(state.length <= 32, "a sequence ends");
    keys.push(...step.keys.filter((key) => key.kind !== "interrupt"));
  }
  return keys;
}

function enter(keys: readonly Key[]): void {
  let [state, nowMs] = [EMPTY_ENTRY, 0];
  for (const key of keys) {
    if (key.kind === "digit") claim(/^[0-9]$/.test(key.digit), "a digit is one");
    nowMs += key.kind === "backspace" ? 9000 : 100;
    const step = stepKey(stepTime(state, nowMs, POLICY).state, key, nowMs, POLICY);
    ({ state } = step);
    claim(/^[0-9]*$/.test(state.digits) && state.digits.length <= ENTRY_MAX_DIGITS, "an entry is bounded");
    for (const effect of step.effects)
      if (effect.kind === "submit")
        claim(POLICY.lengths.includes(effect.digits.length), "lengths no OTP has");
  }
}

export const target: FuzzTarget = {
  about: "key reports and their descriptors, input events, characters; the entry",
  maxBytes: 1024,
  words: [
    "\x05\x07",
    "\x19\x00\x29\x65",
    "\x81\x00",
    "\x81\x02",
    "\xa1\x01",
    "\x85\x01",
    "\x1b[",
    "\x1bO",
    "\xfe",
  ],
  seeds: () => {
    const head = Buffer.of(KEYBOARD.length, 0, 8);
    const press = Buffer.from("00001e0000000000000000000000000000005900000000000000280000000000", "hex");
    const event = Buffer.alloc(24);
    event.writeUInt16LE(1, 16);
    event.writeUInt16LE(2, 18);
    event.writeInt32LE(1, 20);
    return [
      choose(0, Buffer.concat([head, KEYBOARD, press])),
      choose(1, Buffer.concat([Buffer.of(9), event, Buffer.alloc(24), event])),
      choose(2, bytesOf("\x0748213907\r\n#12\x1b[15~34\x1b\x7f*5678#")),
      choose(1, bytesOf("\x01e080ffdf01cfffff fffffffffffffffe")),
    ];
  },
  run(data) {
    const rest = data.subarray(1);
    const take = [takeReports, takeEvents, takeCharacters][(data[0] ?? 0) % 3] ?? takeReports;
    enter(take(rest));
  },
};
