/**
 * `pipe:/run/platen/keys` a named pipe for scripts and kiosks, made where missing, for its owner alone; or a
 * pseudo-terminal. Writers come and go: `echo 48213907 > /run/platen/keys`.
 */
import { execFile } from "node:child_process";
import { constants, open } from "node:fs";
import { stat } from "node:fs/promises";
import { Socket } from "node:net";
import { promisify } from "node:util";
import type { Source } from "./attachment.ts";
import { KeypadError } from "./keypad.ts";
import { absence, type OnBytes, openTerminal } from "./terminal.ts";

const { O_RDWR, O_NONBLOCK = 0 } = constants;

/** How often it is looked whether the pipe was deleted or replaced. */
const WATCH_MS = 1000;

export async function openPipe(path: string, onBytes: OnBytes, watchMs = WATCH_MS): Promise<Source | null> {
  const found = await find(path);
  if (found.isCharacterDevice()) return await openTerminal(path, onBytes);
  if (!found.isFIFO()) {
    const message = `${path} is neither a named pipe nor a terminal. Name another path, or remove it.`;
    throw new KeypadError("keypad-unusable", message);
  }
  let fd: number;
  try {
    // Reading and writing: a pipe that has a writer, even if that is us, never ends.
    fd = await promisify(open)(path, O_RDWR | O_NONBLOCK);
  } catch (cause) {
    return absence(path, cause);
  }
  return listen(
    new Socket({ fd, readable: true, writable: false }),
    onBytes,
    () => isStill(path, found.ino),
    watchMs,
  );
}

function listen(socket: Socket, onBytes: OnBytes, check: () => Promise<boolean>, watchMs: number): Source {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const watch = setInterval(async () => {
    if (!(await check())) end();
  }, watchMs);
  socket.on("error", () => end()).on("close", () => end());
  socket.on("data", onBytes);
  return {
    ended,
    async close() {
      clearInterval(watch);
      socket.off("data", onBytes).destroy();
    },
  };
}

/** The same pipe under the same name: else writers reach another one. */
async function isStill(path: string, ino: number): Promise<boolean> {
  return await stat(path).then(
    (now) => now.ino === ino,
    () => false,
  );
}

async function find(path: string) {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return null;
    return absence(path, cause);
  });
  if (found !== null) return found;
  try {
    // Node has no call for it.
    await promisify(execFile)("mkfifo", ["-m", "600", path]);
  } catch (cause) {
    const message = `${path} cannot be made. Make the folder, give this program's user access, or make the pipe: mkfifo -m 600 ${path}`;
    throw new KeypadError("keypad-unusable", message, cause);
  }
  return await stat(path);
}
