/** What lies on the card as people's computers write it, and the text it means. Lines stay the lines they are. */
import { plainText } from "../wire/config-file.ts";

/** A set-up file is a page; what is longer is something else. */
export const SETUP_BYTES_MAX = 64 * 1024;

/** The text, or what the bytes are instead, for the end of “This is ...”. */
export function decodeSetupText(bytes: Uint8Array): { readonly text: string } | { readonly is: string } {
  if (bytes.length > SETUP_BYTES_MAX) return { is: "no set-up file: it is far too long" };
  const is = nameForeignFormat(bytes);
  if (is !== null) return { is };
  return { text: plainText(decode(bytes)) };
}

/** UTF-8, or UTF-16 as Notepad's “Unicode”, or what an old editor wrote in the encoding of Western Europe. */
function decode(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  // Every second byte of plain text is zero then.
  if (first !== 0 && second === 0) return new TextDecoder("utf-16le").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/** Each begins with what no text begins with. */
function nameForeignFormat(bytes: Uint8Array): string | null {
  const start = new TextDecoder("latin1").decode(bytes.subarray(0, 512)).trimStart().toLowerCase();
  if (start.startsWith("{\\rtf"))
    return "no plain text but a formatted one (RTF). In TextEdit choose Format, Make Plain Text";
  if (start.startsWith("pk\u0003\u0004"))
    return "no plain text but a document of a word processor. Save it as plain text";
  if (/^<(?:!doctype|html|\?xml)/.test(start)) return "no plain text but a web page. Save it as plain text";
  if (start.startsWith("%pdf")) return "no plain text but a PDF";
  return null;
}

/** Nothing but notes and empty lines, as in the file that every image brings. */
export function isBlank(text: string): boolean {
  return !/^[ \t]*[^#\s]/m.test(text);
}
