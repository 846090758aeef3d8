import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteWriter } from "../../escpos/byte-writer.ts";
import { codePageOf } from "../../escpos/code-page.ts";
import type { Command, CommandOfKind } from "../../escpos/command.ts";
import { decode } from "../../escpos/decoder.ts";
import { encoderFor } from "../../escpos/encoder.ts";
import { receiptFont } from "../../escpos/font.ts";
import type { Profile } from "../../escpos/profile.ts";
import { profileIds, profileOf } from "../../escpos/profiles.ts";
import { rasterCodes } from "../../escpos/raster-codes.ts";
import { repertoireOf } from "../../escpos/repertoire.ts";
import { cleanText, writeText } from "../../escpos/text-encoder.ts";
import { renderText } from "../../escpos/text-render.ts";

const T88 = profileOf("TM-T88V")!;
const T20 = profileOf("TM-T20II")!;
const CHINESE = profileOf("TM-T70II-CH")!;

/** The text of a stream as the printer would read it, by a reading independent of the encoder's. */
function readText(bytes: Uint8Array, profile: Profile): string {
  let page: string | undefined;
  let kanji = false;
  let text = "";
  for (const command of decode(bytes)) {
    if (command.kind === "code-page") page = profile.codePages[command.page];
    else if (command.kind === "kanji-on") kanji = true;
    else if (command.kind === "kanji-off") kanji = false;
    else if (command.kind === "line-feed") text += "\n";
    else if (command.kind === "text") {
      if (kanji) text += new TextDecoder(profile.cjk!).decode(command.bytes);
      else
        for (const byte of command.bytes)
          text +=
            byte < 0x80
              ? String.fromCharCode(byte)
              : String.fromCodePoint(codePageOf(page!)!.upper[byte - 0x80]!);
    }
  }
  return text;
}

const of = <K extends Command["kind"]>(bytes: Uint8Array, kind: K) =>
  decode(bytes).filter((command): command is CommandOfKind<K> => command.kind === kind);

