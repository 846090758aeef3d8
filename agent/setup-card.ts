/**
 * The FAT partition as set-up uses it: the file a technician put there, the claim code that is erased from it once it
 * was used, and the text that says what is wrong.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import { syncFolder } from "../wire/durable-file.ts";
import { isPlatenError } from "../wire/error.ts";
import { SETUP_FILE, setupMistake } from "./setup-mistake.ts";
import { decodeSetupText, isBlank, SETUP_BYTES_MAX } from "./setup-text.ts";

export const PROBLEM_FILE = "platen-problem.txt";
/** Editors and file managers that hide endings add their own. */
const NAMES = /^platen\.(?:toml|tml|txt)(?:\.txt)?$/i;

export interface SetupFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * The set-up file in `card`; null where there is none.
 * @throws PlatenError `setup-mistake` where two could be meant, or it cannot be read
 */
export function readSetupFile(card: string): SetupFile | null {
  const names = readdirSync(card).filter((name) => NAMES.test(name));
  const files = names.sort().map((name) => readOne(card, name));
  // Somebody put a file of their own beside the one that came with the image.
  const filled = files.length > 1 ? files.filter(({ bytes }) => !isUntouched(bytes)) : files;
  const [file, other] = filled.length === 0 ? files : filled;
  if (file !== undefined && other !== undefined && filled.length > 1) {
    const [one, two] = [file, other].map(({ path }) => basename(path));
    throw setupMistake(`There are two set-up files, ${one} and ${two}. Take away the one that is not meant.`);
  }
  return file ?? null;
}

function readOne(card: string, name: string): SetupFile {
  const path = join(card, name);
  let fd: number | null = null;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    if (fstatSync(fd).size > SETUP_BYTES_MAX) {
      throw setupMistake("This is no set-up file: it is far too long.", null, name);
    }
    return { path, bytes: readFileSync(fd) };
  } catch (error) {
    if (isPlatenError(error)) throw error;
    throw setupMistake("The file cannot be read: the card may be damaged. Flash it anew.", null, name);
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

function isUntouched(bytes: Uint8Array): boolean {
  const decoded = decodeSetupText(bytes);
  return "text" in decoded && isBlank(decoded.text);
}

/** How a claim code begins: as it was given, or with some of it overwritten when the power went. */
const STARTS = Array.from(
  { length: 14 },
  (_, gone) => "used---------".slice(0, gone) + "platen-claim-".slice(gone),
);

/** The same bytes, with every claim code overwritten in place: no byte moves, so a power cut leaves no broken file. */
export function overwriteClaims(bytes: Uint8Array): Uint8Array {
  const erased = Buffer.from(bytes);
  for (const wide of [false, true]) {
    const gap = wide ? "\\0" : "";
    const spell = (text: string) => [...text].map((sign) => `${sign}${gap}`).join("");
    const code = new RegExp(`(?:${STARTS.map(spell).join("|")})(?:[A-Za-z0-9_\\s-]${gap})*`, "g");
    for (const { 0: found, index } of erased.toString("latin1").matchAll(code)) {
      // What ends a line stays; all else becomes “used-----...”.
      let at = 0;
      const gone = found.replace(/[A-Za-z0-9_-]/g, () => "used"[at++] ?? "-");
      erased.write(gone, index, "latin1");
    }
  }
  return erased;
}

/**
 * Overwrites the claim codes on the card and syncs. Flash may keep the old block until it is used again: a code that
 * was used opens nothing any more, which is what protects it.
 */
export function eraseClaims({ path, bytes }: SetupFile): void {
  const erased = overwriteClaims(bytes);
  if (Buffer.compare(erased, bytes) === 0) return;
  const fd = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    for (let at = 0; at < erased.length; ) at += writeSync(fd, erased, at, erased.length - at, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** What is wrong, for whoever opens the card on any computer; null: nothing any more. Writes only what is new. */
export function tellProblem(card: string, problem: string | null): void {
  const path = join(card, PROBLEM_FILE);
  if (problem === null) {
    if (!existsSync(path)) return;
    rmSync(path);
    syncFolder(card);
    return;
  }
  const text = formatProblem(problem);
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  const fd = openSync(path, "w", 0o644);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  syncFolder(card);
}

/** Lines end as Windows Notepad wants them, and the first bytes tell it the encoding. */
function formatProblem(problem: string): string {
  const lines = [
    "This printer is not set up yet.",
    "",
    ...wrap(problem, 76),
    "",
    `Mend ${SETUP_FILE} on this card, put the card back and switch the printer's computer on again.`,
    "This text goes away by itself when all is well.",
    "",
  ];
  return `\uFEFF${lines.join("\r\n")}`;
}

function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1) as string;
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
