/** The keeping of jobs, put together: one folder, one set of secrets, the printers of this agent. */
import { accessSync, constants, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { EscrowShare } from "../wire/agent-call.ts";
import { EXPIRES_DEFAULT_S, EXPIRES_MAX_S, OTP_DIGITS, OTP_DIGITS_LARGE_GROUP } from "../wire/limits.ts";
import { OpenArrivals } from "./arrivals.ts";
import { Clock, systemTime } from "./clock.ts";
import { type Db, openDatabase } from "./database.ts";
import { Graces } from "./graces.ts";
import { Handover } from "./handover.ts";
import { Jobs } from "./jobs.ts";
import type { Keeper, KeeperOptions, KeeperPolicy, KeeperSignals } from "./keeper-port.ts";
import { sniffLanguage, understands } from "./language.ts";
import { Lookup } from "./lookup.ts";
import { EventOutbox } from "./outbox.ts";
import { PrinterLine } from "./printer-line.ts";
import { recover } from "./recovery.ts";
import { KeypadRelease } from "./release.ts";
import { Seen } from "./seen.ts";
import { Spool } from "./spool.ts";
import { faultOfStorage } from "./storage-fault.ts";
import { Stretch } from "./stretch.ts";
import { SWEEP_MS, Sweep } from "./sweep.ts";
import { Traces } from "./traces.ts";
import { Tries } from "./tries.ts";
import { Vault } from "./vault.ts";
import { Worker } from "./worker.ts";

const DEFAULT_POLICY: KeeperPolicy = {
  expiresDefaultS: EXPIRES_DEFAULT_S,
  expiresMaxS: EXPIRES_MAX_S,
  graceMs: 10 * 60_000,
  deliveredGraceMs: 10 * 60_000,
  stallMs: 10_000,
  stallOtpMs: 60_000,
  stallGiveUpMs: 10 * 60_000,
  confirmMs: 60_000,
  reserveBytes: 16 * 1024 * 1024,
  otpDigits: [OTP_DIGITS, OTP_DIGITS_LARGE_GROUP],
};

const FINISH_MS = 5000;
const NOT_STARTED = "The agent did not start; held jobs are untouched.";
const SILENT: KeeperSignals = {
  onEvent: () => undefined,
  onPanel: () => undefined,
  onStatus: () => undefined,
  onLineErrors: () => undefined,
  onTiming: () => undefined,
  onAlarm: () => undefined,
};

/**
 * Opens folder and database; `start` recovers. One keeper per folder.
 * @throws PlatenError `schema-mismatch`, `database-damaged`, `disk-full`, `storage-failed`
 */
export function openKeeper(options: KeeperOptions): Keeper {
  try {
    mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw faultOfStorage(cause, options.dir, "The agent did not start; nothing was changed.");
  }
  const file = join(options.dir, "jobs.db");
  const db = openDatabase(file);
  try {
    return new OpenKeeper(options, db);
  } catch (cause) {
    db.close();
    throw faultOfStorage(cause, file, NOT_STARTED);
  }
}

class OpenKeeper implements Keeper {
  readonly arrivals: OpenArrivals;
  readonly release: KeypadRelease;
  readonly outbox: EventOutbox;
  readonly #db: Db;
  readonly #clock: Clock;
  readonly #jobs: Jobs;
  readonly #spool: Spool;
  readonly #graces: Graces;
  readonly #vault: Vault;
  readonly #lookup: Lookup;
  readonly #lines: readonly PrinterLine[];
  readonly #workers: readonly Worker[];
  readonly #sweep: Sweep;
  #timer: NodeJS.Timeout | null = null;
  #sweeping: Promise<void> = Promise.resolve();

  constructor(options: KeeperOptions, db: Db) {
    const policy = { ...DEFAULT_POLICY, ...options.policy };
    const signals = { ...SILENT, ...options.signals };
    const { escrow } = options;
    this.#db = db;
    const highestSeen = readHighestSeen(db);
    this.#clock = new Clock(options.time ?? systemTime, highestSeen);
    const monotonic = (): number => this.#clock.monotonic();
    this.outbox = new EventOutbox(db);
    this.#spool = new Spool(join(options.dir, "spool"), policy.reserveBytes);
    const times = { interrupted: policy.graceMs, delivered: policy.deliveredGraceMs };
    this.#graces = new Graces(db, monotonic, times);
    const { onEvent } = signals;
    const told = { clock: this.#clock, outbox: this.outbox, graces: this.#graces, onEvent };
    this.#jobs = new Jobs(db, told);
    this.#vault = new Vault(options.secrets);
    this.#lookup = new Lookup(this.#vault, escrow);
    const stretch = new Stretch(this.#vault.salt, options.stretchCost);
    const traces = new Traces(this.#vault, this.#spool);
    const tries = new Tries(db, monotonic, (failures) => signals.onAlarm({ kind: "tries", failures }));
    const shared = {
      db,
      jobs: this.#jobs,
      spool: this.#spool,
      graces: this.#graces,
      clock: this.#clock,
      traces,
    };
    const room = {
      ...shared,
      vault: this.#vault,
      lookup: this.#lookup,
      escrow,
      stretch,
      tries,
      policy,
      signals,
    };
    const lineRoom = { db, openDevice: options.openDevice, clock: this.#clock, signals };
    this.#lines = options.printers.map((spec) => new PrinterLine(spec, lineRoom));
    this.#workers = this.#lines.map((line) => new Worker(line, room));
    const workers = this.#workers;
    const handover = new Handover({ ...room, workers });
    this.release = new KeypadRelease({ ...room, handover, workers });
    const speaks = speakers(options.printers);
    this.arrivals = new OpenArrivals({ ...room, seen: new Seen(db), speaks }, this.#spool, traces);
    this.#sweep = new Sweep({ ...shared, signals, expiresDefaultS: policy.expiresDefaultS, highestSeen });
  }

  async start(): Promise<void> {
    await this.#spool.open();
    try {
      await recover({ jobs: this.#jobs, spool: this.#spool, graces: this.#graces, lines: this.#lines });
      await this.#sweep.run();
    } catch (cause) {
      throw faultOfStorage(cause, this.#db.name, NOT_STARTED);
    }
    this.#timer = setInterval(() => {
      this.#sweeping = this.#sweeping.then(() => this.#runSweep()).catch(() => undefined);
    }, SWEEP_MS);
  }

  async #runSweep(): Promise<void> {
    try {
      for (const worker of this.#workers) worker.settle();
    } finally {
      await this.#sweep.run();
    }
  }

  held(): number {
    return this.#jobs.live().filter(({ state }) => state === "held" || state === "interrupted").length;
  }

  locked(): boolean {
    return this.#lookup.isLocked(this.#jobs.live().filter(({ state }) => state !== "arriving"));
  }

  checkHealth(): string | null {
    const wedged = this.#workers.find((worker) => worker.isWedged);
    if (wedged !== undefined) return `the transfer to ${wedged.name} does not end`;
    try {
      // A file system that met errors turns read-only; what SQLite has in memory would not notice.
      accessSync(this.#db.name, constants.R_OK | constants.W_OK);
      this.#db.prepare("SELECT highest_seen FROM clock").get();
      return null;
    } catch (error) {
      return `the database does not answer (${(error as NodeJS.ErrnoException).code})`;
    }
  }

  learnTime(unixSeconds: number): void {
    this.#clock.learn(unixSeconds);
  }

  reputAll(): EscrowShare[] {
    return this.#vault.shares();
  }

  confirmPowerCycle(printer: string): void {
    this.#lines.find(({ spec }) => spec.name === printer)?.clean();
  }

  async stop(finishMs = FINISH_MS): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await this.release.stop();
    await this.arrivals.stop();
    await Promise.all(this.#workers.map((worker) => worker.stop(finishMs)));
    await this.#sweeping;
    this.#vault.wipe();
    this.#db.close();
  }
}

function readHighestSeen(db: Db): number {
  return db.prepare<[], number>("SELECT highest_seen FROM clock").pluck().get() ?? 0;
}

/** Whichever of the job's printers here takes it must print it as its author meant it. */
function speakers(
  printers: KeeperOptions["printers"],
): (names: readonly string[], head: Uint8Array) => boolean {
  return (names, head) => {
    const sniffed = sniffLanguage(head);
    const ours = printers.filter(({ name }) => names.includes(name));
    return ours.every(({ profile }) => understands(profile.languages, sniffed));
  };
}
