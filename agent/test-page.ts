/** A page that shows whether a printer prints, in its own language. Pure: bytes in the end, no device. */
import { encoderFor, profileOf as receiptProfile } from "../escpos/index.ts";
import type { Profile } from "./profile.ts";

export const PAGE_LANGUAGES = ["escpos", "pcl", "ps", "text"] as const;
export type PageLanguage = (typeof PAGE_LANGUAGES)[number];

export interface PageWords {
  readonly title: string;
  /** Printed one under the other: address, profile, date. */
  readonly facts: readonly string[];
}

/** What a printer with that profile is sent; null where it names no language a page can be written in. */
export function choosePageLanguage({
  name,
  languages,
}: Pick<Profile, "name" | "languages">): PageLanguage | null {
  // `raw` takes anything, which says nothing of what it understands: text is what most printers do something with.
  if (name === "raw") return "text";
  return PAGE_LANGUAGES.find((language) => languages.includes(language)) ?? null;
}

export function writeTestPage(language: PageLanguage, { title, facts }: PageWords): Uint8Array {
  const words = { title: plain(title), facts: facts.map(plain) };
  switch (language) {
    case "escpos":
      return writeReceipt(words);
    case "pcl":
      return Buffer.from(writePcl(words), "latin1");
    case "ps":
      return Buffer.from(writePostScript(words), "latin1");
    case "text":
      return Buffer.from(writeText(words), "latin1");
  }
}

const ENDING = "If this line is whole and the page came out by itself, all is well.";
const RULER = "1234567890".repeat(8);
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz 0123456789 !\"#$%&'()*+,-./:;<=>?@";

/** Feed and cut are the profile's. The ruler shows how many columns the paper has: where it breaks, it ends. */
function writeReceipt({ title, facts }: PageWords): Uint8Array {
  const profile = receiptProfile("default");
  if (profile === null) throw new TypeError("escpos has no default profile");
  let page = encoderFor(profile).initialise().align("center").bold().size(2).line(title).size(1).bold(false);
  page = page.align("left").feed(1);
  for (const fact of facts) page = page.line(fact);
  page = page.feed(1).line(RULER.slice(0, 48)).line(LETTERS.slice(0, 26)).feed(1);
  page = page.bold().text("bold ").bold(false).underline().text("underlined").underline(0).text(" ");
  page = page.invert().text(" inverted ").invert(false).line().feed(1);
  return page.line("If this is whole and the paper").line("is cut, all is well.").feed(1).bytes();
}

/** PCL 5: Courier at 10 to the inch, a frame of rules at the edges of what can be printed. */
function writePcl({ title, facts }: PageWords): string {
  const at = (x: number, y: number): string => `\x1b*p${x}x${y}Y`;
  const rule = (x: number, y: number, wide: number, high: number): string =>
    `${at(x, y)}\x1b*c${wide}a${high}b0P`;
  const lines = [...facts, "", RULER.slice(0, 70), LETTERS.slice(0, 70), "", ENDING];
  return [
    "\x1bE\x1b&l1x0o0E\x1b*t300R",
    rule(0, 0, 2300, 6),
    rule(0, 3000, 2300, 6),
    rule(0, 0, 6, 3000),
    rule(2294, 0, 6, 3006),
    ...Array.from(
      { length: 10 },
      (_, step) => `${at(150 + step * 200, 1900)}\x1b*c200a150b${10 * (step + 1)}g2P`,
    ),
    "\x1b(8U\x1b(s0p10h12v0s3b3T",
    `${at(150, 250)}${title}`,
    "\x1b(s0B",
    ...lines.map((line, index) => `${at(150, 400 + index * 70)}${line}`),
    "\x0c\x1bE",
  ].join("");
}

function writePostScript({ title, facts }: PageWords): string {
  const show = (text: string, y: number, size: number): string =>
    `/Courier${size > 12 ? "-Bold" : ""} findfont ${size} scalefont setfont 54 ${y} moveto (${escapePostScript(text)}) show`;
  const lines = [...facts, "", RULER.slice(0, 70), LETTERS.slice(0, 70), "", ENDING];
  return [
    "%!PS-Adobe-3.0",
    "%%Pages: 1",
    "%%EndComments",
    "%%Page: 1 1",
    "clippath pathbbox /t exch def /r exch def /b exch def /l exch def",
    "1 setlinewidth l 6 add b 6 add r l sub 12 sub t b sub 12 sub rectstroke",
    "0 1 9 { dup 10 div setgray 48 mul 54 add 300 48 36 rectfill } for 0 setgray",
    show(title, 700, 18),
    ...lines.map((line, index) => show(line, 670 - index * 16, 11)),
    "showpage",
    "%%EOF",
    "",
  ].join("\n");
}

/** 72 columns, which the narrowest office printer has. Receipt printers break them, and show it. */
function writeText({ title, facts }: PageWords): string {
  const lines = [
    title,
    "=".repeat(title.length),
    ...facts,
    "",
    RULER.slice(0, 72),
    LETTERS.slice(0, 72),
    "",
    ENDING,
  ];
  return `${lines.join("\r\n")}\r\n`;
}

/** A command hidden in a name must not reach the printer: printable ASCII alone. */
function plain(text: string): string {
  return text
    .normalize("NFKD")
    .replaceAll(/[^\x20-\x7e]/g, "")
    .slice(0, 70);
}

function escapePostScript(text: string): string {
  return text.replaceAll(/[()\\]/g, "\\$&");
}
