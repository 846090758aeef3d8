/**
 * Characters to keys: what terminals, serial keypads, scanners and scripts send. Pure.
 *
 * Arrow and function keys come as escape sequences with digits inside (`ESC [ 1 5 ~`); those are swallowed whole.
 * A lone Esc clears. Whether an escape is alone is known only when the chunk ends behind it: a terminal sends a
 * sequence in one piece.
 */
import type { Key } from "./keypad.ts";

/** `interrupt` is Ctrl-C: the business of whoever owns a terminal, and of nobody else. */
export type AsciiKey = Key | { readonly kind: "interrupt" };

/** Where in a sequence the bytes so far ended. */
export interface AsciiState {
  readonly phase: "plain" | "after-cr" | "escape" | "sequence" | "function-key";
  /** Bytes inside the sequence, so that a broken one ends. */
  readonly length: number;
}

export const ASCII_START: AsciiState = { phase: "plain", length: 0 };

const LONGEST_SEQUENCE = 32;
const ETX = 0x03;
const BACKSPACE = 0x08;
const LF = 0x0a;
const CR = 0x0d;
const ESC = 0x1b;
const DEL = 0x7f;

/** Decodes one chunk as it arrived. Bytes that mean nothing are skipped. */
export function decodeAscii(
  state: AsciiState,
  chunk: Uint8Array,
): { readonly state: AsciiState; readonly keys: readonly AsciiKey[] } {
  const keys: AsciiKey[] = [];
  let now = state;
  for (const byte of chunk) {
    const step = stepByte(now, byte);
    keys.push(...step.keys);
    now = step.state;
  }
  if (now.phase === "escape" && now.length === 0) {
    keys.push({ kind: "clear" });
    // Should `[` come late after all, it still opens a sequence; this clear was one too many, and harmless.
    now = { phase: "escape", length: 1 };
  }
  return { state: now, keys };
}

interface Step {
  readonly state: AsciiState;
  readonly keys: readonly AsciiKey[];
}

function stepByte(state: AsciiState, byte: number): Step {
  switch (state.phase) {
    case "plain":
      return stepPlain(byte);
    case "after-cr":
      return byte === LF ? { state: ASCII_START, keys: [] } : stepPlain(byte);
    case "escape":
      return stepEscape(state, byte);
    case "sequence":
      return stepSequence(state, byte);
    case "function-key":
      // SS3 is followed by one character, whatever it is, unless a control breaks in.
      return byte < 0x20 ? stepPlain(byte) : { state: ASCII_START, keys: [] };
  }
}

function stepPlain(byte: number): Step {
  const plain = (...keys: AsciiKey[]): Step => ({ state: ASCII_START, keys });
  if (byte >= 0x30 && byte <= 0x39) return plain({ kind: "digit", digit: String.fromCharCode(byte) });
  switch (byte) {
    case CR:
      return { state: { phase: "after-cr", length: 0 }, keys: [{ kind: "enter" }] };
    case LF:
    case 0x23: // #
      return plain({ kind: "enter" });
    case BACKSPACE:
    case DEL:
      return plain({ kind: "backspace" });
    case 0x2a: // *
    case 0x2d: // -
      return plain({ kind: "clear" });
    case ESC:
      return { state: { phase: "escape", length: 0 }, keys: [] };
    case ETX:
      return plain({ kind: "interrupt" });
    default:
      return plain();
  }
}

function stepEscape(state: AsciiState, byte: number): Step {
  if (byte === 0x5b) return { state: { phase: "sequence", length: 0 }, keys: [] };
  if (byte === 0x4f) return { state: { phase: "function-key", length: 0 }, keys: [] };
  const alone: readonly AsciiKey[] = state.length === 0 ? [{ kind: "clear" }] : [];
  const next = stepPlain(byte);
  return { state: next.state, keys: [...alone, ...next.keys] };
}

/** ECMA-48, 5.4: parameters and intermediates are 20h to 3Fh, the final byte is 40h to 7Eh. */
function stepSequence(state: AsciiState, byte: number): Step {
  if (byte < 0x20) return stepPlain(byte);
  if (byte >= 0x40 || state.length >= LONGEST_SEQUENCE) return { state: ASCII_START, keys: [] };
  return { state: { phase: "sequence", length: state.length + 1 }, keys: [] };
}
