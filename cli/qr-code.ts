/** A QR code of block characters, for scanners that type what they read at the keypad. */
import { encode } from "uqr";

const QUIET_ZONE = 2;
/** By whether the upper and the lower square are dark. */
const DARK_INK = { "00": " ", "01": "▄", "10": "▀", "11": "█" } as const;
const LIGHT_INK = { "00": "█", "01": "▀", "10": "▄", "11": " " } as const;

/**
 * Two rows of squares a line. With `colour` it is black on white whatever the terminal's own colours are;
 * without, it takes the usual light ink on a dark ground (scanners read the inverse too).
 */
export function drawQrCode(text: string, colour: boolean): string {
  const { data } = encode(text, { ecc: "M", border: QUIET_ZONE });
  const ink = colour ? DARK_INK : LIGHT_INK;
  const lines: string[] = [];
  for (let y = 0; y < data.length; y += 2) {
    const upper = data[y] ?? [];
    const lower = data[y + 1] ?? [];
    const squares = upper.map((dark, x) => ink[`${dark ? 1 : 0}${lower[x] ? 1 : 0}`]).join("");
    lines.push(colour ? `  \u001B[30;107m${squares}\u001B[0m` : `  ${squares}`);
  }
  return lines.join("\n");
}
