/**
 * `evdev:` matrix keypads, buttons and any other Linux input device, grabbed: while we have it, its keys reach neither
 * a console nor any other program. By path (`evdev:/dev/input/event3`, or a link to it), by the name its driver gives
 * it (`evdev:gpio-keys`), or `evdev:any`: everything with digits and without letters.
 *
 * Node has no ioctl, and no reads that wait without holding a thread; so a small process grabs the device and copies
 * its events. The kernel ends the grab with that process, and that process ends with ours.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { readdir, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { Source } from "./attachment.ts";
import { isDigitsOnly } from "./evdev-events.ts";
import { openGang } from "./gang.ts";
import { KeypadError } from "./keypad.ts";
import type { OnBytes } from "./terminal.ts";

export type EvdevMatch =
  | { readonly kind: "any" }
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "name"; readonly name: string };

export interface EvdevListener {
  onBytes: OnBytes;
  end(): void;
}

const SCAN_MS = 2000;

/**
 * Perl, because Debian never comes without it (perl-base is essential). EVIOCGRAB is 40044590h. A newline says that
 * the grab holds; then events as they come. It ends with the device, or with its standard input: with us.
 */
const GRAB = `
open(my $device, '<', $ARGV[0]) or exit($! + 0);
ioctl($device, 0x40044590, 1) or exit($! + 0);
syswrite(STDOUT, "\\n") or exit;
my $both = '';
vec($both, fileno($device), 1) = 1;
vec($both, fileno(STDIN), 1) = 1;
while (select(my $ready = $both, undef, undef, undef) > 0) {
  exit if vec($ready, fileno(STDIN), 1);
  my $count = sysread($device, my $events, 4096) or exit;
  syswrite(STDOUT, $events) or exit;
}`;

/** What the helper ends with: the system's error numbers. */
const ABSENT = [2, 6, 19];
const EACCES = 13;
const EBUSY = 16;
const ENOTTY = 25;

/** Null where the text names nothing. */
export function parseEvdevMatch(text: string): EvdevMatch | null {
  if (text === "any") return { kind: "any" };
  if (text.startsWith("/")) return text.length > 1 ? { kind: "path", path: text } : null;
  return /^[\w .:-]{1,64}$/.test(text) ? { kind: "name", name: text } : null;
}

/** Null while no device that fits is there. */
export async function openEvdev(
  match: EvdevMatch,
  listen: () => EvdevListener,
  scanMs = SCAN_MS,
): Promise<Source | null> {
  return await openGang({ find: () => findEvdev(match), open: (path) => grab(path, listen) }, scanMs);
}

/** Paths of the devices that fit. `root` is for tests. */
export async function findEvdev(match: EvdevMatch, root = "/"): Promise<string[]> {
  if (match.kind === "path") return [await realpath(match.path).catch(() => match.path)];
  const folder = join(root, "sys", "class", "input");
  const names = (await readdir(folder).catch((): string[] => [])).filter((name) => /^event\d+$/.test(name));
  const found: string[] = [];
  for (const name of names.sort((one, other) => Number(one.slice(5)) - Number(other.slice(5)))) {
    const about = (...path: string[]): Promise<string> =>
      readFile(join(folder, name, "device", ...path), "utf8").catch(() => "");
    const fits =
      match.kind === "any"
        ? isDigitsOnly(await about("capabilities", "key"))
        : (await about("name")).trim() === match.name;
    if (fits) found.push(`/dev/input/${name}`);
  }
  return found;
}

type Helper = ChildProcessByStdio<Writable, Readable, null>;

async function grab(path: string, listen: () => EvdevListener): Promise<Source | null> {
  const helper: Helper = spawn("perl", ["-e", GRAB, path], { stdio: ["pipe", "pipe", "ignore"] });
  helper.stdin.on("error", () => undefined);
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const first = Promise.withResolvers<Buffer>();
  helper.once("error", (cause) => first.reject(unusable(path, "needs perl, which is missing", cause)));
  helper.once("exit", (status) => {
    first.reject(status);
    end();
  });
  helper.stdout.once("data", first.resolve);
  let begun: Buffer;
  try {
    begun = await first.promise;
  } catch (cause) {
    if (cause instanceof KeypadError) throw cause;
    return judgeEnd(path, typeof cause === "number" ? cause : 0);
  }
  const listener = listen();
  if (begun.length > 1) listener.onBytes(begun.subarray(1));
  helper.stdout.on("data", (bytes: Buffer) => listener.onBytes(bytes));
  return {
    ended,
    async close() {
      listener.end();
      helper.stdout.removeAllListeners("data").resume();
      helper.stdin.end();
      await ended;
    },
  };
}

function judgeEnd(path: string, status: number): null {
  if (ABSENT.includes(status)) return null;
  if (status === EACCES)
    throw unusable(path, "cannot be opened. Give this program's user its group, often input");
  if (status === EBUSY) throw unusable(path, "is held by another program. Stop that program");
  if (status === ENOTTY) throw unusable(path, "is no input device. Name one of /dev/input");
  throw unusable(path, `cannot be taken (error ${status})`);
}

function unusable(path: string, what: string, cause?: unknown): KeypadError {
  return new KeypadError("keypad-unusable", `${path} ${what}.`, cause);
}
