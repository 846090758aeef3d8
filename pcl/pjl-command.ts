/**
 * PJL commands as bytes (HP, Printer Job Language Technical Reference Manual, chapters 2, 5 and 7). Each command is a
 * line; lines stand between two {@link UEL}s, which bring a printer back to PJL from whatever it was reading.
 */

/** Universal exit language. */
export const UEL = "\x1b%-12345X";

export type PjlCommand =
  /** Begins a job with a name of ours; jobs inside it are counted, so a document may bring its own. */
  | { readonly kind: "job" | "end-of-job"; readonly name: string }
  /** Unsolicited status: said whenever something of this class happens. */
  | { readonly kind: "ustatus"; readonly of: "DEVICE" | "JOB" | "PAGE"; readonly on: boolean }
  /** Device status every so many seconds, 5 to 300; 0 ends it. */
  | { readonly kind: "timed"; readonly seconds: number }
  | { readonly kind: "ustatus-off" }
  | { readonly kind: "info"; readonly about: "STATUS" | "ID" }
  /** Said back word for word: what comes after it on the back-channel was not said before. */
  | { readonly kind: "echo"; readonly words: string }
  | { readonly kind: "reset" };

const NAME_CHARACTERS_MAX = 80;

/**
 * The commands between two UELs, in one piece of ASCII. What follows is read as the printer's default language, or by
 * what it looks like.
 *
 * @throws {TypeError} for a name or words that PJL cannot carry: 1 to 80 printable ASCII characters, no quotation mark
 */
export function encodePjl(commands: readonly PjlCommand[]): Uint8Array {
  // The bare line is what the manual asks for after a UEL.
  const lines = ["@PJL", ...commands.map((command) => `@PJL ${wordsOf(command)}`)];
  const text = `${UEL}${lines.map((line) => `${line}\r\n`).join("")}${UEL}`;
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function wordsOf(command: PjlCommand): string {
  switch (command.kind) {
    case "job":
      return `JOB NAME = "${checkWords(command.name)}"`;
    case "end-of-job":
      return `EOJ NAME = "${checkWords(command.name)}"`;
    case "ustatus":
      return `USTATUS ${command.of} = ${command.on ? "ON" : "OFF"}`;
    case "timed":
      return `USTATUS TIMED = ${checkSeconds(command.seconds)}`;
    case "ustatus-off":
      return "USTATUSOFF";
    case "info":
      return `INFO ${command.about}`;
    case "echo":
      return `ECHO ${checkWords(command.words)}`;
    case "reset":
      return "RESET";
  }
}

function checkWords(words: string): string {
  if (/^[ -~]+$/.test(words) && !words.includes('"') && words.length <= NAME_CHARACTERS_MAX) return words;
  throw new TypeError(
    `PJL cannot carry this: 1 to ${NAME_CHARACTERS_MAX} printable ASCII characters without "`,
  );
}

function checkSeconds(seconds: number): number {
  if (seconds === 0 || (Number.isInteger(seconds) && seconds >= 5 && seconds <= 300)) return seconds;
  throw new TypeError(`USTATUS TIMED: ${seconds} is neither 0 nor 5 to 300 seconds`);
}
