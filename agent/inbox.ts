/**
 * Tickets in, jobs fetched: which of the jobs the broker wants here comes next, and how many at a time. Tickets say a
 * wish, so the newest of a job replaces the older, and one that was lost comes again.
 */
import { TICKET_BYTES_MAX, type Ticket, ticketSchema } from "../wire/agent-call.ts";
import { parseJson } from "../wire/json.ts";
import { type JobRef, jobKey } from "../wire/name.ts";
import type { Arrivals } from "./keeper-port.ts";
import { type GiveCredit, Transfer, type TransferEnd } from "./transfer.ts";

export interface InboxPorts {
  readonly arrivals: Arrivals;
  readonly giveCredit: GiveCredit;
  /** For the log: how each transfer ended, and what could not be dropped. */
  readonly onEnd: (ref: JobRef, end: TransferEnd) => void;
  readonly onDropFailed: (ref: JobRef, error: unknown) => void;
}

/** Jobs fetched at once. Early ones wait for their senders, so they may not take every place. */
const ACTIVE_MAX = 4;
const EARLY_MAX = 2;
/** More jobs than any quota lets wait for one agent; what is beyond comes again with the next session. */
const WAITING_MAX = 10_000;
const RETRY_FIRST_MS = 15_000;
const RETRY_MAX_MS = 10 * 60_000;

interface Waiting {
  readonly ticket: Ticket;
  readonly failures: number;
}

export class Inbox {
  readonly #ports: InboxPorts;
  readonly #waiting = new Map<string, Waiting>();
  readonly #active = new Map<string, { transfer: Transfer; done: Promise<void> }>();
  readonly #later = new Map<string, NodeJS.Timeout>();
  readonly #drops = new Set<Promise<void>>();
  #online = false;
  #stopped = false;

  constructor(ports: InboxPorts) {
    this.#ports = ports;
  }

  setOnline(online: boolean): void {
    this.#online = online;
    for (const { transfer } of this.#active.values()) transfer.setOnline(online);
    this.#fill();
  }

  /** A message on `ticket`. What is no ticket is ignored. */
  takeTicket(payload: Uint8Array): void {
    const ticket = parseJson(payload, TICKET_BYTES_MAX, ticketSchema);
    if (!ticket || this.#stopped) return;
    const key = jobKey(ticket);
    if (ticket.want === "drop") {
      this.#drop(key, ticket);
      return;
    }
    if (ticket.want === "hold") {
      this.#ports.arrivals.remind(ticket);
      return;
    }
    const active = this.#active.get(key);
    if (active) active.transfer.update(ticket);
    else this.#enqueue(key, ticket, 0);
    this.#fill();
  }

  takePart(ref: JobRef, n: number, part: Uint8Array): void {
    this.#active.get(jobKey(ref))?.transfer.take(n, part);
  }

  /** Throws every unfinished attempt away. The jobs stay at the broker and come again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    for (const timer of this.#later.values()) clearTimeout(timer);
    this.#later.clear();
    for (const { transfer } of this.#active.values()) transfer.stop();
    await Promise.all([...this.#active.values()].map(({ done }) => done));
    await Promise.all(this.#drops);
  }

  #enqueue(key: string, ticket: Ticket, failures: number): void {
    this.#forget(key);
    if (this.#ports.arrivals.consider(ticket) === "known") this.#ports.arrivals.remind(ticket);
    else if (this.#waiting.size < WAITING_MAX) this.#waiting.set(key, { ticket, failures });
  }

  #forget(key: string): void {
    this.#waiting.delete(key);
    clearTimeout(this.#later.get(key));
    this.#later.delete(key);
  }

  #drop(key: string, ticket: Ticket): void {
    this.#forget(key);
    const active = this.#active.get(key);
    active?.transfer.stop();
    const drop = Promise.resolve(active?.done)
      .then(() => this.#ports.arrivals.drop(ticket))
      .catch((error: unknown) => this.#ports.onDropFailed(ticket, error))
      .finally(() => this.#drops.delete(drop));
    this.#drops.add(drop);
  }

  #fill(): void {
    if (!this.#online || this.#stopped) return;
    for (const [key, { ticket, failures }] of this.#waiting) {
      if (this.#active.size >= ACTIVE_MAX) return;
      if (ticket.parts === null && this.#countEarly() >= EARLY_MAX) continue;
      this.#waiting.delete(key);
      if (this.#ports.arrivals.consider(ticket) === "fetch") this.#start(key, ticket, failures);
    }
  }

  #countEarly(): number {
    return [...this.#active.values()].filter(({ transfer }) => transfer.early).length;
  }

  #start(key: string, ticket: Ticket, failures: number): void {
    const { arrivals, giveCredit } = this.#ports;
    const transfer = new Transfer(ticket, { arrivals, giveCredit, online: this.#online });
    const done = transfer.run().then((end) => {
      this.#active.delete(key);
      this.#ports.onEnd(transfer.ref, end);
      this.#settle(key, transfer, end, failures);
      this.#fill();
    });
    this.#active.set(key, { transfer, done });
  }

  #settle(key: string, transfer: Transfer, end: TransferEnd, failures: number): void {
    if (end.kind === "ended" || end.kind === "stopped" || this.#stopped) return;
    if (end.kind === "early-idle") {
      // The final ticket brings it back. It may have come while the attempt was thrown away.
      if (!transfer.early) this.#enqueue(key, transfer.ticket, 0);
      return;
    }
    const pauseMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.min(failures, 10));
    const timer = setTimeout(() => {
      this.#later.delete(key);
      this.#enqueue(key, transfer.ticket, failures + 1);
      this.#fill();
    }, pauseMs);
    timer.unref();
    this.#later.set(key, timer);
  }
}
