import type { CjkCharset } from "./profile.ts";

/** Two-byte characters of a charset, both ways. The tables are the platform's own: see the Encoding standard. */
export interface CjkTable {
  readonly charset: CjkCharset;
  /** Two bytes, high byte first, by code point. */
  readonly bytes: ReadonlyMap<number, number>;
  readonly isLead: (byte: number) => boolean;
}

const LEADS: Readonly<Record<CjkCharset, (byte: number) => boolean>> = {
  shift_jis: (byte) => (byte >= 0x81 && byte <= 0x9f) || (byte >= 0xe0 && byte <= 0xfc),
  gb18030: (byte) => byte >= 0x81 && byte <= 0xfe,
  big5: (byte) => byte >= 0x81 && byte <= 0xfe,
  "euc-kr": (byte) => byte >= 0xa1 && byte <= 0xfe,
};

const tables = new Map<CjkCharset, CjkTable>();

/** The table of a charset, built on first use by asking the platform's decoder for every pair of bytes. */
export function cjkTableOf(charset: CjkCharset): CjkTable {
  let table = tables.get(charset);
  if (table === undefined) {
    table = { charset, bytes: invert(charset), isLead: LEADS[charset] };
    tables.set(charset, table);
  }
  return table;
}

function invert(charset: CjkCharset): Map<number, number> {
  const decoder = new TextDecoder(charset);
  const bytes = new Map<number, number>();
  const pair = new Uint8Array(2);
  for (let high = 0x81; high <= 0xfe; high += 1) {
    if (!LEADS[charset](high)) continue;
    for (let low = 0x40; low <= 0xfe; low += 1) {
      pair[0] = high;
      pair[1] = low;
      const text = decoder.decode(pair);
      const codePoint = text.codePointAt(0) ?? 0xfffd;
      const single = codePoint !== 0xfffd && text.length === (codePoint > 0xffff ? 2 : 1);
      if (single && codePoint >= 0x80 && !bytes.has(codePoint)) bytes.set(codePoint, (high << 8) | low);
    }
  }
  return bytes;
}

/** Reads multi-byte text as the printer would. */
export function decodeCjk(bytes: Uint8Array, charset: CjkCharset): string {
  return new TextDecoder(charset).decode(bytes);
}

/** Reads the seven-bit JIS pairs that follow `FS &` on Japanese models. */
export function decodeJis(bytes: Uint8Array): string {
  const pairs = new Uint8Array(bytes.length & ~1);
  for (let at = 0; at < pairs.length; at += 1) pairs[at] = (bytes[at] ?? 0) | 0x80;
  return new TextDecoder("euc-jp").decode(pairs);
}
