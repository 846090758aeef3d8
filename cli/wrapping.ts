/** Sentences on a terminal: broken between words, which terminals do not do by themselves. */
import { stripVTControlCharacters } from "node:util";
import { textWidth } from "./table.ts";

/** Lines longer than `width` are broken at spaces and go on under their own beginning; what has no space stays whole. */
export function wrapText(text: string, width: number): string {
  if (!Number.isFinite(width)) return text;
  return text
    .split("\n")
    .map((line) => wrapLine(line, width))
    .join("\n");
}

function wrapLine(line: string, width: number): string {
  if (visibleWidth(line) <= width) return line;
  const indent = /^ */.exec(line)?.[0] ?? "";
  const lines: string[] = [];
  let current = indent;
  // Gaps within a line (columns) stay as they are; only where it is broken they go.
  for (const [, gap = "", word = ""] of line.slice(indent.length).matchAll(/( *)([^ ]+)/g)) {
    const begins = current === indent;
    if (!begins && visibleWidth(current) + gap.length + visibleWidth(word) > width) {
      lines.push(current);
      current = indent + word;
    } else {
      current += begins ? word : gap + word;
    }
  }
  return [...lines, current].join("\n");
}

function visibleWidth(text: string): number {
  return textWidth(stripVTControlCharacters(text).replaceAll("\r", ""));
}
