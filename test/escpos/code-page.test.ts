import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { widthOfCodePoint, widthOfText } from "../../escpos/character-width.ts";
import { cjkTableOf, decodeCjk } from "../../escpos/cjk.ts";
import { codePageNames, codePageOf, decodeCodePage } from "../../escpos/code-page.ts";
import { receiptFont } from "../../escpos/font.ts";

const url = new URL("../vectors/escpos/python-code-pages.json", import.meta.url);
const python = JSON.parse(readFileSync(url, "utf8")) as { pages: Record<string, string> };

describe("code pages agree with Python's codecs", () => {
  test.each(Object.entries(python.pages))("%s", (name, upper) => {
    const differences = Array.from(upper, (character, index) => {
      const theirs = /\p{Cc}/u.test(character) ? 0xfffd : character.codePointAt(0)!;
      const ours = codePageOf(name)!.upper[index]!;
      return ours === theirs
        ? null
        : `${(0x80 + index).toString(16)}: ${ours.toString(16)} ${theirs.toString(16)}`;
    }).filter((difference) => difference !== null);
    // U+05BA came to Windows-1255 later than Python's table was made.
    expect(differences).toEqual(name === "CP1255" ? ["ca: 5ba fffd"] : []);
  });
});

test("every code page is 128 characters or gaps, and none of them is a control", () => {
  for (const name of codePageNames()) {
    const { upper } = codePageOf(name)!;
    expect(upper.length, name).toBe(128);
    expect(
      upper.every((codePoint) => codePoint >= 0x21),
      name,
    ).toBe(true);
  }
});

test("the font has every character of every code page", () => {
  const missing = new Set<string>();
  for (const name of codePageNames()) {
    for (const codePoint of codePageOf(name)!.bytes.keys()) {
      const glyph = receiptFont.glyph(codePoint, { width: 12, height: 24 });
      if (glyph === null) missing.add(codePoint.toString(16));
    }
  }
  expect([...missing]).toEqual([]);
});

test("bytes to text", () => {
  expect(decodeCodePage(Uint8Array.of(0x41, 0xd5, 0x80), codePageOf("CP858"))).toBe("A€Ç");
  expect(codePageOf("no such page")).toBeNull();
});

test("CJK both ways", () => {
  for (const [charset, text] of [
    ["shift_jis", "日本語カナ"],
    ["gb18030", "中文字符"],
    ["big5", "繁體中文"],
    ["euc-kr", "한국어"],
  ] as const) {
    const bytes = [...text].flatMap((c) => {
      const pair = cjkTableOf(charset).bytes.get(c.codePointAt(0)!)!;
      return [pair >> 8, pair & 0xff];
    });
    expect(decodeCjk(Uint8Array.from(bytes), charset)).toBe(text);
  }
});

test("widths: wide, narrow, combining, invisible", () => {
  expect(widthOfText("a茶ｶ한é🍵")).toBe(1 + 2 + 1 + 2 + 1 + 2);
  expect([0x301, 0x200b, 0xad, 0x1b, 0x7f].map(widthOfCodePoint)).toEqual([0, 0, 0, 0, 0]);
});
