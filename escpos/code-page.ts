import packedPages from "./code-pages.json" with { type: "json" };

/**
 * Upper halves, packed: `base:` names a page to copy from, a number copies as many of its characters, `~n` is n gaps,
 * `x+n` is x and the n code points after it.
 */
const PACKED: Readonly<Record<string, string>> = packedPages;
const NONE = 0xfffd;

/** A single-byte code page: ASCII below 0x80, 128 characters above. */
export interface CodePage {
  readonly name: string;
  /** Code points of the bytes from 0x80; U+FFFD where there is none. */
  readonly upper: readonly number[];
  /** Bytes (all from 0x80) by code point. */
  readonly bytes: ReadonlyMap<number, number>;
}

const loaded = new Map<string, CodePage | null>();

/** The code page of a name such as `CP858`, or `null` when its characters are not known. */
export function codePageOf(name: string): CodePage | null {
  let page = loaded.get(name);
  if (page === undefined) {
    const packed = Object.hasOwn(PACKED, name) ? PACKED[name] : undefined;
    page = packed === undefined ? null : buildPage(name, packed);
    loaded.set(name, page);
  }
  return page;
}

/** Names of all code pages whose characters are known. */
export function codePageNames(): readonly string[] {
  return Object.keys(PACKED);
}

function buildPage(name: string, packed: string): CodePage {
  const [base, steps] = packed.includes(":") ? packed.split(":") : [null, packed];
  const from = base === null || base === undefined ? null : codePageOf(base);
  const upper: number[] = [];
  for (const [, gaps, copies, character = "", more = "0"] of (steps ?? "").matchAll(
    /~(\d+)|(\d+)|(.)(?:\+(\d+))?/gsu,
  )) {
    const at = upper.length;
    if (gaps !== undefined) upper.push(...new Array<number>(Number(gaps)).fill(NONE));
    else if (copies !== undefined) upper.push(...(from?.upper.slice(at, at + Number(copies)) ?? []));
    else for (let n = 0; n <= Number(more); n += 1) upper.push((character.codePointAt(0) ?? NONE) + n);
  }
  const bytes = new Map<number, number>();
  for (const [index, codePoint] of upper.entries()) {
    if (codePoint !== NONE && codePoint > 0x7e && !bytes.has(codePoint)) bytes.set(codePoint, 0x80 + index);
  }
  return { name, upper, bytes };
}

/** Reads single bytes as text; what the page does not define becomes U+FFFD. */
export function decodeCodePage(bytes: Uint8Array, page: CodePage | null): string {
  let text = "";
  for (const byte of bytes) {
    text += String.fromCodePoint(byte < 0x80 ? byte : (page?.upper[byte - 0x80] ?? NONE));
  }
  return text;
}
