/**
 * Tells a document's language from its first bytes, as a printer would. Pure; the media type a sender claims is
 * a hint at most, so nothing here believes it.
 */

/** `pjl` is the wrapping; `unknown` what no rule here knows. The names are published with a printer's recipients. */
export const LANGUAGES = [
  "pdf",
  "pcl",
  "pclxl",
  "ps",
  "escpos",
  "text",
  "pwg",
  "urf",
  "jpeg",
  "png",
  "tiff",
  "gif",
  "pjl",
  "unknown",
] as const;

export type Language = (typeof LANGUAGES)[number];

/** `isWrapped`: PJL or a UEL stands before it, which the printer must understand too. */
export interface Sniffed {
  readonly language: Exclude<Language, "pjl">;
  readonly isWrapped: boolean;
}

/** How much of a document `sniffLanguage` wants to see. */
export const SNIFF_BYTES = 4096;

const UEL = "\x1b%-12345X";

/** `@PJL ENTER LANGUAGE = ...`, as printers' manuals name them. */
const PJL_NAMES: Readonly<Record<string, Sniffed["language"]>> = {
  PCL: "pcl",
  PCL5: "pcl",
  PCL5C: "pcl",
  PCL5E: "pcl",
  PCLXL: "pclxl",
  POSTSCRIPT: "ps",
  PS: "ps",
  PDF: "pdf",
  PWGRASTER: "pwg",
  PWG: "pwg",
  URF: "urf",
  TEXT: "text",
};

const MAGIC: readonly (readonly [prefix: string, language: Sniffed["language"]])[] = [
  ["%PDF-", "pdf"],
  ["%!", "ps"],
  // PCL XL's three binding formats: little-endian, big-endian, ASCII
  [") HP-PCL XL;", "pclxl"],
  ["( HP-PCL XL;", "pclxl"],
  ["' HP-PCL XL;", "pclxl"],
  ["RaS2", "pwg"],
  ["UNIRAST\0", "urf"],
  ["\xff\xd8\xff", "jpeg"],
  ["\x89PNG\r\n\x1a\n", "png"],
  ["II*\0", "tiff"],
  ["MM\0*", "tiff"],
  ["GIF8", "gif"],
];

/**
 * The language of a document that begins with `head`; only the first {@link SNIFF_BYTES} are looked at.
 * Looks through PJL to what it enters, or to what follows it.
 */
export function sniffLanguage(head: Uint8Array): Sniffed {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, SNIFF_BYTES)).toString(
    "latin1",
  );
  const { rest, entered, isWrapped } = unwrapPjl(text);
  return { language: entered ?? sniffPlain(rest), isWrapped };
}

/** Whether a printer that understands `languages` prints this as its author meant it. */
export function understands(languages: readonly string[], { language, isWrapped }: Sniffed): boolean {
  return languages.includes(language) && (!isWrapped || languages.includes("pjl"));
}

interface Unwrapped {
  readonly rest: string;
  readonly entered: Sniffed["language"] | null;
  readonly isWrapped: boolean;
}

function unwrapPjl(text: string): Unwrapped {
  let rest = text;
  let isWrapped = false;
  for (;;) {
    const start = rest.replace(/^[\0\s]+/, "");
    if (start.startsWith(UEL)) {
      rest = start.slice(UEL.length);
    } else if (start.startsWith("@PJL")) {
      const end = start.indexOf("\n");
      // The line goes on beyond what was looked at: what follows it nobody knows.
      if (end < 0) return { rest: "", entered: null, isWrapped: true };
      const name = /^@PJL\s+ENTER\s+LANGUAGE\s*=\s*([A-Z0-9]+)/i.exec(start.slice(0, end))?.[1];
      if (name !== undefined) {
        const key = name.toUpperCase();
        const entered = Object.hasOwn(PJL_NAMES, key) ? PJL_NAMES[key] : undefined;
        return { rest: "", entered: entered ?? "unknown", isWrapped: true };
      }
      rest = start.slice(end + 1);
    } else {
      return { rest, entered: null, isWrapped };
    }
    isWrapped = true;
  }
}

function sniffPlain(text: string): Sniffed["language"] {
  // Blank lines, a byte order mark, and the Ctrl-D that some drivers put before PostScript
  const start = text.replace(/^(?:\xef\xbb\xbf|[\0\s\x04])+/, "");
  for (const [prefix, language] of MAGIC) if (start.startsWith(prefix)) return language;
  return sniffControls(start);
}

/** Text until proven otherwise: the first control sequence decides. */
function sniffControls(text: string): "pcl" | "escpos" | "text" | "unknown" {
  // Backspace, tab, line feed, form feed and carriage return are typed by typewriters too.
  const at = text.search(/[\0-\x07\x0b\x0e-\x1f\x7f]/);
  if (text.length === 0) return "unknown";
  if (at < 0) return "text";
  const sequence = text.slice(at, at + 3);
  if (isPcl(sequence)) return "pcl";
  return isEscPos(sequence) ? "escpos" : "unknown";
}

/**
 * PCL: reset, a parameterized sequence (group and parameter characters in their ranges), or HP-GL/2.
 * ESC E, ESC %, ESC & and ESC * are ESC/POS commands too; those take a small binary number.
 */
function isPcl(sequence: string): boolean {
  return /^\x1b(?:E(?![\0\x01])|[&*][a-z]|[()][0-9a-zA-Z@]|%[-0-9])/.test(sequence);
}

function isEscPos(sequence: string): boolean {
  return /^(?:\x1b[-!$%&*23=?@ABDEGJKLMRSTUVW\\acdeimprtu{ ]|\x1c[-!&(.2?CSWgpq]|\x1d|\x10[\x04\x05\x14])/.test(
    sequence,
  );
}