describe("text", () => {
  test("euro, box drawing, Greek and Cyrillic in one line", () => {
    const text = "│ 12,50 € │ Žluťoučký αβγ Привет │";
    expect(readText(encoderFor(T88).initialise().text(text).bytes(), T88)).toBe(text);
  });

  test("one page is kept as long as it serves: no switch inside a word it holds", () => {
    const bytes = encoderFor(T88).initialise().text("żółć łąka ćma").bytes();
    expect(of(bytes, "code-page").length).toBe(2);
    expect(of(encoderFor(T88).initialise().text("plain").bytes(), "code-page").length).toBe(1);
  });

  test("Chinese by the printer's own set", () => {
    const bytes = encoderFor(CHINESE).initialise().text("茶 tea 咖啡").bytes();
    expect(readText(bytes, CHINESE)).toBe("茶 tea 咖啡");
  });

  test("Japanese, Korean and traditional Chinese too, and they read back as printed", () => {
    for (const [cjk, text] of [
      ["shift_jis", "日本 tea カナ Łódź"],
      ["euc-kr", "한국어 tea"],
      ["big5", "繁體 tea"],
    ] as const) {
      const profile = { ...T88, cjk } as Profile;
      expect(renderText(encoderFor(profile).initialise().line(text).bytes(), profile)).toBe(`${text}\n`);
    }
  });

  test("what no page holds is drawn in place, or replaced", () => {
    const drawn = encoderFor(T88, { glyphs: receiptFont }).initialise().text("a→b").bytes();
    expect(of(drawn, "column-image")).toMatchObject([{ mode: 33, columns: 12 }]);
    expect(readText(encoderFor(T88).initialise().text("a→b ﬁ 茶").bytes(), T88)).toBe("a?b fi ??");
  });

  test("enlarged, it goes through the character generator so that size applies", () => {
    const bytes = encoderFor(T88, { glyphs: receiptFont }).initialise().size(2).text("→").bytes();
    expect(of(bytes, "user-characters-define")).toHaveLength(1);
    expect(of(bytes, "user-characters-on").map(({ on }) => on)).toEqual([1, 0]);
  });

  test("of all of Unicode, in every profile, no byte below 0x20 comes from text", () => {
    const all: string[] = [];
    for (let from = 0; from < 0x110000; from += 0x4000) {
      let text = "";
      for (let code = from; code < from + 0x4000; code += 1) {
        if (
          code !== 0x0a &&
          (code < 0xd800 || code > 0xdfff) &&
          (code < 0x30000 || code > 0xe0000 || code % 97 === 0)
        ) {
          text += String.fromCodePoint(code);
        }
      }
      all.push(text);
    }
    // Profiles with the same code pages write the same text.
    const byPages = profileIds().map(
      (id) => [JSON.stringify(profileOf(id)!.codePages), profileOf(id)!] as const,
    );
    const distinct = [...new Map(byPages).values()];
    const allowed = new Set(["text", "code-page", "line-feed", "kanji-on", "kanji-off"]);
    for (const [profile, texts] of [
      [profileOf("default")!, all],
      [CHINESE, all.slice(0, 4)],
      ...distinct.map((profile) => [profile, all.slice(0, 1)] as const),
    ] as const) {
      for (const text of texts) {
        const bytes = encoderFor(profile).text(text).bytes();
        for (const command of decode(bytes)) {
          if (!allowed.has(command.kind))
            throw new Error(`${profile.name}: ${command.kind} at ${command.start}`);
        }
      }
    }
  });

  test("each of its two guards holds alone", () => {
    const setting = {
      repertoire: repertoireOf(T88),
      glyphs: null,
      cell: { width: 12, height: 24 },
      enlarged: false,
    };
    const out = new ByteWriter();
    writeText("a\x00\x1b@\x7fb", 0, setting, out);
    expect(out.take()).toEqual(new TextEncoder().encode("a@b"));
    expect(cleanText("a\x00\x1b@\x7f\x9b\u200eb\tc\u00a0d")).toBe("a@b c d");
  });

  test("known offenders: arrows, card suits, the section sign and controls stay characters", () => {
    for (const character of "←↑→↓↔↕▲►▼◄☺☻♥♦♣♠•◘○◙♂♀♪♫☼‼¶§▬↨∟⌂\x00\x05\x10\x1b\x7f\x9b") {
      const bytes = encoderFor(T88).text(character).bytes();
      expect(bytes.every((byte) => byte >= 0x20 || bytes[0] === 0x1b)).toBe(true);
      expect(decode(bytes).every(({ kind }) => kind === "text" || kind === "code-page")).toBe(true);
    }
  });

  test("any text of the repertoire reads back", () => {
    const characters = [
      ...new Set(Object.values(T88.codePages).flatMap((name) => [...(codePageOf(name)?.bytes.keys() ?? [])])),
    ]
      .map((code) => String.fromCodePoint(code))
      .filter((c) => c.normalize("NFC") === c && /[\p{L}\p{N}\p{S}]/u.test(c));
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...characters, "a", "b"), { maxLength: 40 }), (list) => {
        const text = list.join("").normalize("NFC");
        expect(readText(encoderFor(T88).text(text).bytes(), T88).replaceAll("\n", "")).toBe(text);
      }),
      { numRuns: 50 },
    );
  });
});

describe("lines", () => {
  test("words wrap at the printer's width, by the font and size", () => {
    const text = "The quick brown fox jumps over the lazy dog and runs away";
    const lines = (bytes: Uint8Array) => readText(bytes, T88).split("\n");
    expect(lines(encoderFor(T88).line(text).bytes())[0]).toBe("The quick brown fox jumps over the lazy");
    expect(lines(encoderFor(T88).size(2, 1).line(text).bytes())[0]).toBe("The quick brown fox");
    expect(lines(encoderFor(T88).font(1).line(text).bytes())[0]).toHaveLength(52);
  });

  test("text continues where the line stands", () => {
    const bytes = encoderFor(T88).text("x".repeat(40)).line(" word").bytes();
    expect(readText(bytes, T88)).toBe(`${"x".repeat(40)}\n word\n`);
  });

  test("wide characters take two cells", () => {
    const bytes = encoderFor(CHINESE).line("茶".repeat(30)).bytes();
    expect(
      readText(bytes, CHINESE)
        .split("\n")
        .map((line) => line.length),
    ).toEqual([24, 6, 0]);
  });

  test("tables align and wrap", () => {
    const bytes = encoderFor(T88)
      .table(
        [{}, { width: 4, align: "right" }, { width: 8, align: "right" }],
        [
          ["Tea, Darjeeling first flush, from a small garden", "2", "12,50"],
          ["Mug", "1", "7,00"],
        ],
      )
      .bytes();
    expect(readText(bytes, T88).split("\n")).toEqual([
      "Tea, Darjeeling first flush,    2    12,50",
      "from a small garden",
      "Mug                             1     7,00",
      "",
    ]);
    expect(() => encoderFor(T88).table([{ width: 40 }, { width: 20 }], [])).toThrow(/narrower/);
  });
});

