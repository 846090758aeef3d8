import { readFileSync, writeFileSync } from "node:fs";
import { decode as decodePng } from "fast-png";
import { describe, expect, test } from "vitest";
import { account } from "../../escpos/account.ts";
import { createBitmap, dotAt, fillRect } from "../../escpos/bitmap.ts";
import { receiptFont } from "../../escpos/font.ts";
import { renderHtml } from "../../escpos/html-render.ts";
import { ImageMemory } from "../../escpos/image-memory.ts";
import { ImageRenderer, renderImage } from "../../escpos/image-render.ts";
import { encodePng } from "../../escpos/png.ts";
import { Press } from "../../escpos/press.ts";
import { profileOf } from "../../escpos/profiles.ts";
import { renderText } from "../../escpos/text-render.ts";
import { bwipSymbols, readmeReceipt, scenes, strays } from "./scenes.ts";
import { bytesOf, ESC, FS, GS, readVector } from "./vectors.ts";

const renderHeight = (bytes: Uint8Array): number => renderImage(bytes, T20, { marks: false }).bitmap.height;
const T20 = profileOf("TM-T20II")!;
const all = scenes();

describe("golden pictures", () => {
  test.each(all.map((scene) => [scene.name, scene] as const))("%s", (name, scene) => {
    const file = new URL(`../vectors/escpos/golden/${name}.png`, import.meta.url);
    const { bitmap, truncated } = renderImage(scene.bytes, scene.profile, { symbols: bwipSymbols });
    expect(truncated).toBe(false);
    expect(strays(scene)).toEqual([]);
    const ours = decodePng(encodePng(bitmap));
    // GOLDEN=write keeps what is drawn now: look at each picture that changes.
    if (process.env.GOLDEN === "write") writeFileSync(file, encodePng(bitmap));
    const golden = decodePng(readFileSync(file));
    expect([ours.width, ours.height, ours.depth]).toEqual([golden.width, golden.height, 1]);
    expect(Buffer.compare(ours.data as Uint8Array, golden.data as Uint8Array)).toBe(0);
  });

  test.each(all.slice(0, 5).map((scene) => [scene.name, scene] as const))(
    "%s, in pieces of 7 bytes",
    (_name, scene) => {
      const renderer = new ImageRenderer(scene.profile);
      for (let at = 0; at < scene.bytes.length; at += 7) renderer.push(scene.bytes.slice(at, at + 7));
      expect(renderer.end()).toEqual(renderImage(scene.bytes, scene.profile));
    },
  );
});

describe("images are exact", () => {
  const wide = { ...profileOf("default")!, widthDots: 576 };
  /** The 384 x 256 dots below the first line of text. */
  const body = (name: string) => {
    const { bitmap } = renderImage(readVector(name), wide, { marks: false });
    return Uint8Array.from({ length: 256 * 384 }, (_, at) =>
      dotAt(bitmap, at % 384, 30 + Math.floor(at / 384)) ? 1 : 0,
    );
  };

  test("one picture sent in three ways prints the same dots", () => {
    const raster = body("python-escpos-image-bitImageRaster");
    expect(raster.reduce((sum, dot) => sum + dot)).toBeGreaterThan(10_000);
    expect(Buffer.compare(body("python-escpos-image-graphics"), raster)).toBe(0);
    expect(Buffer.compare(body("python-escpos-image-bitImageColumn"), raster)).toBe(0);
  });

  test("the dots of GS v 0 are those of its data", () => {
    const { bitmap } = renderImage(bytesOf(GS, "v0", 0, 2, 0, 2, 0, 0xa5, 0x01, 0x80, 0xff), T20, {
      marks: false,
    });
    expect([...bitmap.data.subarray(0, 3)]).toEqual([0xa5, 0x01, 0]);
    expect([...bitmap.data.subarray(72, 75)]).toEqual([0x80, 0xff, 0]);
  });
});

describe("bounds", () => {
  test("paper ends at the limit and says so", () => {
    const feeds = Uint8Array.from({ length: 3 * 10_000 }, (_, i) => [ESC, 0x4a, 255][i % 3]!);
    const { bitmap, truncated } = renderImage(bytesOf("x", ...feeds, "y", 10), T20, { maxHeightDots: 2000 });
    expect(truncated).toBe(true);
    expect(bitmap.height).toBeLessThanOrEqual(2000);
  });

  test("macros and stored images cannot multiply a few bytes into endless work", () => {
    const image = [FS, "q", 1, 255, 0, 20, 0, ..."U".repeat(255 * 20 * 8)] as (number | string)[];
    const page = [ESC, "L", ...new Array<string>(20_000).fill(`${String.fromCharCode(FS)}p\x01\x00`), 12];
    const macro = [
      GS,
      ":",
      ..."ab\n".repeat(600),
      GS,
      ":",
      ...new Array<string>(2000).fill(`${String.fromCharCode(GS)}^\xff\x00\x00`),
    ];
    expect(renderImage(bytesOf(...image, ...page), T20, { maxHeightDots: 5000 }).truncated).toBe(true);
    expect(renderText(bytesOf(...macro), T20).length).toBeLessThan(100_000);
  });

  test("a press that has drawn its share draws no more", () => {
    const line = (width: number) => {
      const bitmap = createBitmap(width, 10);
      fillRect(bitmap, 0, 0, width, 10);
      const item = {
        kind: "image",
        x: 0,
        width,
        height: 10,
        draw: () => bitmap,
        scaleX: 1,
        scaleY: 1,
      } as const;
      return { top: 0, height: 10, items: [item], upsideDown: false };
    };
    const target = createBitmap(32, 20);
    const press = new Press(receiptFont, 100);
    press.drawLine(target, line(8), 0);
    press.drawLine(target, line(32), 10);
    expect([dotAt(target, 0, 0), dotAt(target, 0, 10), press.exhausted]).toEqual([true, false, true]);
  });

  test("images kept for later are bounded in total", () => {
    const memory = new ImageMemory(64);
    const define = (x: number) =>
      memory.define({ kind: "download-image", x, y: 4, data: new Uint8Array(x * 4 * 8), start: 0, end: 0 });
    expect([define(2), memory.get("download")?.width]).toEqual([true, 16]);
    expect([define(4), memory.get("download")?.width]).toEqual([true, 16]);
  });
});

