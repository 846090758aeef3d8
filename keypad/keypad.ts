/**
 * The keypad port. A keypad turns whatever a person touches into keys; it knows nothing of jobs.
 */

/** A key as a person means it. `digit` is one character, `0` to `9`. */
export type Key =
  | { readonly kind: "digit"; readonly digit: string }
  | { readonly kind: "enter" }
  | { readonly kind: "backspace" }
  | { readonly kind: "clear" };

/** What a keypad reports besides keys. `stuck`: a key stays down; `attached` again when it came up. */
export type KeypadCondition = "attached" | "stuck" | "gone";

/** Called synchronously, one at a time; what they throw ends the program, so they must not. */
export interface KeypadEvents {
  onKey(key: Key): void;
  /** Only when it changes; the first is `attached`, or `gone` where the hardware is missing from the start. */
  onCondition(condition: KeypadCondition): void;
  /**
   * What is there cannot be used now (`keypad-unusable`), told once for each reason; it is tried again as if it were
   * missing. Without a handler the first such refusal rejects `openKeypad`.
   */
  onRefused?(error: KeypadError): void;
  /** Ctrl-C at a `tty:` keypad, which raw mode turned into a key. Without a handler the program gets SIGINT. */
  onInterrupt?(): void;
}

/** An open keypad. It reopens by itself when the hardware comes back; `close` ends that. */
export interface Keypad {
  readonly uri: string;
  /** Either it has its hardware, or it looks for it; false where it does neither any more. */
  isWorking(): boolean;
  /** Idempotent, never throws. A terminal is back in its old mode when it resolves. */
  close(): Promise<void>;
}

/**
 * A keypad cannot be used as configured; what is merely missing now is no error but `gone`.
 *
 * - `keypad-uri`: the URI is wrong.
 * - `keypad-unusable`: what it names is there and is no keypad, or access is denied.
 */
export class KeypadError extends Error {
  readonly code: "keypad-uri" | "keypad-unusable";

  constructor(code: KeypadError["code"], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "KeypadError";
    this.code = code;
  }
}
