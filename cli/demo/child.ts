/** A program of ours as a child process: its log kept in a file and read as it comes, its end always seen to. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, existsSync, type WriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { PlatenError } from "../../wire/error.ts";

const STOP_GRACE_MS = 8000;
const TAIL_LINES = 5;
export const INTERRUPTED = "Stopped; the demo's programs and files are gone.";
/** The launcher: in a checkout a folder up from here, from a packed dist/ three; in a bundle beside all else. */
const LAUNCHER = ["../platen.mjs", "./platen.mjs", "../../../cli/platen.mjs"]
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path));

/** One line of a program's log (pino). */
export interface LogLine {
  readonly time: number | string;
  readonly event?: string;
  readonly [field: string]: unknown;
}

interface Waiter {
  readonly matches: (line: LogLine) => boolean;
  readonly resolve: (line: LogLine) => void;
  readonly reject: (error: Error) => void;
}

export class Child {
  readonly name: string;
  readonly lines: LogLine[] = [];
  readonly #process: ChildProcess;
  readonly #log: WriteStream;
  readonly #waiters = new Set<Waiter>();
  readonly #tail: string[] = [];
  /** Settles when it is gone. */
  readonly exited: Promise<void>;
  #stopping = false;

  /** Starts `platen <args>`; its stderr goes to `logFile`. With `terminal` it has our stdin and stdout. */
  constructor(name: string, args: readonly string[], logFile: string, terminal: boolean) {
    this.name = name;
    this.#log = createWriteStream(logFile, { mode: 0o600 });
    const shared = terminal ? "inherit" : "ignore";
    this.#process = spawn(process.execPath, [LAUNCHER ?? "", ...args], { stdio: [shared, shared, "pipe"] });
    this.exited = new Promise((resolve) => {
      this.#process.once("close", () => resolve());
      this.#process.once("error", () => resolve());
    });
    this.#process.once("error", (error) => this.#fail(error.message));
    this.#process.once("close", (status, signal) => {
      // In raw mode Ctrl-C is a key: the agent takes it, and ends in good order.
      if (terminal && status === 0) this.#rejectAll(new DOMException(INTERRUPTED, "AbortError"));
      else this.#fail(`it ended with ${signal ?? `status ${status}`}`);
    });
    if (this.#process.stderr) {
      createInterface({ input: this.#process.stderr }).on("line", (line) => this.#read(line));
    }
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /**
   * The first line of the log that matches, from the start on.
   * @throws PlatenError `internal` when the program ends first, `timeout`
   */
  waitFor(
    matches: Waiter["matches"],
    what: string,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<LogLine> {
    const already = this.lines.find(matches);
    if (already) return Promise.resolve(already);
    const { promise, resolve, reject } = Promise.withResolvers<LogLine>();
    const waiter = { matches, resolve, reject };
    this.#waiters.add(waiter);
    const seconds = Math.round(timeoutMs / 1000);
    const timer = setTimeout(() => {
      const details = { who: `the ${this.name} (${what})`, seconds, meaning: this.#lastWords() };
      reject(new PlatenError("timeout", details));
    }, timeoutMs);
    const abort = () => reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
    if (!this.running) this.#fail("it is not running");
    return promise.finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      this.#waiters.delete(waiter);
    });
  }

  /** SIGTERM, and after 8 s SIGKILL; resolves when it is gone and its log is written. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.running) this.#process.kill("SIGTERM");
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), STOP_GRACE_MS);
    await this.exited.finally(() => clearTimeout(timer));
    await new Promise<void>((resolve) => this.#log.end(resolve));
  }

  /** At once, without waiting: for the way out through `process.exit`. */
  kill(): void {
    if (this.running) this.#process.kill("SIGKILL");
  }

  #read(text: string): void {
    this.#log.write(`${text}\n`);
    this.#tail.push(text);
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
    let line: LogLine;
    try {
      line = JSON.parse(text);
    } catch {
      return;
    }
    this.lines.push(line);
    for (const waiter of this.#waiters) if (waiter.matches(line)) waiter.resolve(line);
  }

  #fail(why: string): void {
    if (this.#stopping) return;
    const what = `the ${this.name} of the demo: ${why}. ${this.#lastWords()}`.trim();
    this.#rejectAll(new PlatenError("internal", { what }));
  }

  #rejectAll(error: Error): void {
    for (const { reject } of this.#waiters) reject(error);
  }

  #lastWords(): string {
    return this.#tail.length === 0 ? "" : `Its last words: ${this.#tail.join(" | ").slice(0, 600)}`;
  }
}
