import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LANGUAGES, SNIFF_BYTES, sniffLanguage, understands } from "../../agent/language.ts";

const latin1 = (text: string): Uint8Array => Buffer.from(text, "latin1");
const UEL = "\x1b%-12345X";

describe("documents of other programs", () => {
  it.each([
    ["doc10.pdf", "pdf", false],
    ["receipt80.pdf", "pdf", false],
    ["cups-rastertohp-laserjet.pcl", "pcl", false],
    ["text-noff-130lines.pcl", "pcl", false],
    ["raster-embedded-ff-uel.pcl", "pcl", false],
    ["exact-mode0.pcl", "pcl", true],
    ["gs-pxlmono-text.pxl", "pclxl", true],
    ["pjl-wrapped-pdf.prn", "pdf", true],
  ] as const)("%s", (name, language, isWrapped) => {
    const head = readFileSync(new URL(`../vectors/language/${name}.head`, import.meta.url));
    expect(sniffLanguage(head)).toEqual({ language, isWrapped });
  });

  const escpos = new URL("../vectors/escpos/", import.meta.url);
  const streams = readdirSync(escpos, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".bin"));
  it.each(streams)("ESC/POS: %s", (name) => {
    const { language } = sniffLanguage(readFileSync(new URL(name, escpos)));
    expect(language).toBe("escpos");
  });
});

describe("by hand", () => {
  it.each([
    ["%!PS-Adobe-3.0\n", "ps", false],
    ["\x04%!PS-Adobe-3.0\n", "ps", false],
    ["\xef\xbb\xbf%PDF-1.7", "pdf", false],
    ["\r\n %PDF-1.7", "pdf", false],
    [`${UEL}%PDF-1.7`, "pdf", true],
    [`${UEL}@PJL SET COPIES=2\r\n%!PS`, "ps", true],
    [`${UEL}@PJL\r\n${UEL}@PJL JOB\r\n@PJL enter language = postscript \r\n`, "ps", true],
    [`${UEL}@PJL ENTER LANGUAGE=ZJS\r\nJZJZ`, "unknown", true],
    [`${UEL}@PJL ENTER LANGUAGE=CONSTRUCTOR\r\n`, "unknown", true],
    [`${UEL}@PJL COMMENT ${"x".repeat(SNIFF_BYTES)}\r\n%PDF-1.7`, "unknown", true],
    ["@PJL JOB\n\x1bE\x1b&l0O", "pcl", true],
    [") HP-PCL XL;2;0;", "pclxl", false],
    ["RaS2PwgRaster\0", "pwg", false],
    ["UNIRAST\0\0\0\0\x01", "urf", false],
    ["\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "png", false],
    ["\xff\xd8\xff\xe0", "jpeg", false],
    ["GIF89a", "gif", false],
    ["II*\0", "tiff", false],
    ["Dear all,\r\n\tplain text, \xfcber and out.\x0c", "text", false],
    ["total\n\x1bE\x01bold", "escpos", false],
    ["\x1bEtext after a reset", "pcl", false],
    ["\x1b(8U\x1b(s0p10h", "pcl", false],
    ["\x1b%0BIN;SP1", "pcl", false],
    ["\x1b*\x21\x01\0data", "escpos", false],
    ["\x1d!\x11BIG", "escpos", false],
    ["\x10\x04\x01", "escpos", false],
    ["\x1b[31mred", "unknown", false],
    ["a\0b\0", "unknown", false],
    ["PK\x03\x04", "unknown", false],
    ["\x7fELF", "unknown", false],
    ["", "unknown", false],
    ["\0\0\n", "unknown", false],
  ] as const)("%j is %s", (text, language, isWrapped) => {
    expect(sniffLanguage(latin1(text))).toEqual({ language, isWrapped });
  });
});

describe("properties", () => {
  it("names every input, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6000 }), (bytes) => {
        expect(LANGUAGES).toContain(sniffLanguage(bytes).language);
      }),
    );
  });

  it("looks at the first bytes alone", () => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom(UEL, "@PJL ", "@PJL ENTER LANGUAGE=PDF\n", "%PDF-", "\x1bE", " \n")
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 300 }), fc.uint8Array(), (head, rest) => {
        const long = Buffer.concat([...head, Buffer.alloc(SNIFF_BYTES, "x")]).subarray(0, SNIFF_BYTES);
        expect(sniffLanguage(Buffer.concat([long, rest]))).toEqual(sniffLanguage(long));
      }),
    );
  });

  it("sees the same document inside PJL as outside", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 100 }), (text) => {
        const inside = latin1(`.${text}`);
        const wrapped = Buffer.concat([latin1(`${UEL}@PJL JOB NAME="x"\r\n`), inside]);
        expect(sniffLanguage(wrapped)).toEqual({ ...sniffLanguage(inside), isWrapped: true });
      }),
    );
  });

  it("takes printable characters for text", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zA-Z][\x20-\x7e\t\r\n]*$/), (text) => {
        fc.pre(!/^(?:GIF8|RaS2|UNIRAST)/.test(text));
        expect(sniffLanguage(latin1(text))).toEqual({ language: "text", isWrapped: false });
      }),
    );
  });
});

it("wants the wrapping understood as well as what is wrapped", () => {
  const wrapped = { language: "text", isWrapped: true } as const;
  expect(understands(["text"], wrapped)).toBe(false);
  expect(understands(["text", "pjl"], wrapped)).toBe(true);
  expect(understands(["pjl"], wrapped)).toBe(false);
  expect(understands(["text"], { ...wrapped, isWrapped: false })).toBe(true);
});
