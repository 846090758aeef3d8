/** What runs once the identity is open: the keeper of jobs, what fetches them, what tells the broker of them. */
import { join } from "node:path";
import type { JobEvent } from "../wire/agent-call.ts";
import { PlatenError } from "../wire/error.ts";
import { encodeJson } from "../wire/json.ts";
import type { JobRef } from "../wire/name.ts";
import type { Calls } from "./calls.ts";
import type { Condition } from "./condition.ts";
import type { AgentConfig } from "./config.ts";
import type { BrokerEscrow } from "./escrow.ts";
import type { Escrow } from "./escrow-port.ts";
import { Inbox } from "./inbox.ts";
import { openKeeper } from "./keeper.ts";
import type {
  Keeper,
  KeeperPolicy,
  KeeperSecrets,
  KeeperSignals,
  PrinterSpec,
  Timing,
} from "./keeper-port.ts";
import { describeError, type Log } from "./log.ts";
import { openDevice } from "./open-device.ts";
import { OutboxPump } from "./outbox-pump.ts";
import { CONCERNS, readinessOf } from "./printer-status.ts";
import type { Session } from "./session.ts";
import { StatusDamper } from "./status-damper.ts";
import type { TransferEnd } from "./transfer.ts";

export interface ServingRoom {
  readonly config: AgentConfig;
  /** The broker's, Unix seconds: this machine's own may be wrong by years. */
  readonly time: number;
  readonly printers: readonly PrinterSpec[];
  readonly calls: Calls;
  readonly escrow: BrokerEscrow;
  /** A `parts` call; it has no answer. Does nothing while there is no session. */
  readonly sendParts: (payload: Uint8Array) => void;
  readonly session: Session;
  readonly condition: Condition;
  readonly log: Log;
}

export class Serving {
  readonly keeper: Keeper;
  readonly inbox: Inbox;
  readonly #pump: OutboxPump;
  readonly #room: ServingRoom;

  constructor(keeper: Keeper, inbox: Inbox, pump: OutboxPump, room: ServingRoom) {
    this.keeper = keeper;
    this.inbox = inbox;
    this.#pump = pump;
    this.#room = room;
  }

  /** A session with the broker began (its time is given), or ended (null). */
  setOnline(brokerTime: number | null): void {
    if (brokerTime !== null) {
      this.keeper.learnTime(brokerTime);
      void this.#putAgain();
    }
    this.#pump.setOnline(brokerTime !== null);
    this.inbox.setOnline(brokerTime !== null);
  }

