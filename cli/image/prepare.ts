/** The set-up file for one printer, written into an image. */
import { createWriteStream, rmSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { stringify } from "smol-toml";
import { parseSetupFile } from "../../agent/setup-file.ts";
import { fillRoom } from "../../agent/setup-template.ts";
import { decodeSetupText } from "../../agent/setup-text.ts";
import { parseSettings } from "../../wire/config-file.ts";
import { isPlatenError, PlatenError } from "../../wire/error.ts";
import { describeImage, readImage } from "./image-file.ts";
import { writeRoom } from "./room.ts";

export interface SetupWishes {
  readonly claim: string;
  readonly broker?: string;
  readonly wifi?: { readonly name: string; readonly password?: string; readonly country?: string };
  readonly printer?: { readonly name: string; readonly uri?: string; readonly profile?: string };
  readonly ntp?: readonly string[];
  readonly sshKey?: string;
}

/**
 * The text of a set-up file, as the machine will read it. @param base a file that holds what all printers share
 * @throws PlatenError `setup-mistake`
 */
export function composeSetup(wishes: SetupWishes, base: Uint8Array | null): string {
  const table = base === null ? {} : readBase(base);
  table.claim = wishes.claim;
  if (wishes.broker !== undefined) table.broker = wishes.broker;
  if (wishes.wifi !== undefined) table.wifi = { ...wishes.wifi };
  if (wishes.printer !== undefined) {
    const { name, ...settings } = wishes.printer;
    table.printer = { [name]: settings };
  }
  if (wishes.ntp !== undefined) table.time = { ntp: [...wishes.ntp] };
  if (wishes.sshKey !== undefined) table.ssh = { key: wishes.sshKey };
  const text = `${stringify(table)}\n`;
  parseSetupFile(Buffer.from(text), false);
  return text;
}

/** A mistake in it is told where it stands, before anything is added. */
function readBase(base: Uint8Array): Record<string, unknown> {
  const decoded = decodeSetupText(base);
  const text = "text" in decoded ? decoded.text : "";
  parseSetupFile(base, true);
  return parseSettings(text);
}

/**
 * Writes `text` into the image at `path`; with `out`, into a copy, unpacked where `path` is compressed.
 * @throws PlatenError `image-unusable`; a copy that was begun is removed
 */
export async function prepareImage(
  path: string,
  text: string,
  out: string | null,
  onRead: (done: number) => void = () => {},
): Promise<void> {
  const room = fillSetup(text);
  if (out === null) return await writeRoom(path, room);
  try {
    // A claim code will be in it.
    await pipeline(
      readImage(describeImage(path), onRead),
      createWriteStream(out, { flags: "wx", mode: 0o600 }),
    );
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST") {
      throw new PlatenError("already-there", { what: out, hint: "Remove it first, or name another." }, cause);
    }
    rmSync(out, { force: true });
    if (isPlatenError(cause)) throw cause;
    throw new PlatenError("image-unusable", { image: path, why: `it could not be copied (${code})` }, cause);
  }
  try {
    await writeRoom(out, room);
  } catch (error) {
    rmSync(out, { force: true });
    throw error;
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
