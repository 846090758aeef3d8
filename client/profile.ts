/**
 * What joining a broker leaves on the sender's machine: one folder, readable by its owner alone. `profile.json` is
 * who we are and whom we trust; `seen/<target>` the highest list serial seen, against old lists played again.
 */
import { mkdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { z } from "zod";
import { parseAddress } from "../wire/code.ts";
import { writeDurably } from "../wire/durable-file.ts";
import { PlatenError } from "../wire/error.ts";
import { parsePublicKey } from "../wire/minisign.ts";
import { isName } from "../wire/name.ts";

const PROFILE_BYTES_MAX = 64 * 1024;

const schema = z.object({
  v: z.literal(1),
  /** `host` or `host:port`. */
  address: z.string().refine((text) => parseAddress(text) !== null),
  user: z.string().refine(isName),
  password: z.string().min(1).max(256),
  /** PEM: the one CA this machine trusts for the broker. */
  ca: z.string().min(1).max(16384),
  /** The fleet's public key, the one line `minisign -P` takes. */
  fleet: z.string().refine((text) => parsePublicKey(text) !== null),
});
export type Profile = Omit<z.infer<typeof schema>, "v">;

/** `$XDG_CONFIG_HOME/platen`, by default `~/.config/platen`; on Windows `%APPDATA%\platen`. */
export function defaultProfileDir(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  if (platform === "win32") return join(env.APPDATA || join(home, "AppData", "Roaming"), "platen");
  // The XDG base directory specification: a relative path is to be ignored.
  const base = env.XDG_CONFIG_HOME && isAbsolute(env.XDG_CONFIG_HOME) ? env.XDG_CONFIG_HOME : null;
  return join(base ?? join(home, ".config"), "platen");
}

/** @throws PlatenError `not-joined`, `config-unreadable`, `config-invalid` */
export async function loadProfile(dir: string): Promise<Profile> {
  const profile = await readProfile(dir);
  if (!profile) throw new PlatenError("not-joined");
  return profile;
}

/** Null where nobody joined yet. */
export async function readProfile(dir: string): Promise<Profile | null> {
  const file = join(dir, "profile.json");
  const text = await readSmall(file);
  if (text === null) return null;
  let parsed: ReturnType<typeof schema.safeParse> | null = null;
  try {
    parsed = schema.safeParse(JSON.parse(text));
  } catch {
    // Said below; what a damaged file holds may be a password.
  }
  if (!parsed?.success) {
    throw new PlatenError("config-invalid", { file, what: "It is damaged. Join again with a new invite." });
  }
  const { v: _, ...profile } = parsed.data;
  return profile;
}

/** Replaces the profile whole; durable on return, mode 0600 in a folder of mode 0700. */
export async function saveProfile(dir: string, profile: Profile): Promise<void> {
  await writePrivate(dir, "profile.json", JSON.stringify(schema.parse({ v: 1, ...profile }), null, 2));
}

/** The highest serial seen of the list of `target`; 0 when none was. */
export async function readSeenSerial(dir: string, target: string): Promise<number> {
  const text = await readSmall(join(dir, "seen", target));
  const serial = Number(text ?? 0);
  // A damaged note must not become a licence for old lists, nor lock the sender out for good.
  return Number.isSafeInteger(serial) && serial > 0 ? serial : 0;
}

/** Notes a serial; never lowers what is noted. */
export async function rememberSerial(dir: string, target: string, serial: number): Promise<void> {
  if (serial > (await readSeenSerial(dir, target))) {
    await writePrivate(join(dir, "seen"), target, String(serial));
  }
}

export async function writePrivate(dir: string, name: string, text: string): Promise<void> {
  const file = join(dir, name);
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    writeDurably(file, `${text}\n`, 0o600);
  } catch (cause) {
    const full = errorCode(cause) === "ENOSPC";
    const meaning = "Nothing was changed.";
    throw full
      ? new PlatenError("disk-full", { where: file, meaning }, cause)
      : new PlatenError("storage-failed", { where: file, why: errorCode(cause), meaning }, cause);
  }
}

/** Null when there is no such file. */
export async function readSmall(file: string): Promise<string | null> {
  try {
    const bytes = await readFile(file);
    return bytes.length > PROFILE_BYTES_MAX ? "" : bytes.toString("utf8");
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return null;
    throw new PlatenError("config-unreadable", { file, why: errorCode(cause) }, cause);
  }
}

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
