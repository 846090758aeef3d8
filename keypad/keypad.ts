/**
 * The keypad port. A keypad turns whatever a person touches into keys; it knows nothing of jobs.
 */

/** A key as a person means it. `digit` is one character, `0` to `9`. */
export type Key =
  | { readonly kind: "digit"; readonly digit: string }
  | { readonly kind: "enter" }
  | { readonly kind: "backspace" }
  | { readonly kind: "clear" };

/** What a keypad reports besides keys. */
export type KeypadCondition = "attached" | "gone";

export interface KeypadEvents {
  onKey(key: Key): void;
  onCondition(condition: KeypadCondition): void;
}

/** An open keypad. It reopens by itself when the hardware comes back; `close` ends that. */
export interface Keypad {
  readonly uri: string;
  /** Idempotent, never throws. */
  close(): Promise<void>;
}
