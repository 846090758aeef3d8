import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { breakRealTime } from "../../escpos/image-bands.ts";
import * as escpos from "../../escpos/index.ts";
import { bytesOf, DLE } from "./vectors.ts";

describe("the library as others import it", () => {
  test("a test page for every profile is understood and fits its paper", () => {
    for (const id of escpos.profileIds()) {
      const profile = escpos.profileOf(id)!;
      const bytes = escpos.testPage(profile, "Test").bytes();
      const bad = escpos
        .decode(bytes)
        .filter(({ kind }) => ["unknown", "ignored", "truncated", "function"].includes(kind));
      expect(bad, id).toEqual([]);
      expect(escpos.renderText(bytes, profile), id).toMatch(/The ruler\s+fills its\s+line/);
    }
  });

  test("the README's code makes the README's picture", async () => {
    const folder = new URL("../../escpos/", import.meta.url);
    const [, code = ""] =
      /```ts\n([\s\S]*?)```/.exec(readFileSync(new URL("README.md", folder), "utf8")) ?? [];
    const stdin = {
      contents: `${code}\nexport { bytes };`,
      resolveDir: folder.pathname,
      loader: "ts",
    } as const;
    const { build } = await import("esbuild");
    const external = ["bwip-js/node", "node:*"];
    const built = await build({
      stdin,
      bundle: true,
      write: false,
      format: "esm",
      platform: "node",
      external,
    });
    const source = built.outputFiles[0]!.text.replace(/^import .*bwip-js.*$/gm, "const bwip = null;");
    const { bytes } = (await import(`data:text/javascript,${encodeURIComponent(source)}`)) as {
      bytes: Uint8Array;
    };
    const { bitmap } = escpos.renderImage(bytes, escpos.profileOf("TM-T20II")!);
    const picture = readFileSync(new URL("receipt.png", folder));
    expect(Buffer.compare(escpos.encodePng(bitmap), picture)).toBe(0);
  });

  test("nothing in it needs Node", async () => {
    const { build } = await import("esbuild");
    const result = await build({
      entryPoints: ["escpos/index.ts"],
      bundle: true,
      write: false,
      format: "esm",
      platform: "browser",
      absWorkingDir: new URL("../..", import.meta.url).pathname,
      logLevel: "silent",
    });
    expect(result.errors).toEqual([]);
    expect(result.outputFiles[0]!.text).not.toMatch(/\bfrom "node:|\brequire\(|\bprocess\.|\bBuffer\./);
  });

  test("a font in Unifont's format serves what the bundled one lacks", () => {
    const hex = escpos.openHexFont(`8336:${"FF".repeat(32)}\n0041:${"00".repeat(16)}\nbad\n`);
    const glyphs = escpos.chainGlyphs(escpos.receiptFont, hex);
    const cell = { width: 12, height: 24 };
    expect(escpos.receiptFont.glyph(0x8336, cell)).toBeNull();
    expect(glyphs.glyph(0x8336, cell)).toMatchObject({ width: 24, height: 24 });
    expect(glyphs.glyph(0x41, cell)!.data.some((byte) => byte !== 0)).toBe(true);
    const bytes = escpos.encoderFor(escpos.profileOf("TM-T88V")!, { glyphs }).line("茶").bytes();
    expect(escpos.decode(bytes)).toMatchObject([
      { kind: "column-image", columns: 24 },
      { kind: "line-feed" },
    ]);
  });
});

describe("real-time sequences in images", () => {
  test("are broken by one dot each, and only there", () => {
    const data = bytesOf(0, DLE, 4, 1, DLE, DLE, 4, 2, DLE, 4, 99, DLE, 5, 1, DLE, 0x14, 8, DLE);
    expect(escpos.findRealTime(data, 100)?.map(({ at }) => at)).toEqual([101, 105, 111, 114]);
    const broken = data.slice();
    expect(breakRealTime(broken)).toBe(4);
    expect(escpos.findRealTime(broken)).toBeNull();
    expect([...broken].filter((byte, at) => byte !== data[at])).toEqual([0x11, 0x11, 0x11, 0x11]);
    expect(escpos.findRealTime(bytesOf(DLE, 4, 18, DLE, 4, 9))).toEqual([{ at: 0, request: "status" }]);
  });

  test("the encoder avoids them unless told to keep every dot", () => {
    const profile = escpos.profileOf("TM-T20II")!;
    const bitmap = { width: 32, height: 2, stride: 4, data: bytesOf(DLE, 4, 1, 0, 0, 0, DLE, 4) };
    const spots = (avoidRealTime: boolean) =>
      escpos
        .decode(escpos.encoderFor(profile).image(bitmap, { avoidRealTime }).bytes())
        .flatMap((c) => ("realTime" in c ? c.realTime : []));
    expect(spots(true)).toEqual([]);
    expect(spots(false)).toHaveLength(1);
  });
});

describe("bands", () => {
  const picture = { width: 576, height: 2000, data: new Uint8Array(576 * 2000) };
  const rows = (linkBytesPerSecond: number) => {
    const encoder = escpos
      .encoderFor(escpos.profileOf("TM-T20II")!, { linkBytesPerSecond })
      .image(picture, { method: "threshold" });
    return encoder
      .chunks()
      .map((chunk) => escpos.decode(chunk))
      .map(([command]) => (command?.kind === "raster-image" ? command.rows : 0));
  };

  test("small ones where the link outruns the paper, as large as buffers hold where it does not", () => {
    expect(rows(1_000_000).slice(0, 3)).toEqual([64, 64, 64]);
    expect(rows(11_520)).toEqual([680, 680, 640]);
    expect(rows(11_520).reduce((sum, each) => sum + each)).toBe(2000);
  });
});
