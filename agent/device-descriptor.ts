/**
 * Reading and writing a character device without ever blocking: the descriptor is open with O_NONBLOCK, and what
 * answers EAGAIN is asked again. A blocked call would hold a thread of Node's pool, and four of them the program.
 *
 * Asking again beats being told: Node cannot poll descriptors, and the poller of `serialport` 13 forgets a writer
 * that waits as soon as a reader does. The kernel's buffers (4 KiB and more) outlast the waits at any line speed.
 */
import { read, write } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { isatty } from "node:tty";
import { promisify } from "node:util";
import type { DeviceError } from "./device.ts";
import { faultOfMoving, faultOfVanishing } from "./device-fault.ts";

const readAsync = promisify(read);
const writeAsync = promisify(write);

const MAX_WAIT_MS = 10;
const READ_WAIT_MS = 50;
const READ_BYTES = 4096;
/** Half a second in all. */
const GONE_ASKS = 10;
const NOTHING = new Uint8Array(0);

export class Descriptor {
  readonly fd: number;
  readonly #uri: string;
  /** Asked at once: of a terminal that hung up the answer is no. */
  readonly #isTerminal: boolean;
  readonly #cancelling = new AbortController();
  /** System calls under way: the descriptor must not be closed, and perhaps given to another, under them. */
  readonly #calls = new Set<Promise<unknown>>();

  /** `fd` stays the caller's to close, after `settle`. */
  constructor(uri: string, fd: number) {
    this.#uri = uri;
    this.fd = fd;
    this.#isTerminal = isatty(fd);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) at += await this.writeSome(bytes.subarray(at));
  }

  /** Resolves to how many bytes the kernel took; an empty write asks the driver whether it would take more. */
  async writeSome(bytes: Uint8Array): Promise<number> {
    for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
      this.#cancelling.signal.throwIfAborted();
      try {
        return (await this.#call(writeAsync(this.fd, bytes, 0, bytes.length, null))).bytesWritten;
      } catch (cause) {
        if (!isAgain(cause)) throw await this.#faultOf(cause);
      }
      await this.#pause(waitMs);
    }
  }

  /** Ends without a word when the device vanishes: it is the writer's part to say so. */
  async *read(): AsyncGenerator<Uint8Array> {
    const buffer = new Uint8Array(READ_BYTES);
    while (!this.#cancelling.signal.aborted) {
      let taken = 0;
      try {
        taken = (await this.#call(readAsync(this.fd, buffer, 0, READ_BYTES, null))).bytesRead;
      } catch (cause) {
        if (!isAgain(cause)) return;
      }
      if (taken > 0) yield buffer.slice(0, taken);
      else await this.#pause(READ_WAIT_MS);
    }
  }

  cancel(): void {
    this.#cancelling.abort();
  }

  async settle(): Promise<void> {
    await Promise.allSettled(this.#calls);
  }

  async #call<T>(call: Promise<T>): Promise<T> {
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  #pause(ms: number): Promise<void> {
    return pause(ms, undefined, { signal: this.#cancelling.signal }).catch(() => undefined);
  }

  async #faultOf(cause: unknown): Promise<DeviceError> {
    // A terminal whose other side hung up says EIO for ever.
    if (codeOf(cause) === "EIO" && (this.#isTerminal || (await this.#isGone())))
      return faultOfVanishing(this.#uri);
    return faultOfMoving(this.#uri, cause);
  }

  /** Of usblp EIO is a transfer that failed; when a pulled cable failed it, the driver learns that a moment later. */
  async #isGone(): Promise<boolean> {
    for (let asked = 0; asked < GONE_ASKS && !this.#cancelling.signal.aborted; asked++) {
      const answer = this.#call(writeAsync(this.fd, NOTHING, 0, 0, null));
      const code = await answer.then(() => "", codeOf);
      if (code === "ENODEV" || code === "ENXIO") return true;
      await this.#pause(READ_WAIT_MS);
    }
    return false;
  }
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}

function isAgain(cause: unknown): boolean {
  const code = codeOf(cause);
  return code === "EAGAIN" || code === "EWOULDBLOCK" || code === "EINTR";
}
