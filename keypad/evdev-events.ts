/**
 * Linux input events to keys (linux/input.h, linux/input-event-codes.h): what matrix keypads and buttons send through
 * gpio-keys and matrix-keypad, and every keyboard. Pure. Codes name positions: NumLock and layouts change nothing.
 */
import type { Key } from "./keypad.ts";

export interface EvdevState {
  readonly down: readonly number[];
  /** The kernel's buffer overflowed: nothing counts before the next whole report. */
  readonly isLost: boolean;
  /** The beginning of an event whose rest is still to come. */
  readonly rest: Uint8Array;
}

export const EVDEV_START: EvdevState = { down: [], isLost: false, rest: new Uint8Array(0) };

/** `struct input_event` with 64-bit time: 16 bytes of time, type, code, value. */
const EVENT_BYTES = 24;
const EV_SYN = 0x00;
const EV_KEY = 0x01;
const SYN_DROPPED = 3;
/** Left and right Ctrl, Alt, Meta. */
const COMMANDS = [29, 97, 56, 100, 125, 126];

const enter: Key = { kind: "enter" };
const backspace: Key = { kind: "backspace" };
const clear: Key = { kind: "clear" };

const KEYS: ReadonlyMap<number, Key> = new Map([
  ...digits([11, 2, 3, 4, 5, 6, 7, 8, 9, 10]), // number row
  ...digits([82, 79, 80, 81, 75, 76, 77, 71, 72, 73]), // keypad
  ...digits(Array.from({ length: 10 }, (_, digit) => 0x200 + digit)), // KEY_NUMERIC_0 to 9, of telephones
  [28, enter],
  [96, enter], // keypad
  [0x160, enter], // OK
  [0x20b, enter], // #
  [14, backspace],
  [111, backspace], // delete
  [1, clear], // escape
  [12, clear], // -
  [55, clear], // keypad *
  [74, clear], // keypad -
  [223, clear], // cancel
  [0x163, clear], // clear
  [0x20a, clear], // *
]);

/** Decodes what was read, in pieces of any size. */
export function decodeEvdev(
  state: EvdevState,
  chunk: Uint8Array,
): { readonly state: EvdevState; readonly keys: readonly Key[] } {
  const bytes = Buffer.concat([state.rest, chunk]);
  const keys: Key[] = [];
  let { down, isLost } = state;
  let at = 0;
  for (; at + EVENT_BYTES <= bytes.length; at += EVENT_BYTES) {
    const type = bytes.readUInt16LE(at + 16);
    const code = bytes.readUInt16LE(at + 18);
    const value = bytes.readInt32LE(at + 20);
    if (type === EV_SYN) {
      // What was down or up meanwhile is unknown; a key that is pressed again says so itself.
      if (code === SYN_DROPPED) down = [];
      isLost = code === SYN_DROPPED;
    } else if (type === EV_KEY && !isLost) {
      // 0 is up, 1 down, 2 a repeat, which says nothing new.
      if (value === 1) {
        const key =
          down.some((held) => COMMANDS.includes(held)) || down.includes(code) ? undefined : KEYS.get(code);
        if (key !== undefined) keys.push(key);
        down = [...down.filter((held) => held !== code), code];
      } else if (value === 0) down = down.filter((held) => held !== code);
    }
  }
  return { state: { down, isLost, rest: bytes.subarray(at) }, keys };
}

/** Whether a device with these keys types digits but no letters. `bitmap` as in sysfs: hexadecimal words, highest first. */
export function isDigitsOnly(bitmap: string): boolean {
  const words = bitmap.trim().split(/\s+/).reverse();
  const has = (code: number): boolean => {
    const word = words[Math.floor(code / 64)] ?? "";
    return /^[0-9a-f]{1,16}$/i.test(word) && ((BigInt(`0x${word}`) >> BigInt(code % 64)) & 1n) === 1n;
  };
  const letters = [...range(16, 25), ...range(30, 38), ...range(44, 50)];
  const digitCodes = [...KEYS].filter(([, key]) => key.kind === "digit").map(([code]) => code);
  return digitCodes.some(has) && !letters.some(has);
}

function digits(codes: readonly number[]): [number, Key][] {
  return codes.map((code, digit) => [code, { kind: "digit", digit: String(digit) }]);
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
