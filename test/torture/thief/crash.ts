/**
 * Programs that crash with everything in memory, as often as there are ways to, under a shell that allows core files of
 * any size; and what lies about afterwards. Two controls show that it would be seen: the same crash with what forbids
 * it undone from outside, and a heap snapshot that was asked for by name.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";

const LAUNCHER = fileURLToPath(new URL("../../../cli/platen.mjs", import.meta.url));
const START_MS = 30_000;
const END_MS = 30_000;

export interface CrashWay {
  readonly name: string;
  readonly signal: NodeJS.Signals;
  /** Put before the launcher on Node's command line. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Something is to be found afterwards. */
  readonly isControl?: true;
  /** Lets core files be written after all. */
  readonly undo?: true;
}

/** What is loaded before the program, from outside: on SIGUSR2 it dies as programs do. */
const PLANT = `
const deaths = {
  throw: () => setImmediate(() => { throw new Error("planted"); }),
  reject: () => void Promise.reject(new Error("planted")),
  heap: () => { const all = []; for (;;) all.push(new Array(1e5).fill(all.length)); },
};
process.on("SIGUSR2", deaths[new URL(import.meta.url).search.slice(1)]);
`;

export function crashWays(folder: string): CrashWay[] {
  mkdirSync(folder, { recursive: true });
  const plant = join(folder, "plant.mjs");
  writeFileSync(plant, PLANT);
  const by = (death: string) => `--import=${pathToFileURL(plant)}?${death}`;
  const asked =
    "--heapsnapshot-signal=SIGUSR2 --report-on-signal --report-signal=SIGUSR2 --report-on-fatalerror --report-uncaught-exception --inspect=0";
  return [
    { name: "abort", signal: "SIGABRT" },
    { name: "segv", signal: "SIGSEGV" },
    { name: "quit", signal: "SIGQUIT" },
    { name: "throw", signal: "SIGUSR2", flags: [by("throw")] },
    { name: "reject", signal: "SIGUSR2", flags: [by("reject")] },
    { name: "heap", signal: "SIGUSR2", flags: [by("heap"), "--max-old-space-size=150"] },
    {
      name: "asked",
      signal: "SIGUSR2",
      env: { NODE_OPTIONS: asked, DEBUG: "*", NODE_DEBUG: "tls,net,http,fs,timer" },
    },
    { name: "snapshot", signal: "SIGUSR2", flags: ["--heapsnapshot-signal=SIGUSR2"], isControl: true },
    { name: "core", signal: "SIGABRT", env: { PLATEN_FRESH: "1" }, isControl: true, undo: true },
  ];
}

/** Core files are written where a program runs, and not given to some other program. */
export function writesCores(): boolean {
  return /^core/.test(readFileSync("/proc/sys/kernel/core_pattern", "utf8"));
}

export class Crash {
  readonly folder: string;
  readonly #way: CrashWay;
  readonly #log: string;
  readonly #child: ChildProcess;

  /** @param words as after `platen` */
  constructor(folder: string, way: CrashWay, words: readonly string[]) {
    this.folder = join(folder, `${words[0]}-${way.name}`);
    this.#way = way;
    mkdirSync(this.folder, { recursive: true });
    this.#log = join(this.folder, "log");
    const log = openSync(this.#log, "w", 0o600);
    const begin = 'ulimit -c unlimited; exec "$0" "$@"';
    const node = [process.execPath, ...(way.flags ?? []), LAUNCHER, ...words];
    this.#child = spawn("/bin/sh", ["-c", begin, ...node], {
      cwd: this.folder,
      env: {
        ...process.env,
        ...way.env,
        TMPDIR: this.folder,
        HOME: this.folder,
        NODE_COMPILE_CACHE: join(folder, "..", "compiled"),
      },
      stdio: ["ignore", log, log],
    });
    closeSync(log);
  }

  /** Until its log says that it serves. */
  async ready(): Promise<void> {
    const untilMs = performance.now() + START_MS;
    while (!/"event":"(?:broker-)?ready"/.test(readFileSync(this.#log, "utf8"))) {
      if (this.#child.exitCode !== null || performance.now() > untilMs)
        throw new Error(`${this.folder} does not serve: ${readFileSync(this.#log, "utf8").slice(-600)}`);
      await delay(50);
    }
  }

  /** @throws Error where this running program could leave a core file */
  checkLimits(): void {
    const read = (name: string) => readFileSync(`/proc/${this.#child.pid}/${name}`, "utf8");
    const [, soft, hard] = /^Max core file size\s+(\S+)\s+(\S+)/m.exec(read("limits")) ?? [];
    const filter = read("coredump_filter").trim();
    if (soft !== "0" || hard !== "0" || filter !== "00000000")
      throw new Error(`${this.folder}: core limit ${soft}, ${hard}, filter ${filter}`);
  }

  /** The crash; the files it left beside its log. */
  async crash(): Promise<string[]> {
    if (this.#way.undo) writeFileSync(`/proc/${this.#child.pid}/coredump_filter`, "0x33");
    this.#child.kill(this.#way.signal);
    const isSnapshot = this.#way.name === "snapshot";
    if (isSnapshot) await this.#settled();
    await this.stop(isSnapshot ? 0 : END_MS);
    return readdirSync(this.folder).filter((name) => name !== "log");
  }

  /** @param patienceMs until it is killed */
  async stop(patienceMs = 0): Promise<void> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), patienceMs);
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      await new Promise((gone) => this.#child.once("exit", gone));
    clearTimeout(timer);
  }

  /** A snapshot is whole when its file stopped growing. */
  async #settled(): Promise<void> {
    const size = () =>
      readdirSync(this.folder)
        .filter((name) => name.endsWith(".heapsnapshot"))
        .reduce((sum, name) => sum + readFileSync(join(this.folder, name)).length, 0);
    for (let last = -1, stood = 0; stood < 4; ) {
      await delay(500);
      const now = size();
      stood = now > 0 && now === last ? stood + 1 : 0;
      last = now;
    }
  }
}
