import upperHalves from "./code-pages.json" with { type: "json" };

const UPPER_HALVES: Readonly<Record<string, string>> = upperHalves;
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
    const upper = Object.hasOwn(UPPER_HALVES, name) ? UPPER_HALVES[name] : undefined;
    page = upper === undefined ? null : buildPage(name, upper);
    loaded.set(name, page);
  }
  return page;
}

/** Names of all code pages whose characters are known. */
export function codePageNames(): readonly string[] {
  return Object.keys(UPPER_HALVES);
}

function buildPage(name: string, characters: string): CodePage {
  const upper = Array.from(characters, (character) => character.codePointAt(0) ?? NONE);
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