describe("what a printer keeps", () => {
  const store = (text: string) =>
    [GS, "(k", text.length + 3, 0, 49, 80, 48, text, GS, "(k", 3, 0, 49, 81, 48] as const;

  test("a code's data lasts until the next", () => {
    const again = [GS, "(k", 3, 0, 49, 81, 48] as const;
    const read = renderText(bytesOf(...store("one"), ...again, ...store("two")), T20);
    expect(read.match(/QR code: \w+/g)).toEqual(["QR code: one", "QR code: one", "QR code: two"]);
  });

  test("a setting after a print holds for the next", () => {
    const size = (module: number) => [GS, "(k", 3, 0, 49, 67, module, GS, "(k", 3, 0, 49, 81, 48] as const;
    const read = renderHeight(bytesOf(...store("x"), ...size(5), ...size(8)));
    expect(read).toBe(21 * (3 + 5 + 8));
  });

  test("Star's size is height first", () => {
    const star = { ...T20, dialect: "star" } as const;
    const { bitmap } = renderImage(bytesOf(ESC, "i", 1, 0, "x", 10), star, { marks: false });
    expect(bitmap.height).toBe(48);
    expect(account(bytesOf(ESC, "i", 0, 1, "x".repeat(30), 10), star).lines).toBe(2);
  });
});

describe("text", () => {
  test("what a person reads, in order", () => {
    expect(
      renderText(readmeReceipt(), T20)
        .split("\n")
        .map((line) => line.trimEnd()),
    ).toEqual([
      "       Café Zürich",
      "               Łódź · Αθήνα · Київ",
      "─".repeat(48),
      "2 × Espresso                              5,00 €",
      "1 × Apfelstrudel, warm, with vanilla      6,80 €",
      "sauce and a little cinnamon on top",
      "─".repeat(48),
      "Total [character] card                             11,80 €",
      "",
      "              [image 240 x 48]",
      "",
      "                   [QR code: https://example.com/r/48213907]",
      "",
      "                [EAN-13: 4006381333931]",
      "[partial cut]",
      "",
    ]);
  });

  test("JIS pairs after FS &, UTF-8 after FS ( C, national sets after ESC R", () => {
    const japanese = { ...T20, cjk: "shift_jis" } as const;
    const bytes = bytesOf(
      FS,
      "&",
      0x46,
      0x7c,
      0x4b,
      0x5c,
      FS,
      ".",
      10,
      FS,
      "(C",
      2,
      0,
      48,
      2,
      0xe2,
      0x82,
      0xac,
      10,
    );
    expect(renderText(bytes, japanese)).toBe("日本\n€\n");
    expect(renderText(bytesOf(ESC, "R", 2, "[]", 10), T20)).toBe("ÄÜ\n");
  });

  test("page mode is read from top to bottom", () => {
    const page = all.find(({ name }) => name === "page-mode")!;
    expect(renderText(page.bytes, T20)).toContain("left to right\nbottom to top\nsecond line\n");
  });
});

describe("HTML", () => {
  const html = renderHtml(readmeReceipt(), T20, "Receipt <1>");

  test("text stays text, figures have names, the whole has a label", () => {
    expect(html).toMatch(/^<section class="escpos" role="document" aria-label="Receipt &#60;1&#62;">/);
    expect(html).toContain(
      '<p class="c"><span style="font-size:200%"><strong>Café Zürich</strong></span></p>',
    );
    expect(html).toContain('aria-label="EAN-13: 4006381333931"');
    expect(html).toContain('aria-label="partial cut"');
    for (const role of html.matchAll(/<[^>]+role="img"[^>]*>/g))
      expect(role[0]).toMatch(/aria-label="[^"]+"/);
  });

  test("nothing of a stream becomes markup", () => {
    const evil = `"><script>alert('&')</script><img src=x onerror=y>`;
    const bytes = bytesOf(
      evil,
      10,
      GS,
      "k",
      73,
      evil.length + 2,
      "{B",
      evil,
      GS,
      "(k",
      evil.length + 3,
      0,
      49,
      80,
      48,
      evil,
      GS,
      "(k",
      3,
      0,
      49,
      81,
      48,
    );
    const marked = renderHtml(bytes, T20, evil);
    expect(marked).not.toMatch(/<script|<img/);
    expect(marked.match(/&#60;script&#62;/g)?.length).toBeGreaterThanOrEqual(4);
  });

  test("tags are balanced", () => {
    for (const { bytes, profile } of all) {
      const open: string[] = [];
      for (const [, close, tag] of renderHtml(bytes, profile).matchAll(/<(\/?)([a-z]+)[^>]*>/g)) {
        if (tag === "hr") continue;
        if (close === "/") expect(open.pop()).toBe(tag);
        else open.push(tag!);
      }
      expect(open).toEqual([]);
    }
  });
});
