/** The set-up file for one printer, written into an image. */
import { rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { stringify } from "smol-toml";
import { parseSetupFile } from "../../agent/setup-file.ts";
import { fillRoom } from "../../agent/setup-template.ts";
import { decodeSetupText } from "../../agent/setup-text.ts";
import { parseSettings } from "../../wire/config-file.ts";
import { isPlatenError, PlatenError } from "../../wire/error.ts";
import { describeImage, readImage } from "./image-file.ts";
import { readRoom, writeRoom } from "./room.ts";

export interface SetupWishes {
  /** Absent while it is only looked at whether all else is well. */
  readonly claim?: string;
  readonly broker?: string;
  readonly wifi?: { readonly name: string; readonly password?: string; readonly country?: string };
  readonly printer?: { readonly name: string; readonly uri?: string; readonly profile?: string };
  readonly ntp?: readonly string[];
  readonly sshKey?: string;
}

/**
 * The text of a set-up file, as the machine will read it. @param base a file that holds what all printers share
 * @throws PlatenError `usage`; `setup-mistake` for what is wrong in `base`
 */
export function composeSetup(wishes: SetupWishes, base: Uint8Array | null): string {
  const table = base === null ? {} : readBase(base);
  Reflect.deleteProperty(table, "claim");
  if (wishes.claim !== undefined) table.claim = wishes.claim;
  if (wishes.broker !== undefined) table.broker = wishes.broker;
  if (wishes.wifi !== undefined) table.wifi = { ...wishes.wifi };
  if (wishes.printer !== undefined) {
    const { name, ...settings } = wishes.printer;
    table.printer = { [name]: settings };
  }
  if (wishes.ntp !== undefined) table.time = { ntp: [...wishes.ntp] };
  if (wishes.sshKey !== undefined) table.ssh = { key: wishes.sshKey };
  const text = `${stringify(table)}\n`;
  if (Object.keys(table).length > 0) checkText(text, wishes.claim === undefined);
  return text;
}

/** Nobody wrote this text: its lines tell nothing. */
function checkText(text: string, isWithoutClaim: boolean): void {
  try {
    parseSetupFile(Buffer.from(text), isWithoutClaim);
  } catch (error) {
    if (!isPlatenError(error, "setup-mistake")) throw error;
    throw new PlatenError("usage", { what: String(error.details.what) }, error);
  }
}

/** A mistake in it is told where it stands, before anything is added. */
function readBase(base: Uint8Array): Record<string, unknown> {
  const decoded = decodeSetupText(base);
  const text = "text" in decoded ? decoded.text : "";
  parseSetupFile(base, true);
  return parseSettings(text);
}

/**
 * Writes a set-up file into the image at `path`; with `out`, into a copy, unpacked where `path` is compressed.
 * @param makeText asked once the image is known to have room for it: it may use up what is given once
 * @throws PlatenError `image-unusable`, and whatever `makeText` throws; a copy that was begun is removed
 */
export async function prepareImage(
  path: string,
  out: string | null,
  makeText: () => string | Promise<string>,
  onRead: (done: number) => void = () => {},
): Promise<void> {
  if (out !== null) await copyImage(path, out, onRead);
  try {
    const target = out ?? path;
    await readRoom(target);
    await writeRoom(target, fillSetup(await makeText()));
  } catch (error) {
    if (out !== null) rmSync(out, { force: true });
    throw error;
  }
}

async function copyImage(path: string, out: string, onRead: (done: number) => void): Promise<void> {
  const image = describeImage(path);
  const copy = await createOutput(out);
  try {
    await pipeline(readImage(image, onRead), copy.createWriteStream());
  } catch (cause) {
    rmSync(out, { force: true });
    if (isPlatenError(cause)) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw new PlatenError("image-unusable", { image: path, why: `it could not be copied (${code})` }, cause);
  }
}

/** What lies there already is nobody's to remove. */
async function createOutput(out: string): Promise<FileHandle> {
  try {
    // A claim code will be in it.
    return await open(out, "wx", 0o600);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST") {
      throw new PlatenError("already-there", { what: out, hint: "Remove it first, or name another." }, cause);
    }
    throw new PlatenError(
      "usage",
      { what: `${out} cannot be written (${code}). Name another file with -o.` },
      cause,
    );
  }
}

function fillSetup(text: string): Uint8Array {
  try {
    return fillRoom(text);
  } catch (cause) {
    throw new PlatenError(
      "usage",
      { what: "The settings are too long for the image. Shorten the SSH key." },
      cause,
    );
  }
}
