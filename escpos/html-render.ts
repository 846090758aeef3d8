import { decode } from "./decoder.ts";
import type { Item, Line, PageItem, PaperSink, TextItem } from "./paper.ts";
import { Printer } from "./printer.ts";
import { drawingWidth } from "./printer-state.ts";
import type { Profile } from "./profile.ts";

/**
 * A stream as an accessible HTML fragment: text stays text (read in order, resized, searched), images, codes, cuts and
 * drawer pulses have names. Everything from the stream is escaped; there are no scripts and no outside resources.
 *
 * @param label what the receipt is called for screen readers
 */
export function renderHtml(bytes: Uint8Array, profile: Profile, label = "Receipt"): string {
  const width = drawingWidth(profile);
  const parts: string[] = [];
  const sink: PaperSink = {
    line: (line) => writeLine(line, width, parts),
    cut: (_y, kind) => parts.push(`<hr class="escpos-cut" aria-label="${kind} cut">`),
    pulse: (_y, pin) => parts.push(`<p class="escpos-note">Drawer ${pin === 2 ? 1 : 2} opens</p>`),
    request: () => undefined,
  };
  const printer = new Printer(profile, sink);
  for (const command of decode(bytes, { dialect: profile.dialect })) printer.execute(command);
  printer.finish();
  return `<section class="escpos" role="document" aria-label="${escapeHtml(label)}"><style>${STYLE}</style>\n${parts.join("\n")}\n</section>`;
}

const STYLE =
  ".escpos{font-family:monospace;background:#fff;color:#111;max-width:max-content;padding:1em;line-height:1.25}" +
  ".escpos p{margin:0;white-space:pre-wrap;min-height:1.25em}.escpos .c{text-align:center}.escpos .r{text-align:right}" +
  ".escpos .i{background:#111;color:#fff}.escpos hr{border:0;border-top:2px dashed #767676}" +
  ".escpos .escpos-note{color:#595959;font-style:italic}.escpos figure{margin:.25em 0}";

function escapeHtml(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/[\0-\x08\x0b-\x1f\x7f]/g, "\ufffd");
}

function writeLine(line: Line, width: number, parts: string[]): void {
  const [first] = line.items;
  if (first?.kind === "page") {
    writePage(first, parts);
    return;
  }
  const figure = line.items.length === 1 && first !== undefined && first.kind !== "text" ? first : null;
  const left = first?.x ?? 0;
  const right = width - line.items.reduce((most, item) => Math.max(most, item.x + item.width), 0);
  const where = left < 12 ? "" : Math.abs(left - right) < 24 ? ' class="c"' : right < 12 ? ' class="r"' : "";
  if (figure !== null) parts.push(`<figure${where}>${markItem(figure)}</figure>`);
  else parts.push(`<p${where}>${markItems(line.items)}</p>`);
}

function writePage(page: PageItem, parts: string[]): void {
  const lines = page.areas.flatMap((area) => area.lines.map((line) => ({ line, top: area.y + line.top })));
  for (const { line } of lines.sort((a, b) => a.top - b.top)) writeLine(line, page.width, parts);
}

function markItems(items: readonly Item[]): string {
  let html = "";
  let x = items[0]?.x ?? 0;
  for (const item of [...items].sort((a, b) => a.x - b.x)) {
    const blank = item.kind === "text" ? item.cell.width : 12;
    const gap = Math.round((item.x - x) / blank);
    if (gap > 0) html += " ".repeat(Math.min(gap, 200));
    html += markItem(item);
    x = item.x + item.width;
  }
  return html;
}

function markItem(item: Item): string {
  switch (item.kind) {
    case "text":
      return markText(item);
    case "image":
      return `<span role="img" aria-label="Image, ${item.width} by ${item.height} dots">[image]</span>`;
    case "code":
      return `<span role="img" aria-label="${escapeHtml(item.symbology)}: ${escapeHtml(item.text)}">[${escapeHtml(item.symbology)}: ${escapeHtml(item.text)}]</span>`;
    case "page":
      return "";
  }
}

function markText(item: TextItem): string {
  const { style } = item;
  let html =
    item.glyph === null ? escapeHtml(item.text) : '<span role="img" aria-label="drawn character">▯</span>';
  if (style.bold) html = `<strong>${html}</strong>`;
  if (style.underline > 0) html = `<u>${html}</u>`;
  if (style.invert) html = `<span class="i">${html}</span>`;
  const scale = Math.max(style.scaleX, style.scaleY);
  return scale === 1 ? html : `<span style="font-size:${scale * 100}%">${html}</span>`;
}
