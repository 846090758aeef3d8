/**
 * strace on a program that runs: counts its system calls, or spoils the n-th of a kind. The steps that change what is
 * on a disk or on the wire are so found from outside, whatever the program calls them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** Everything by which a program changes a file or tells somebody something. */
export const STEPS = [
  "openat",
  "write",
  "writev",
  "pwrite64",
  "pwritev",
  "fsync",
  "fdatasync",
  "ftruncate",
  "rename",
  "unlink",
  "mkdir",
  "sendto",
  "sendmsg",
] as const;
export type Step = (typeof STEPS)[number];

/** `main`: where SQLite, sockets and most files are used. `pool`: where asynchronous file calls run. */
export type Lane = "main" | "pool";

export interface Spoiling {
  readonly step: Step;
  /** `signal=SIGKILL` comes before the call is made; `error=ENOSPC` instead of it. */
  readonly with: `signal=${string}` | `error=${string}`;
  /** Which call, from 1; `from`: that one and all after it. */
  readonly when: number | { readonly from: number } | { readonly from: number; readonly to: number };
  /** Only calls on these files; all where absent. */
  readonly paths?: readonly string[];
}

const ATTACH_MS = 10_000;

export class Strace {
  readonly #process: ChildProcess;
  readonly #counts = new Map<string, number>();
  #marker: string | null = null;
  #countsBefore: ReadonlyMap<string, number> = new Map();
  readonly #exited: Promise<unknown>;

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.#exited = once(process, "exit");
  }

  /**
   * Counts every step of a lane until {@link detach}.
   * @param marker the first call that names this begins what matters: see {@link countsBefore}
   */
  static async count(pid: number, lane: Lane, marker: string | null = null): Promise<Strace> {
    const strace = await Strace.#attach(pid, lane, []);
    strace.#marker = marker;
    return strace;
  }

  /** Each thread counts for itself. Resolves once it takes hold. */
  static spoil(pid: number, lane: Lane, spoilings: readonly Spoiling[]): Promise<Strace> {
    const paths = spoilings.flatMap(({ paths = [] }) => paths.flatMap((path) => ["-P", path]));
    const injections = spoilings.flatMap((spoiling) => ["-e", formatInjection(spoiling)]);
    return Strace.#attach(pid, lane, [...paths, ...injections]);
  }

  static async #attach(pid: number, lane: Lane, more: readonly string[]): Promise<Strace> {
    const threads = lane === "main" ? [pid] : findPool(pid);
    if (threads.length === 0) throw new Error(`process ${pid} has no pool of threads yet`);
    const targets = threads.flatMap((thread) => ["-p", String(thread)]);
    const args = [...targets, "-e", `trace=${STEPS.join(",")}`, "-e", "signal=none", ...more];
    const process = spawn("strace", args, { stdio: ["ignore", "ignore", "pipe"] });
    const strace = new Strace(process);
    await strace.#read(threads.length);
    return strace;
  }

  /** Calls by name, since it was attached. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** Calls before the first one that named the marker: loading a program, which changes nothing. */
  get countsBefore(): ReadonlyMap<string, number> {
    return this.#countsBefore;
  }

  /** Lets go of the program, which runs on. Idempotent. */
  async detach(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.#process.kill("SIGTERM");
    await this.#exited;
  }

  async #read(threads: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(new Error("strace did not attach")), ATTACH_MS);
    let attached = 0;
    const { stderr } = this.#process;
    if (!stderr) throw new Error("strace has no stderr");
    createInterface({ input: stderr }).on("line", (line) => {
      if (/Process \d+ attached/.test(line) && ++attached === threads) resolve();
      if (this.#marker !== null && line.includes(this.#marker)) {
        this.#marker = null;
        this.#countsBefore = new Map(this.#counts);
      }
      const step = /^(?:\[pid +\d+\] )?([a-z0-9]+)\(/.exec(line)?.[1];
      if (step) this.#counts.set(step, (this.#counts.get(step) ?? 0) + 1);
    });
    // The program may be gone before: then there is nothing to hold.
    this.#process.once("error", reject);
    this.#process.once("exit", () => resolve());
    await promise.finally(() => clearTimeout(timer));
  }
}

function formatInjection({ step, with: what, when }: Spoiling): string {
  if (typeof when === "number") return `inject=${step}:${what}:when=${when}`;
  const last = "to" in when ? `..${when.to}` : "+";
  return `inject=${step}:${what}:when=${when.from}${last}`;
}

/** The threads that do a program's asynchronous file calls. */
function findPool(pid: number): number[] {
  const folder = `/proc/${pid}/task`;
  return readdirSync(folder)
    .filter((thread) => readFileSync(`${folder}/${thread}/comm`, "utf8").startsWith("libuv-worker"))
    .map(Number);
}
