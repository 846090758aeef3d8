/**
 * Derives escpos/code-pages.json: `node test/escpos/sources/code-pages.mjs > escpos/code-pages.json`.
 * Sources, in this order: iconv-lite (MIT), escpos-printer-db (CC-BY-4.0), @point-of-sale/codepage-encoder (MIT).
 * Python's codecs, which the tests compare with, are not among them.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const iconv = require("iconv-lite");
const { default: CodepageEncoder } = await import("@point-of-sale/codepage-encoder");
const url = new URL("../../vectors/escpos/escpos-printer-db.json", import.meta.url);
const { encodings } = JSON.parse(readFileSync(url, "utf8"));
const OTHER_NAMES = { CP928: "star/cp928" };
const NONE = "\uFFFD";

/** The upper 128 characters; U+FFFD where there is none. */
function upperHalf(name) {
  if (iconv.encodingExists(name) && name !== "CP932") {
    return [...iconv.decode(Buffer.from(Array.from({ length: 128 }, (_, i) => 128 + i)), name)].join("");
  }
  const { data } = encodings[name];
  if (data !== undefined) {
    return [...data.join("")].map((c) => (c === " " ? NONE : c)).join("");
  }
  return fromCodepageEncoder(OTHER_NAMES[name] ?? name.toLowerCase());
}

/** codepage-encoder only encodes: ask it for every character of the basic plane. */
function fromCodepageEncoder(name) {
  if (!CodepageEncoder.supports(name)) return null;
  const upper = new Array(128).fill(NONE);
  for (let code = 0x80; code < 0xfffd; code += 1) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const [byte] = CodepageEncoder.encode(String.fromCharCode(code), name);
    if (byte >= 0x80 && upper[byte - 0x80] === NONE) upper[byte - 0x80] = String.fromCharCode(code);
  }
  return upper.join("");
}

const printable = (c) => (/^[\p{Cc}\p{Co}\p{Cn}]$/u.test(c) ? NONE : c);
const pages = {};
for (const name of Object.keys(encodings)) {
  if (["Unknown", "CP932", "CP871"].includes(name)) continue;
  const upper = upperHalf(name);
  if (upper === null) continue;
  const clean = [...upper].map(printable);
  if (clean.length !== 128) throw new Error(`${name}: ${clean.length}`);
  if (clean.some((c) => c !== NONE)) pages[name] = clean.join("");
}
/**
 * Packs a page: a number copies as many characters of the base page, `~n` is n gaps, `x+n` is x and the n code points
 * after it. No page has digits, `~` or `+` in its upper half.
 */
function pack(upper, base) {
  let packed = "";
  for (let at = 0; at < 128; ) {
    const run = (test) => {
      let length = 0;
      while (at + length < 128 && test(at + length, length)) length += 1;
      return length;
    };
    const same = base === null ? 0 : run((i) => upper[i] === base[i]);
    const gaps = run((i) => upper[i] === NONE);
    const rising = run(
      (i, n) => upper[i] !== NONE && upper[i].codePointAt(0) === upper[at].codePointAt(0) + n,
    );
    const copies = same > 1 && !/\d$/.test(packed);
    if (copies) packed += same;
    else if (gaps > 0) packed += `~${gaps}`;
    else packed += rising > 3 ? `${upper[at]}+${rising - 1}` : upper[at];
    at += copies ? same : gaps > 0 ? gaps : rising > 3 ? rising : 1;
  }
  return packed;
}

const packedPages = {};
const names = Object.keys(pages);
for (const [index, name] of names.entries()) {
  const upper = Array.from(pages[name]);
  const choices = [null, ...names.slice(0, index)].map((base) => {
    const packed = pack(upper, base === null ? null : Array.from(pages[base]));
    return base === null ? packed : `${base}:${packed}`;
  });
  packedPages[name] = choices.reduce((best, each) =>
    Buffer.byteLength(each) < Buffer.byteLength(best) ? each : best,
  );
}
console.log(JSON.stringify(packedPages, null, 1));
