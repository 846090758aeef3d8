/** The one-time password, large: a person reads it from a metre away and carries it in their head. */
import { formatOtp } from "../wire/otp.ts";

/** Digits of 3 by 5 squares, a row of each digit after the other. */
const ROWS = [
  "### .#. ### ### #.# ### ### ### ### ###",
  "#.# ##. ..# ..# #.# #.. #.. ..# #.# #.#",
  "#.# .#. ### ### ### ### ### ..# ### ###",
  "#.# .#. #.. ..# ..# ..# #.# ..# #.# ..#",
  "### ### ### ### ..# ### ### ..# ### ###",
].map((row) => row.split(" "));

/**
 * `48213907` in five lines of block characters, as wide as `width` allows; an empty string where it would not fit.
 * Ornament only: the caller prints the plain digits too, for whoever copies or hears them.
 */
export function drawDigits(otp: string, width: number): string {
  for (const square of ["██", "█"]) {
    const blank = " ".repeat(square.length);
    const lines = ROWS.map((row) =>
      [...formatOtp(otp)]
        .map((c) =>
          c === " "
            ? blank
            : [...(row[Number(c)] ?? "")].map((dot) => (dot === "#" ? square : blank)).join(""),
        )
        .join(blank)
        .trimEnd(),
    );
    if (Math.max(...lines.map((line) => line.length)) <= width - 4)
      return lines.map((line) => `  ${line}`).join("\n");
  }
  return "";
}
