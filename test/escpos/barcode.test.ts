import bwip from "bwip-js/node";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BARCODE_SYSTEMS, type BarcodeSystem, barcodeData } from "../../escpos/barcode.ts";
import { barcodeBars } from "../../escpos/barcode-modules.ts";
import { code128Text, code128Values, planCode128 } from "../../escpos/code128.ts";

/** Bars and spaces of bwip-js, an independent implementation in PostScript. */
function bwipWidths(bcid: string, text: string, options: object = {}): string {
  const [symbol] = (bwip as unknown as { raw(o: object): { sbs: number[] }[] }).raw({
    bcid,
    text,
    ...options,
  });
  return symbol!.sbs.join("");
}

const ours = (system: BarcodeSystem, data: string): string | undefined =>
  barcodeBars(BARCODE_SYSTEMS[system], barcodeData(system, data))?.widths;

/** Narrow and wide only, and without the space that bwip-js adds at the end. */
const twoWidths = (widths: string): string =>
  widths.slice(0, widths.length - ((widths.length + 1) % 2)).replace(/[2-9]/g, "2");

const digits = (length: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: length, maxLength: length }).map((d) => d.join(""));
const runs = { numRuns: 40 };

describe("bars agree with bwip-js", () => {
  test.each([
    ["ean-13", "ean13", 12],
    ["ean-8", "ean8", 7],
    ["upc-a", "upca", 11],
  ] as const)("%s", (system, bcid, length) => {
    fc.assert(
      fc.property(digits(length), (text) => {
        expect(ours(system, text)).toBe(bwipWidths(bcid, text));
      }),
      runs,
    );
  });

  test("upc-e, from six digits and from the UPC-A they stand for", () => {
    fc.assert(
      fc.property(digits(6), (six) => {
        const widths = bwipWidths("upce", `0${six}`);
        expect(ours("upc-e", six)).toBe(widths);
        expect(ours("upc-e", `0${six}`)).toBe(widths);
      }),
      runs,
    );
    expect(ours("upc-e", "01210000789")).toBe(bwipWidths("upce", "0127891"));
  });

  test("code39, itf, codabar", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9A-Z $%+\-./]{1,20}$/), (text) => {
        expect(ours("code39", text)).toBe(twoWidths(bwipWidths("code39", text)));
      }),
      runs,
    );
    fc.assert(
      fc.property(fc.stringMatching(/^(\d\d){1,10}$/), (text) => {
        expect(ours("itf", text)).toBe(twoWidths(bwipWidths("interleaved2of5", text)));
      }),
      runs,
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[A-D][0-9$+\-./:]{1,10}[A-D]$/), (text) => {
        expect(ours("codabar", text)).toBe(twoWidths(bwipWidths("rationalizedCodabar", text)));
      }),
      runs,
    );
  });

  test("code93, all of ASCII", () => {
    const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
    const escaped = (text: string) =>
      [...text].map((c) => `^${String(c.charCodeAt(0)).padStart(3, "0")}`).join("");
    for (const c of ascii) {
      const text = `A${c}7`;
      expect(ours("code93", text)).toBe(
        bwipWidths("code93ext", escaped(text), { includecheck: true, parse: true }),
      );
    }
  });

  test("gs1-128", () => {
    const text = "(01)09521234543213(10)AB-12";
    expect(ours("gs1-128", text)).toBe(bwipWidths("gs1-128", text));
  });
});

describe("Code 128", () => {
  /** Reads symbol values as a scanner would. */
  function scan(values: readonly number[]): string {
    let text = "";
    let set = values[0]! - 103;
    let shift: number | null = null;
    for (const value of values.slice(1, -1)) {
      if (shift !== null) {
        text += String.fromCharCode(shift === 0 && value >= 64 ? value - 64 : value + 32);
        shift = null;
      } else if (value === 98 && set !== 2) shift = 1 - set;
      else if (value === 99 && set !== 2) set = 2;
      else if (set === 2 && value < 100) text += String(value).padStart(2, "0");
      else if (value === 100 && set !== 1) set = 1;
      else if (value === 101 && set !== 0) set = 0;
      else text += String.fromCharCode(set === 0 && value >= 64 ? value - 64 : value + 32);
    }
    return text;
  }
  const ascii = fc.string({
    unit: fc.integer({ min: 0, max: 127 }).map((c) => String.fromCharCode(c)),
    minLength: 1,
    maxLength: 40,
  });
  const digitRich = fc.stringMatching(/^[0-9A-Za-z{}\t]{1,30}$/);

  test("any ASCII is planned, and reads back", () => {
    fc.assert(
      fc.property(fc.oneof(ascii, digitRich), (text) => {
        expect(scan(code128Values(planCode128(text))!)).toBe(text);
      }),
    );
  });

  test("never longer than bwip-js makes it", () => {
    fc.assert(
      fc.property(digitRich, (text) => {
        const escaped = [...text].map((c) => `^${String(c.charCodeAt(0)).padStart(3, "0")}`).join("");
        const widths = barcodeBars(73, planCode128(text))!.widths;
        expect(widths.length).toBeLessThanOrEqual(
          bwipWidths("code128", escaped, { parse: true }).length + 12,
        );
      }),
      runs,
    );
    expect(barcodeBars(73, planCode128("1234567890"))!.widths).toBe(bwipWidths("code128", "1234567890"));
    expect(barcodeBars(73, planCode128("Hello"))!.widths).toBe(bwipWidths("code128", "Hello"));
  });

  test("the text under the bars", () => {
    expect(code128Text(planCode128("AB123456{x"))).toBe("AB123456{x");
  });

  test("malformed data draws nothing", () => {
    for (const data of [[], [0x41], [0x7b, 0x43, 120], [0x7b, 0x5a, 1]]) {
      expect(code128Values(Uint8Array.from(data))).toBeNull();
    }
  });
});

test("data a system cannot hold is refused with its name", () => {
  expect(() => barcodeData("ean-13", "12")).toThrow(/ean-13 cannot hold "12"/);
  expect(() => barcodeData("itf", "123")).toThrow(TypeError);
  expect(() => barcodeData("code39", "abc")).toThrow(TypeError);
});