describe("a printer's limits", () => {
  test("codes the printer has are its own, others are drawn", () => {
    expect(of(encoderFor(T20).qr("x").bytes(), "symbol-print")).toHaveLength(1);
    const plain = { ...T20, features: ["bitImageRaster"] } as Profile;
    const drawn = encoderFor(plain, { codes: rasterCodes }).qr("x", { module: 3 }).bytes();
    expect(of(drawn, "raster-image")[0]).toMatchObject({ rows: 29 * 3, bytesPerRow: 11 });
    expect(
      of(
        encoderFor(plain, { codes: rasterCodes }).barcode("ean-13", "400638133393").bytes(),
        "raster-image",
      )[0]?.bytesPerRow,
    ).toBe(24);
    expect(() => encoderFor(plain).qr("x")).toThrow(/QR/);
    expect(() => encoderFor(plain, { codes: rasterCodes }).barcode("databar-omni", "0123456789012")).toThrow(
      /databar/,
    );
    expect(() => encoderFor(plain).symbol("pdf417", "x")).toThrow(/PDF417/);
    expect(() => encoderFor(plain).pulse()).toThrow(/drawer/);
  });

  test("form A for printers without form B", () => {
    const old = { ...T20, features: ["barcodeA"] } as Profile;
    expect(of(encoderFor(old).barcode("ean-8", "1234567").bytes(), "barcode")[0]).toMatchObject({
      system: 3,
    });
  });

  test("no width is assumed", () => {
    const picture = { width: 8, height: 8, data: new Uint8Array(64) };
    expect(() => encoderFor(profileOf("default")!).image(picture)).toThrow(/give widthDots/);
    expect(() =>
      encoderFor(T20).image({ width: 600, height: 1, data: new Uint8Array(600) }, { width: 600 }),
    ).toThrow(/576/);
  });

  test("steps leave their beginning as it was", () => {
    const head = encoderFor(T20).initialise().line("head");
    const [a, b] = [head.line("a"), head.bold().line("b")];
    expect(readText(a.bytes(), T20)).toBe("head\na\n");
    expect(readText(b.bytes(), T20)).toBe("head\nb\n");
    expect(readText(head.bytes(), T20)).toBe("head\n");
  });

  test("a step that fails leaves nothing behind", () => {
    const glyphs = {
      glyph(): never {
        throw new Error("no such font");
      },
    };
    expect(() => encoderFor(T20, { glyphs }).line("begun →")).toThrow("no such font");
    expect(encoderFor(T20).line("clean").bytes()).toEqual(new TextEncoder().encode("clean\n"));
  });

  test("every method decodes as known commands, in every profile", () => {
    for (const id of profileIds()) {
      const profile = profileOf(id)!;
      let encoder = encoderFor(profile, { widthDots: profile.widthDots ?? 384 })
        .initialise()
        .bold()
        .underline(2)
        .invert();
      encoder = encoder
        .upsideDown(false)
        .align("right")
        .size(2, 3)
        .line("x")
        .size(1)
        .feed(2)
        .rule()
        .cut("full")
        .cut();
      for (const step of [
        () => encoder.pulse(5),
        () => encoder.qr("q"),
        () => encoder.symbol("aztec", "z"),
      ]) {
        try {
          encoder = step();
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
        }
      }
      const bad = decode(encoder.bytes()).filter(({ kind }) =>
        ["unknown", "ignored", "truncated", "function"].includes(kind),
      );
      expect(bad).toEqual([]);
    }
  });
});
