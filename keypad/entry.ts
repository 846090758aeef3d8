/**
 * The entry of an OTP, from its first digit to Enter, as the terminal's rules say. Pure: keys and time go in, what
 * to do comes out. Times are monotonic milliseconds.
 */
import type { Key } from "./keypad.ts";

export interface EntryPolicy {
  /** Lengths some OTP may have: the others are refused here and cost no try. */
  readonly lengths: readonly number[];
  /** Silence after which the person is warned, and after which the entry is cleared. */
  readonly warnMs: number;
  readonly clearMs: number;
}

export const ENTRY_WARN_MS = 20_000;
export const ENTRY_CLEAR_MS = 30_000;

/** More digits than any OTP has; what goes beyond is not kept, and wrong anyway. */
export const ENTRY_MAX_DIGITS = 64;

export interface EntryState {
  readonly digits: string;
  /** When the last key came; meaningless while `digits` is empty. */
  readonly keyAtMs: number;
  readonly isWarned: boolean;
}

export const EMPTY_ENTRY: EntryState = { digits: "", keyAtMs: 0, isWarned: false };

/** What the caller does, in order. Only `complete` and `submit` carry the digits. */
export type EntryEffect =
  /** Show how many digits there are; `isIdle` with the warning. */
  | { readonly kind: "show"; readonly entered: number; readonly isIdle: boolean }
  /** The digits have a length an OTP may have: what Enter will need can be prepared, nothing compared. */
  | { readonly kind: "complete"; readonly digits: string }
  | { readonly kind: "submit"; readonly digits: string }
  /** Enter after a number of digits no OTP has. */
  | { readonly kind: "wrong-length"; readonly entered: number }
  /** The entry is gone; `prepare`d work can be dropped. */
  | { readonly kind: "cleared"; readonly by: "key" | "idle" };

export interface EntryStep {
  readonly state: EntryState;
  readonly effects: readonly EntryEffect[];
}

/** A key at `nowMs`. Time passed since the last one counts first: a key after the limit begins a new entry. */
export function stepKey(state: EntryState, key: Key, nowMs: number, policy: EntryPolicy): EntryStep {
  const idle = stepTime(state, nowMs, policy);
  const step = applyKey(idle.state, key, nowMs, policy);
  return { state: step.state, effects: [...idle.effects, ...step.effects] };
}

/** Nothing but time passed. Call when {@link entryDeadline} is due; earlier or oftener does no harm. */
export function stepTime(state: EntryState, nowMs: number, policy: EntryPolicy): EntryStep {
  if (state.digits === "") return { state, effects: [] };
  const idleMs = nowMs - state.keyAtMs;
  if (idleMs >= policy.clearMs) return { state: EMPTY_ENTRY, effects: [{ kind: "cleared", by: "idle" }] };
  if (idleMs < policy.warnMs || state.isWarned) return { state, effects: [] };
  return {
    state: { ...state, isWarned: true },
    effects: [{ kind: "show", entered: state.digits.length, isIdle: true }],
  };
}

/** When `stepTime` has something to do next, or null while there is no entry. */
export function entryDeadline(state: EntryState, policy: EntryPolicy): number | null {
  if (state.digits === "") return null;
  return state.keyAtMs + (state.isWarned ? policy.clearMs : Math.min(policy.warnMs, policy.clearMs));
}

function applyKey(state: EntryState, key: Key, nowMs: number, policy: EntryPolicy): EntryStep {
  switch (key.kind) {
    case "digit":
      return edit(`${state.digits}${key.digit}`.slice(0, ENTRY_MAX_DIGITS), nowMs, policy);
    case "backspace":
      return state.digits === "" ? { state, effects: [] } : edit(state.digits.slice(0, -1), nowMs, policy);
    case "clear":
      return state.digits === ""
        ? { state, effects: [] }
        : { state: EMPTY_ENTRY, effects: [{ kind: "cleared", by: "key" }] };
    case "enter":
      return submit(state.digits, policy);
  }
}

function edit(digits: string, nowMs: number, policy: EntryPolicy): EntryStep {
  if (digits === "") return { state: EMPTY_ENTRY, effects: [{ kind: "cleared", by: "key" }] };
  const show: EntryEffect = { kind: "show", entered: digits.length, isIdle: false };
  const effects: readonly EntryEffect[] = policy.lengths.includes(digits.length)
    ? [show, { kind: "complete", digits }]
    : [show];
  return { state: { digits, keyAtMs: nowMs, isWarned: false }, effects };
}

function submit(digits: string, policy: EntryPolicy): EntryStep {
  // Enter alone says nothing: people press it to see whether anybody is there.
  if (digits === "") return { state: EMPTY_ENTRY, effects: [] };
  const effect: EntryEffect = policy.lengths.includes(digits.length)
    ? { kind: "submit", digits }
    : { kind: "wrong-length", entered: digits.length };
  return { state: EMPTY_ENTRY, effects: [effect] };
}
