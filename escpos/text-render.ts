import { decode } from "./decoder.ts";
import type { Item, Line, PaperSink } from "./paper.ts";
import { Printer } from "./printer.ts";
import type { Profile } from "./profile.ts";

/** Dots without anything that make a blank line, and how many such lines are kept together. */
const BLANK_DOTS = 30;
const MAX_BLANK = 3;
/** Dots of a character, where an item has none of its own. */
const CHARACTER_DOTS = 12;

/**
 * A stream as plain text: what a person would read on the paper, with images, codes, cuts and drawer pulses named in
 * brackets.
 */
export function renderText(bytes: Uint8Array, profile: Profile): string {
  const lines: string[] = [];
  let bottom = 0;
  const sink: PaperSink = {
    line: (line) => {
      const blank = Math.floor((line.top - bottom) / BLANK_DOTS);
      for (let count = Math.min(blank, MAX_BLANK); count > 0; count -= 1) lines.push("");
      bottom = line.top + line.height;
      writeLine(line, lines);
    },
    cut: (_y, kind) => lines.push(kind === "full" ? "[cut]" : "[partial cut]"),
    pulse: (_y, pin) => lines.push(`[drawer ${pin === 2 ? 1 : 2}]`),
    request: () => undefined,
  };
  const printer = new Printer(profile, sink);
  for (const command of decode(bytes, { dialect: profile.dialect })) printer.execute(command);
  printer.finish();
  return lines.map((line) => `${line}\n`).join("");
}

function writeLine(line: Line, lines: string[]): void {
  const page = line.items.find((item) => item.kind === "page");
  if (page !== undefined) {
    const inner = page.areas.flatMap((area) =>
      area.lines.map((each) => ({ ...each, top: area.y + each.top })),
    );
    for (const each of inner.sort((a, b) => a.top - b.top)) writeLine(each, lines);
    return;
  }
  lines.push(textOfLine(line.items).trimEnd());
}

/** Items side by side, with as many blanks between them as there is room for characters. */
function textOfLine(items: readonly Item[]): string {
  let text = "";
  let x = 0;
  for (const item of [...items].sort((a, b) => a.x - b.x)) {
    const blank = item.kind === "text" ? item.cell.width * item.style.scaleX : CHARACTER_DOTS;
    const gap = Math.round((item.x - x) / blank);
    if (gap > 0) text += " ".repeat(Math.min(gap, 200));
    text += textOfItem(item);
    x = item.x + item.width;
  }
  return text;
}

function textOfItem(item: Item): string {
  switch (item.kind) {
    case "text":
      return item.glyph === null ? item.text : "[character]";
    case "image":
      return item.height <= 24 && item.width <= 24 ? "[character]" : `[image ${item.width} x ${item.height}]`;
    case "code":
      return `[${item.symbology}: ${item.text}]`;
    case "page":
      return "";
  }
}
