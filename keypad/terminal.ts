/**
 * `tty:` a person's terminal as keypad, in raw mode: nothing typed is echoed, every key comes at once. Ctrl-C comes as
 * a key too, and is told apart. The old mode is put back on close and when the program exits.
 */
import { close, constants, open } from "node:fs";
import { isatty, ReadStream } from "node:tty";
import { promisify } from "node:util";
import type { Source } from "./attachment.ts";
import { KeypadError } from "./keypad.ts";

const { O_RDONLY, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants;

export type OnBytes = (bytes: Uint8Array) => void;

/** The terminal at standard input, or the program's controlling one where that is redirected. */
export async function openOwnTerminal(onBytes: OnBytes): Promise<Source | null> {
  if (!process.stdin.isTTY) return await openTerminal("/dev/tty", onBytes);
  const { stdin } = process;
  return listenRaw(stdin, onBytes, () => void stdin.pause());
}

/** Null while there is no such terminal. */
export async function openTerminal(path: string, onBytes: OnBytes): Promise<Source | null> {
  const stream = await openStream(path);
  return stream === null ? null : listenRaw(stream, onBytes, () => void stream.destroy());
}

/** A terminal as it is set now; whoever destroys the stream closes it. Null while there is no such terminal. */
export async function openStream(path: string): Promise<ReadStream | null> {
  let fd: number;
  try {
    fd = await promisify(open)(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  } catch (cause) {
    return absence(path, cause);
  }
  if (!isatty(fd)) {
    await promisify(close)(fd);
    throw new KeypadError("keypad-unusable", `${path} is no terminal. Use pipe: for a named pipe.`);
  }
  const stream = new ReadStream(fd);
  // libuv opens a terminal again for itself and forgets the descriptor it was given: that one would leak.
  const handle: unknown = Reflect.get(stream, "_handle");
  if (typeof handle === "object" && handle !== null && "fd" in handle && handle.fd !== fd) {
    await promisify(close)(fd);
  }
  return stream;
}

/** What is missing now may come; what is refused needs a person. */
export function absence(path: string, cause: unknown): null {
  const code = cause instanceof Error && "code" in cause ? cause.code : "";
  if (code === "ENOENT" || code === "ENODEV" || code === "EIO") return null;
  const what =
    code === "ENXIO"
      ? "there is no terminal. Name one (tty:/dev/tty1), or use pipe: for a script"
      : `it cannot be opened (${String(code || cause)}). Give this program's user access to it`;
  throw new KeypadError("keypad-unusable", `${path}: ${what}.`, cause);
}

/** Reads until it ends; `letGo` is what closing does to the stream. */
export function listen(stream: ReadStream, onBytes: OnBytes, letGo: () => void): Source {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const end = (): void => resolve();
  // This one stays when the rest goes: a late error has nobody else.
  stream.on("error", end);
  stream.on("data", onBytes).on("end", end).on("close", end);
  return {
    ended,
    async close() {
      stream.off("data", onBytes).off("end", end).off("close", end);
      letGo();
    },
  };
}

function listenRaw(stream: ReadStream, onBytes: OnBytes, letGo: () => void): Source {
  const restore = (): void => {
    try {
      stream.setRawMode(false);
    } catch {
      // A terminal that hung up has no mode to go back to.
    }
  };
  stream.on("error", () => undefined);
  stream.setRawMode(true);
  process.on("exit", restore);
  return listen(stream, onBytes, () => {
    process.off("exit", restore);
    restore();
    letGo();
  });
}
