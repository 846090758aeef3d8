/**
 * The search for what must not be there: pieces of a document, its name and its one-time password, in every file
 * under some folders. Used by the demo, which also shows it finding them where they must be.
 */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const SLICE_BYTES = 32;
/** A slice of fewer different bytes is padding or markup that any PDF may share; a piece of content has more. */
const DISTINCT_MIN = 16;
/** Digits that are exactly a time near now are a time: seconds, milliseconds, microseconds, nanoseconds. */
const TIME_DIGITS: Readonly<Record<number, number>> = { 10: 1, 13: 1e3, 16: 1e6, 19: 1e9 };
const TIME_NEAR_S = 30 * 24 * 3600;

export interface Canary {
  readonly document: Uint8Array;
  readonly name: string;
  readonly otp: string;
}

interface Finding {
  readonly file: string;
  readonly what: "document" | "name" | "otp";
  /** Offset in the file. */
  readonly at: number;
}

export interface SearchResult {
  readonly files: number;
  readonly bytes: number;
  readonly findings: readonly Finding[];
  /** How many different slices of the document were found. */
  readonly slicesFound: number;
}

/**
 * The document cut into slices of 32 bytes, those of little content left out. They lie side by side, so that any
 * run of 63 bytes of content holds a whole one, wherever it begins.
 */
export function cutSlices(document: Uint8Array): Uint8Array[] {
  const slices: Uint8Array[] = [];
  for (let at = 0; at + SLICE_BYTES <= document.length; at += SLICE_BYTES) {
    const slice = document.subarray(at, at + SLICE_BYTES);
    if (new Set(slice).size >= DISTINCT_MIN) slices.push(slice);
  }
  return slices;
}

/** Searches every file under `folders`; symbolic links and sockets are not followed. */
export function searchFolders(folders: readonly string[], canary: Canary): SearchResult {
  const search = prepareSearch(canary);
  const findings: Finding[] = [];
  const slices = new Set<number>();
  let files = 0;
  let bytes = 0;
  for (const file of folders.flatMap(listFiles)) {
    const content = readWhileThere(file);
    if (content === null) continue;
    files++;
    bytes += content.length;
    for (const { slice, ...found } of search(content)) {
      findings.push({ file, ...found });
      if (slice !== null) slices.add(slice);
    }
  }
  return { files, bytes, findings, slicesFound: slices.size };
}

function listFiles(path: string): string[] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isFile()) return [path];
  if (!stat?.isDirectory()) return [];
  // A file may vanish between two looks; a folder of these programs does not.
  return readdirSync(path).flatMap((name) => listFiles(join(path, name)));
}

/** Null for what its program removed since it was listed. */
function readWhileThere(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

interface Hit {
  readonly what: Finding["what"];
  readonly at: number;
  readonly slice: number | null;
}

function prepareSearch(canary: Canary): (content: Buffer) => Hit[] {
  const findSlices = prepareSlices(cutSlices(canary.document));
  const name = encodings(canary.name);
  const otp = [...encodings(canary.otp), Buffer.from([...canary.otp].map(Number))];
  const spaced = Buffer.from(canary.otp.replace(/(.{4})(?=.)/g, "$1 "));
  return (content) => [
    ...findSlices(content),
    ...name
      .flatMap((needle) => findAll(content, needle))
      .map((at) => ({ what: "name" as const, at, slice: null })),
    ...[...otp, spaced]
      .flatMap((needle) => findAll(content, needle))
      .filter((at) => !isTime(content, at))
      .map((at) => ({ what: "otp" as const, at, slice: null })),
  ];
}

/** Every slice at every offset, in one pass: the first four bytes choose the slices worth comparing. */
function prepareSlices(slices: readonly Uint8Array[]): (content: Buffer) => Hit[] {
  const byHead = new Map<number, number[]>();
  slices.forEach((slice, index) => {
    const head = readHead(slice, 0);
    byHead.set(head, [...(byHead.get(head) ?? []), index]);
  });
  // One bit for each beginning of two bytes keeps the map out of the way of nearly every offset.
  const begins = new Uint8Array(65_536);
  for (const [a = 0, b = 0] of slices) begins[(a << 8) | b] = 1;
  return (content) => {
    const hits: Hit[] = [];
    for (let at = 0; at + SLICE_BYTES <= content.length; at++) {
      if (!begins[((content[at] as number) << 8) | (content[at + 1] as number)]) continue;
      for (const slice of byHead.get(readHead(content, at)) ?? []) {
        if (content.compare(slices[slice] as Uint8Array, 0, SLICE_BYTES, at, at + SLICE_BYTES) === 0) {
          hits.push({ what: "document", at, slice });
        }
      }
    }
    return hits;
  };
}

function readHead(bytes: Uint8Array, at: number): number {
  const byte = (i: number) => bytes[at + i] as number;
  return ((byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3)) >>> 0;
}

/** A text as a careless program might leave it: plain, UTF-16, hex, percent-encoded, base64 at each of three alignments. */
function encodings(text: string): Buffer[] {
  const plain = Buffer.from(text);
  const base64 = [0, 1, 2].map((shift) => {
    const whole = Buffer.concat([Buffer.alloc(shift), plain])
      .toString("base64")
      .replace(/=+$/, "");
    // The characters at both ends also carry bits of the neighbours; what lies between is the text's alone.
    const first = Math.ceil((shift * 8) / 6);
    const last = Math.floor(((shift + plain.length) * 8) / 6);
    return Buffer.from(whole.slice(first, last));
  });
  const texts = [plain, Buffer.from(text, "utf16le"), Buffer.from(plain.toString("hex")), ...base64];
  const percent = encodeURIComponent(text);
  if (percent !== text) texts.push(Buffer.from(percent));
  return texts;
}

function findAll(content: Buffer, needle: Buffer): number[] {
  const found: number[] = [];
  for (let at = content.indexOf(needle); at !== -1; at = content.indexOf(needle, at + 1)) found.push(at);
  return found;
}

/**
 * Eight digits may stand in a longer number by chance. Only one kind of number is let off: a run of digits that is
 * exactly a time within a month of now, of which a log has one in every line. Everything else counts as found, in
 * databases too, where a value may touch its neighbour: what chance remains is some hundred numbers in 10^8.
 */
function isTime(content: Buffer, at: number): boolean {
  const isDigit = (i: number) => (content[i] ?? 0) >= 0x30 && (content[i] ?? 0) <= 0x39;
  if (!isDigit(at)) return false;
  let first = at;
  let end = at;
  while (isDigit(first - 1)) first--;
  while (isDigit(end)) end++;
  const perSecond = TIME_DIGITS[end - first];
  if (!perSecond) return false;
  const seconds = Number(content.toString("latin1", first, end)) / perSecond;
  return Math.abs(seconds - Date.now() / 1000) < TIME_NEAR_S;
}
