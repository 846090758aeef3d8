/** The keeping of jobs as the rest of the agent sees it: arrivals in, entries in, events and signals out. */
import type { EscrowShare, JobEvent, Ticket } from "../wire/agent-call.ts";
import type { JobRef } from "../wire/name.ts";
import type { Reason } from "../wire/reason.ts";
import type { JobState } from "../wire/state.ts";
import type { Time } from "./clock.ts";
import type { Device, LineErrors } from "./device.ts";
import type { Escrow } from "./escrow-port.ts";
import type { PanelState } from "./panel.ts";
import type { PrinterStatus } from "./printer-status.ts";

/** What the keeping needs of a printer's profile. */
export interface PrinterProfile {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  readonly abort: Uint8Array;
  readonly languages: readonly string[];
  /** In which language it is asked how it is and what became of a job. */
  readonly status: "escpos" | "pjl" | "none";
}

/** A printer of this agent as it is configured. */
export interface PrinterSpec {
  readonly name: string;
  readonly uri: string;
  readonly profile: PrinterProfile;
  /** What it says comes back to us. Without, all about it is unknown, and no job is ever `printed`. Default false. */
  readonly backChannel?: boolean;
}

/** What opens held documents. Owned by the keeper once given: it wipes the arrays at `stop`. */
export interface KeeperSecrets {
  /** `AGE-SECRET-KEY-1...` */
  readonly identity: string;
  /** 32 bytes. */
  readonly deviceSecret: Uint8Array;
  /** 16 bytes. */
  readonly deviceSalt: Uint8Array;
}

/** Each has a default. Times in milliseconds unless named otherwise. */
export interface KeeperPolicy {
  /** Where neither manifest nor ticket says when a job expires. */
  readonly expiresDefaultS: number;
  readonly expiresMaxS: number;
  /** How long an interrupted job can be printed again. */
  readonly graceMs: number;
  /** How long a delivered job, which nobody confirmed, can be printed once more; 0: not at all. */
  readonly deliveredGraceMs: number;
  /** No progress for so long: the panel says so. */
  readonly stallMs: number;
  /** No progress for so long: going on needs the OTP again. */
  readonly stallOtpMs: number;
  /** No progress for so long: the job is given up as `interrupted`. */
  readonly stallGiveUpMs: number;
  /** How long after the last byte a printer that can confirm is waited for, counted from its last sign of life. */
  readonly confirmMs: number;
  /** Disk space that documents may not take: the rows need it. */
  readonly reserveBytes: number;
  /** OTP lengths that are judged; others are refused at no cost. Lengths of held jobs are added. */
  readonly otpDigits: readonly number[];
}

/** What a person at the keypad is told. The same `not-accepted` for wrong, expired and used. */
export type Verdict =
  /** `waiting`: another job prints first, or it prints already. */
  | { readonly kind: "released"; readonly jobs: number; readonly waiting: boolean }
  | { readonly kind: "not-accepted" }
  /** No tries left; typing on never lengthens it. */
  | { readonly kind: "wait"; readonly seconds: number }
  /** Shares are missing and the broker is away; nothing was compared, no try was used. */
  | { readonly kind: "locked" }
  /** The OTP is right and stays good. */
  | { readonly kind: "printer-care"; readonly printer: string; readonly reason: Reason }
  | { readonly kind: "wrong-length" };

export interface Release {
  /** Call when the digits are complete: starts the derivation, compares nothing, costs nothing. */
  prepare(otp: string): void;
  /** The person cleared the entry. */
  forget(): void;
  /** One at a time; a second entry waits. Rejects with PlatenError `disk-full` / `storage-failed` only. */
  enter(otp: string): Promise<Verdict>;
}

/** One document on its way in. Calls must not overlap. */
export interface Arrival {
  readonly ref: JobRef;
  /** 16 hex digits, fresh for each arrival. */
  readonly attempt: string;
  /** Set as soon as the job was refused: stop fetching. Later pushes are ignored; the event is in the outbox. */
  readonly refused: Reason | null;
  /** The next bytes of the sealed file. Awaiting it is the back-pressure. The bytes belong to the arrival until then. */
  push(bytes: Uint8Array): Promise<void>;
  /**
   * All bytes were pushed. Resolves with `held`, `rejected`, `expired` or `cancelled`, durable, its event in the outbox;
   * with `arriving` when it was thrown away because the job ended at the broker, whose `drop` says how.
   * After a rejection with `broker-unreachable` or `timeout` it may be called again (or `abandon`).
   */
  finish(final: Ticket): Promise<JobState>;
  /** Throws the attempt away; the job may be fetched again. Idempotent; does nothing after a `finish` that resolved. */
  abandon(): Promise<void>;
}

