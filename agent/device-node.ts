/** What can be said of a device node or a folder without opening it: is it there, may we, who else has it. */
import {
  accessSync,
  constants,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
} from "node:fs";
import { join } from "node:path";

export interface NodeFacts {
  readonly path: string;
  readonly access: "ok" | "denied" | "missing";
  readonly kind: "character" | "folder" | "other";
  /** Its mode as `ls` would show it in octal, and its owner's and group's numbers; null where it is missing. */
  readonly mode: number | null;
  readonly uid: number | null;
  /** Another process that has it open, as far as we may see. */
  readonly holder: Holder | null;
}

export interface Holder {
  readonly pid: number;
  readonly name: string;
}

const { R_OK, W_OK } = constants;

/** Looks; touches nothing. */
export function lookAtNode(path: string, procRoot = "/proc"): NodeFacts {
  let stat: ReturnType<typeof statSync>;
  try {
    stat = statSync(path);
  } catch (cause) {
    const denied = (cause as NodeJS.ErrnoException).code === "EACCES";
    return {
      path,
      access: denied ? "denied" : "missing",
      kind: "other",
      mode: null,
      uid: null,
      holder: null,
    };
  }
  const kind = stat.isCharacterDevice() ? "character" : stat.isDirectory() ? "folder" : "other";
  return {
    path,
    access: mayUse(path) ? "ok" : "denied",
    kind,
    mode: stat.mode & 0o7777,
    uid: stat.uid,
    holder: kind === "folder" ? null : findHolder(path, procRoot),
  };
}

export function mayUse(path: string): boolean {
  try {
    accessSync(path, R_OK | W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The first process but this one that has the file open. Without being root only processes of the same user can be
 * looked into: null then means that nobody is known.
 */
export function findHolder(path: string, procRoot = "/proc"): Holder | null {
  // `/dev/serial/by-id/...` is a link; processes have the node behind it.
  const node = realOf(path);
  for (const entry of list(procRoot)) {
    if (!/^[1-9][0-9]*$/.test(entry) || Number(entry) === process.pid) continue;
    const folder = join(procRoot, entry, "fd");
    if (list(folder).some((fd) => targetOf(join(folder, fd)) === node)) {
      return { pid: Number(entry), name: nameOf(join(procRoot, entry)) };
    }
  }
  return null;
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function targetOf(link: string): string | null {
  try {
    return readlinkSync(link);
  } catch {
    return null;
  }
}

/** The program's own name for `node something/platen agent`: what a person would look for. */
function nameOf(folder: string): string {
  try {
    const words = readFileSync(join(folder, "cmdline"), "utf8").split("\0");
    const script = words.find((word, index) => index > 0 && /platen|cli\/main\.ts$/.test(word));
    if (script !== undefined) return "platen";
    return readFileSync(join(folder, "comm"), "utf8").trim();
  } catch {
    return "another program";
  }
}
