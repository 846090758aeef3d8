/** How wide words are on paper, near enough to break lines, without any font at hand. Pure. */

/** Widths in em of a common sans-serif, rounded up; capitals and Cyrillic are wider. */
const NARROW = /[iljtfrI.,:;'’!|()1 ]/;
const WIDE = /[mwMWШЩЖЮшщжюфÆæ@%…]/;

/** In em. */
export function textWide(text: string, isBold: boolean): number {
  const wide = [...text].reduce((sum, character) => sum + widthOf(character), 0);
  return isBold ? wide * 1.07 : wide;
}

function widthOf(character: string): number {
  if (NARROW.test(character)) return 0.34;
  if (WIDE.test(character)) return 0.9;
  return /\p{Lu}/u.test(character) ? 0.68 : 0.575;
}

/** The text in as few lines as `room` allows, broken between words. A word longer than a line stays whole. */
export function fitText(text: string, room: number, font: number, isBold: boolean): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    const longer = last === undefined ? word : `${last} ${word}`;
    if (last !== undefined && textWide(longer, isBold) * font > room) lines.push(word);
    else lines.splice(-1, 1, longer);
  }
  return lines;
}