/** Storage failures (`disk-full`, `storage-failed`) reject; the attempt is gone then and the job stays at the broker. */
export interface Arrivals {
  /** `known`: there is a row for this job, or it is arriving right now. */
  consider(ticket: Ticket): "fetch" | "known";
  /** The broker believes it is here, or wants it though it was: an end it missed is told again, an unknown job is lost. */
  remind(ticket: Ticket): void;
  /** One at a time per job: a `TypeError` for a job that is known. */
  begin(ticket: Ticket): Promise<Arrival>;
  /** A `drop` ticket: ends the job unless it is being printed. Unknown jobs get a tombstone and an event. */
  drop(ticket: Ticket): Promise<void>;
}

/** Events that wait for the broker, oldest first. */
export interface Outbox {
  pending(limit: number): JobEvent[];
  /** True while an event of this job waits. */
  waitsFor(ref: JobRef): boolean;
  /** They are durable at the broker: forgotten here. Unknown ids are ignored. */
  confirm(ids: readonly string[]): void;
}

/** Monotonic milliseconds (`performance.now()`'s scale), for the log and the demo's timeline. */
export interface Timing extends JobRef {
  readonly step: "entered" | "first-byte" | "last-byte" | "destroyed";
  readonly atMs: number;
  readonly printer: string;
}

/** What the keeper tells while it works. Called synchronously after the change is durable; must not throw. */
export interface KeeperSignals {
  /** A job changed; its event is in the outbox. */
  onEvent(event: JobEvent): void;
  /** `printing`, `take-pages`, `printer-care`, `paused`. */
  onPanel(state: PanelState): void;
  /** More is known of a printer. */
  onStatus(printer: string, status: PrinterStatus): void;
  /** Bytes came damaged from a printer on a serial line. */
  onLineErrors(printer: string, errors: LineErrors): void;
  onTiming(timing: Timing): void;
  /** Ten failed entries within an hour of running time. */
  onAlarm(alarm: { readonly kind: "tries"; readonly failures: number }): void;
}

export interface KeeperOptions {
  /** Created where missing, mode 0700: the database and the spool. */
  readonly dir: string;
  readonly secrets: KeeperSecrets;
  readonly printers: readonly PrinterSpec[];
  readonly policy?: Partial<KeeperPolicy>;
  readonly escrow: Escrow;
  readonly openDevice: (uri: string, options?: { signal?: AbortSignal }) => Promise<Device>;
  readonly time?: Time;
  /** scrypt's N where it is not the contract's: for tests that have no time to lose. */
  readonly stretchCost?: number;
  readonly signals?: Partial<KeeperSignals>;
}

export interface Keeper {
  readonly arrivals: Arrivals;
  readonly release: Release;
  readonly outbox: Outbox;
  /** Recovery; call once before anything else. Rejects with PlatenError when the storage cannot be used. */
  start(): Promise<void>;
  /** Jobs that wait for an OTP, interrupted ones included; a delivered one waits for nobody. */
  held(): number;
  /** True when entries cannot be judged: shares are missing in memory and the broker is away. */
  locked(): boolean;
  /** What keeps this program from working until it is started anew, in a few words; null: nothing. Writes nothing. */
  checkHealth(): string | null;
  /** The broker's time (Unix seconds), from its answer to hello. The first one before `start`, which expires jobs. */
  learnTime(unixSeconds: number): void;
  /** Every share in memory, to put again after a loss at the broker. */
  reputAll(): EscrowShare[];
  /** A person switched the printer off and on: it may print again after an interruption whose abort did not go through. */
  confirmPowerCycle(printer: string): void;
  /**
   * Takes no more; gives a job being printed `finishMs` (default 5000) to end, then interrupts it; wipes the secrets;
   * closes the database. Never throws.
   */
  stop(finishMs?: number): Promise<void>;
}
