/** The thief, in short; and the search they use, shown finding every form that is planted. */
import { randomBytes } from "node:crypto";
import * as zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import { part } from "../torture/parts/thief.ts";
import { Random } from "../torture/random.ts";
import { Hunt } from "../torture/thief/hunt.ts";
import { makeNeedles, otpNeedles, sliceNeedles } from "../torture/thief/needles.ts";

const DOCUMENT = randomBytes(5000);
const NAME = 'Kündigung "7f3a" \\ März.pdf';
const OTP = "482139076412";
const KEY = randomBytes(32);
const hunt = new Hunt([
  ...sliceNeedles("document", DOCUMENT),
  ...makeNeedles({ what: "name", value: NAME }),
  ...otpNeedles(OTP),
  ...makeNeedles({ what: "key", value: KEY }),
]);

/** What is found in bytes, among noise on both sides of a length that chance chooses. */
function find(bytes: Uint8Array | string): Set<string> {
  const noise = () => randomBytes(100 + (randomBytes(1)[0] as number));
  // A text stands between quotes, or the noise could lengthen it.
  const planted = typeof bytes === "string" ? `"${bytes}"` : bytes;
  const { traces } = hunt.searchBytes(Buffer.concat([noise(), Buffer.from(planted), noise()]), "planted");
  return new Set(traces.map(({ what }) => what));
}

const swapped = (text: string) => Buffer.from(text, "utf16le").swap16();
const base64 = (before: string, bytes: Uint8Array) =>
  Buffer.concat([Buffer.from(before), bytes, Buffer.from("}!")]).toString("base64");
const PIECE = DOCUMENT.subarray(1000, 1100);
const RECORD = Buffer.from(JSON.stringify({ name: NAME, otp: OTP, key: KEY.toString("hex") }));

describe("the search", () => {
  it.each([
    ["a run of 63 bytes", DOCUMENT.subarray(1217, 1280), "document"],
    ["a name", NAME, "name"],
    ["a name in UTF-16LE", Buffer.from(NAME, "utf16le"), "name"],
    ["a name in UTF-16BE", swapped(NAME), "name"],
    ["a name in JSON", JSON.stringify({ NAME }), "name"],
    ["a name in JSON in JSON", JSON.stringify({ line: JSON.stringify({ NAME }) }), "name"],
    [
      "a name in ASCII JSON",
      JSON.stringify(NAME).replace(/[ü]/g, "\\u00fc").replace(/[ä]/g, "\\u00e4"),
      "name",
    ],
    ["a name in a URL", encodeURIComponent(NAME), "name"],
    ["an OTP", `otp=${OTP};`, "otp"],
    ["an OTP as it is read", OTP.replace(/(.{4})(?=.)/g, "$1 "), "otp"],
    ["an OTP as key codes", Buffer.from([...OTP].map(Number)), "otp"],
    ["an OTP between a row's values", `alice${OTP}held`, "otp"],
    ["a key in hex", KEY.toString("hex"), "key"],
    ["a key in HEX", KEY.toString("hex").toUpperCase(), "key"],
    ["a key as a Buffer in JSON", JSON.stringify(KEY), "key"],
    ["a key taken for Latin-1", Buffer.from(KEY.toString("latin1")), "key"],
    ["a key in base64", base64("", KEY), "key"],
    ["a key in base64, one on", base64("a", KEY), "key"],
    ["a key in base64, two on", base64("ab", KEY), "key"],
    ["a key in base64url", base64("abc", KEY).replaceAll("+", "-").replaceAll("/", "_"), "key"],
    ["base64 that begins amid a run", `xyz/${base64("ab", PIECE)}`, "document"],
    ["gzip", zlib.gzipSync(PIECE), "document"],
    ["zlib", zlib.deflateSync(RECORD), "name"],
    ["zstd", zlib.zstdCompressSync(RECORD), "otp"],
    ["zip", zip(RECORD), "name"],
    ["gzip cut short", zlib.gzipSync(Buffer.concat([RECORD, randomBytes(9000)])).subarray(0, 6000), "otp"],
    ["gzip in base64", zlib.gzipSync(RECORD).toString("base64"), "name"],
    ["zstd in gzip in hex", zlib.gzipSync(zlib.zstdCompressSync(RECORD)).toString("hex"), "key"],
    ["brotli in base64", zlib.brotliCompressSync(RECORD).toString("base64"), "name"],
  ])("finds %s", (_, bytes, what) => {
    expect(find(bytes)).toContain(what);
  });

  it("opens brotli where it is the whole", () => {
    const { traces } = hunt.searchBytes(zlib.brotliCompressSync(RECORD), "planted");
    expect(new Set(traces.map(({ what }) => what))).toEqual(new Set(["name", "otp", "key"]));
  });

  it("finds nothing in a megabyte of nothing", () => {
    expect(find(randomBytes(1_000_000))).toEqual(new Set());
    expect(find(JSON.stringify(Array.from({ length: 20_000 }, () => Math.random())))).toEqual(new Set());
  });
});

it("the thief finds nothing, and no guess can be tested", { timeout: 300_000 }, async () => {
  const plan = { seed: 5, random: new Random(5), rounds: 2, seconds: 120, note: () => undefined };
  const tally = await part.run(plan);
  expect(tally).toMatchObject({ documents: 8, crashes: 3 });
});

/** One entry, as APPNOTE.TXT 4.3.7 has it. */
function zip(bytes: Buffer): Buffer {
  const packed = zlib.deflateRawSync(bytes);
  const head = Buffer.alloc(30);
  head.write("PK\u0003\u0004", 0, "latin1");
  head.writeUInt16LE(8, 8);
  head.writeUInt32LE(packed.length, 18);
  head.writeUInt32LE(bytes.length, 22);
  head.writeUInt16LE(1, 26);
  return Buffer.concat([head, Buffer.from("f"), packed]);
}