  /** Sends the last events, throws unfinished arrivals away, lets a job being printed end. Never rejects. */
  async stop(): Promise<void> {
    const emptied = this.inbox.stop();
    await this.#pump.flush();
    // Nobody waits for an answer any more: what was not confirmed is durable and goes out after the next start.
    this.#room.calls.rejectAll("the agent stops");
    await Promise.all([emptied, this.#pump.stop()]);
    await this.keeper.stop();
  }

  /** The broker may have lost its shares while it was away; those it still has it ignores. */
  async #putAgain(): Promise<void> {
    const { escrow, log } = this.#room;
    try {
      await escrow.putAgain(this.keeper.reputAll());
    } catch (error) {
      log.write("call-failed", { call: "put", ...describeError(error) });
    }
  }
}

/** @throws PlatenError where the storage cannot be used */
export async function openServing(secrets: KeeperSecrets, room: ServingRoom): Promise<Serving> {
  const { config, printers, escrow, calls, log } = room;
  let pump: OutboxPump | null = null;
  const keeper = openKeeper({
    dir: join(config.dataDir, "jobs"),
    secrets,
    printers,
    policy: keeperPolicy(config),
    escrow: claimInOrder(escrow, async (ref) => {
      if (keeper.outbox.waitsFor(ref)) await pump?.flush();
      return !keeper.outbox.waitsFor(ref);
    }),
    openDevice,
    signals: keeperSignals(room, () => pump?.wake()),
  });
  // Before anything is looked at that expires.
  keeper.learnTime(room.time);
  try {
    await keeper.start();
  } catch (error) {
    await keeper.stop();
    throw error;
  }
  pump = new OutboxPump({
    outbox: keeper.outbox,
    calls,
    onFailure: (error, waiting) => log.write("events-waiting", { waiting, code: describeError(error).code }),
  });
  const inbox = new Inbox({
    arrivals: keeper.arrivals,
    giveCredit: ({ user, job }, from, window) => room.sendParts(encodeJson({ user, job, from, window })),
    onEnd: (ref, end) => logFetch(log, ref, end),
    onDropFailed: ({ user, job }, error) =>
      log.child({ user, job }).write("drop-failed", describeError(error)),
  });
  return new Serving(keeper, inbox, pump, room);
}

/**
 * A claim goes out once the broker heard all that went before: `held` after a release that came to nothing takes the
 * claim back there, and must not take the next one.
 */
function claimInOrder(escrow: BrokerEscrow, untilTold: (ref: JobRef) => Promise<boolean>): Escrow {
  return {
    get reachable() {
      return escrow.reachable;
    },
    put: (share) => escrow.put(share),
    ask: (asks) => escrow.ask(asks),
    claim: async (ref, printer) => {
      if (await untilTold(ref)) return await escrow.claim(ref, printer);
      throw new PlatenError("broker-unreachable", { address: "escrow", why: "events wait" });
    },
  };
}

function keeperPolicy({ policy }: AgentConfig): Partial<KeeperPolicy> {
  return {
    expiresDefaultS: policy.expiresSeconds,
    expiresMaxS: policy.expiresMaxSeconds,
    graceMs: policy.graceSeconds * 1000,
    deliveredGraceMs: (policy.deliveredGraceSeconds ?? policy.graceSeconds) * 1000,
    stallMs: policy.stallSeconds * 1000,
    stallOtpMs: policy.stallOtpSeconds * 1000,
    stallGiveUpMs: policy.stallGiveUpSeconds * 1000,
    confirmMs: policy.confirmSeconds * 1000,
    reserveBytes: policy.reserveBytes,
  };
}

function keeperSignals({ log, session, condition }: ServingRoom, wakePump: () => void): KeeperSignals {
  const logStatus = logStatusChanges(log);
  const damper = new StatusDamper((printer, status) => {
    condition.learn(printer, status);
    logStatus(printer, status);
  });
  return {
    onEvent: (event) => {
      logEvent(log, event);
      wakePump();
      session.refresh();
    },
    onPanel: (state) => {
      condition.observe(state);
      session.showPrinting(state);
    },
    onStatus: (printer, status) => damper.take(printer, status),
    onLineErrors: (printer, errors) => {
      condition.addLineErrors(printer, errors);
      log.child({ printer }).write("line-errors", { ...errors });
    },
    onTiming: (timing) => logTiming(log, timing),
    onAlarm: ({ failures }) => log.write("tries-alarm", { failures }),
  };
}

/** Changes of one printer that are logged within a minute: a sensor that flaps must not fill a disk. */
const STATUS_LINES_MAX = 30;

/** Once per change: an automatic status comes with every move of a sensor. */
function logStatusChanges(log: Log): KeeperSignals["onStatus"] {
  const last = new Map<string, string>();
  const spent = new Map<string, { minute: number; lines: number }>();
  const mayWrite = (printer: string): boolean => {
    const minute = Math.floor(performance.now() / 60_000);
    const before = spent.get(printer);
    const lines = before?.minute === minute ? before.lines + 1 : 1;
    spent.set(printer, { minute, lines });
    return lines <= STATUS_LINES_MAX;
  };
  return (printer, status) => {
    const told = CONCERNS.filter((concern) => status[concern].holds === true).join(" ");
    const ready = readinessOf(status);
    if (last.get(printer) === `${ready} ${told}` || !mayWrite(printer)) return;
    last.set(printer, `${ready} ${told}`);
    const sources = new Set(CONCERNS.map((concern) => status[concern].source));
    sources.delete("none");
    log.child({ printer }).write("printer-status", { ready, concerns: told, source: [...sources].join(" ") });
  };
}

/** Unix milliseconds with a fraction, on the monotonic scale: comparable across the programs of one machine. */
function unixMs(monotonicMs: number): number {
  return Math.round((performance.timeOrigin + monotonicMs) * 1000) / 1000;
}

function logEvent(log: Log, event: JobEvent): void {
  const { user, job, printer, state, reason, bytes, bytesAtMost, again } = event;
  const child = log.child(printer === null ? { user, job } : { user, job, printer });
  const ms = unixMs(performance.now());
  const more = { ...(bytesAtMost !== undefined && { bytesAtMost }), ...(again && { again }) };
  child.write("state", { state, reason, bytes, ...more, ms });
  if (state === "held") child.write("held", { bytes, ms });
}

function logTiming(log: Log, { user, job, printer, step, atMs }: Timing): void {
  log.child({ user, job, printer }).write(step, { ms: unixMs(atMs) });
}

function logFetch(log: Log, { user, job }: JobRef, end: TransferEnd): void {
  const why = end.kind === "failed" ? describeError(end.error).code : end.kind === "ended" ? end.state : "";
  log.child({ user, job }).write("fetch-ended", { outcome: end.kind, why });
}
