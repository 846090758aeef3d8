/**
 * One job on its way from the broker: credit out, parts in, each pushed before more are asked for. At most a window of
 * parts is in memory. A lost connection only pauses it: with the next one it asks from where it stopped.
 */
import type { Ticket } from "../wire/agent-call.ts";
import { isPlatenError } from "../wire/error.ts";
import { AGENT_WINDOW_PARTS, PAYLOAD_BYTES_MAX } from "../wire/limits.ts";
import type { JobRef } from "../wire/name.ts";
import type { JobState } from "../wire/state.ts";
import type { Arrival, Arrivals } from "./keeper-port.ts";

/** Gives credit for parts; does nothing while there is no session. */
export type GiveCredit = (ref: JobRef, from: number, window: number) => void;

export interface TransferTimes {
  /** An early one that gets nothing for so long makes room; the final ticket brings it back. */
  readonly earlyIdleMs: number;
  /** A final one asks again after so long without a part. */
  readonly idleMs: number;
  /** So many times; then it makes room and is tried again later. */
  readonly asksMax: number;
  /** Between two tries to finish where the escrow did not answer. */
  readonly finishPauseMs: number;
}

const TRANSFER_TIMES: TransferTimes = {
  earlyIdleMs: 5000,
  idleMs: 10_000,
  asksMax: 3,
  finishPauseMs: 2000,
};

/** `ended`: the job reached a state here. `early-idle`, `idle`: nothing came. `stopped`: by {@link Transfer.stop}. */
export type TransferEnd =
  | { readonly kind: "ended"; readonly state: JobState }
  | { readonly kind: "early-idle" | "idle" | "stopped" }
  | { readonly kind: "failed"; readonly error: unknown };

const FINISH_TRIES_MAX = 10;

export class Transfer {
  readonly ref: JobRef;
  readonly #arrivals: Arrivals;
  readonly #giveCredit: GiveCredit;
  readonly #times: TransferTimes;
  #ticket: Ticket;
  #parts: Uint8Array[] = [];
  /** The part to be received next. */
  #next = 0;
  #pushed = 0;
  /** End of the credit given. */
  #granted = 0;
  #online: boolean;
  #restarting = false;
  #stopped = false;
  #wake: (() => void) | null = null;

  constructor(
    ticket: Ticket,
    ports: { arrivals: Arrivals; giveCredit: GiveCredit; online: boolean },
    times: TransferTimes = TRANSFER_TIMES,
  ) {
    this.ref = { user: ticket.user, job: ticket.job };
    this.#ticket = ticket;
    this.#arrivals = ports.arrivals;
    this.#giveCredit = ports.giveCredit;
    this.#online = ports.online;
    this.#times = times;
  }

  get ticket(): Ticket {
    return this.#ticket;
  }

  /** The sender is still sending, as far as is known. */
  get early(): boolean {
    return this.#ticket.parts === null;
  }

  /** A newer ticket of the same job. One that knows the end is never replaced by one that does not. */
  update(ticket: Ticket): void {
    if (ticket.parts === null && !this.early) return;
    this.#ticket = ticket;
    this.#signal();
  }

  /** A part from the broker. What was not asked for is dropped. */
  take(n: number, part: Uint8Array): void {
    if (n < this.#next || n >= this.#granted || part.length > PAYLOAD_BYTES_MAX) return;
    if (n > this.#next) {
      // Something between was lost: begin again at the gap, once.
      if (!this.#restarting) this.#restart();
      return;
    }
    this.#restarting = false;
    this.#next++;
    this.#parts.push(part);
    this.#signal();
  }

  setOnline(online: boolean): void {
    this.#online = online;
    if (online) this.#restart();
    this.#signal();
  }

  /** Ends it at the next step; {@link run} resolves then. */
  stop(): void {
    this.#stopped = true;
    this.#signal();
  }

  /** Runs to the end, which is never a rejection. The attempt is thrown away unless the job reached a state. */
  async run(): Promise<TransferEnd> {
    let arrival: Arrival | null = null;
    let end: TransferEnd;
    try {
      arrival = await this.#arrivals.begin(this.#ticket);
      this.#extend();
      end = await this.#fetch(arrival);
    } catch (error) {
      end = { kind: "failed", error };
    }
    this.#parts = [];
    if (end.kind !== "ended") {
      this.#giveCredit(this.ref, this.#next, 0);
      await arrival?.abandon().catch(() => undefined);
    }
    return end;
  }

  async #fetch(arrival: Arrival): Promise<TransferEnd> {
    let asks = 0;
    for (;;) {
      if (this.#stopped) return { kind: "stopped" };
      if (arrival.refused) return this.#endRefused();
      const part = this.#parts.shift();
      if (part) {
        asks = 0;
        await arrival.push(part);
        this.#pushed++;
        this.#extend();
      } else if (this.#ticket.parts !== null && this.#pushed >= this.#ticket.parts) {
        return await this.#finish(arrival);
      } else if (!(await this.#waitForPart())) {
        if (this.early) return { kind: "early-idle" };
        if (++asks > this.#times.asksMax) return { kind: "idle" };
        this.#restart();
      }
    }
  }

  async #finish(arrival: Arrival): Promise<TransferEnd> {
    for (let tries = 1; ; tries++) {
      try {
        return { kind: "ended", state: await arrival.finish(this.#ticket) };
      } catch (error) {
        const unanswered = isPlatenError(error, "broker-unreachable") || isPlatenError(error, "timeout");
        if (!unanswered || tries >= FINISH_TRIES_MAX) throw error;
      }
      await this.#wait(this.#times.finishPauseMs);
      if (this.#stopped) return { kind: "stopped" };
      if (!this.#online) await this.#waitOnline();
    }
  }

  #endRefused(): TransferEnd {
    this.#giveCredit(this.ref, this.#next, 0);
    return { kind: "ended", state: "rejected" };
  }

  /** Keeps half a window to a whole one ahead of what was pushed. */
  #extend(): void {
    const half = AGENT_WINDOW_PARTS / 2;
    const last = this.#ticket.parts ?? Number.POSITIVE_INFINITY;
    if (this.#granted - this.#pushed > half || this.#granted >= last) return;
    const window = this.#pushed + AGENT_WINDOW_PARTS - this.#granted;
    this.#giveCredit(this.ref, this.#granted, window);
    this.#granted += window;
  }

  /** Credit anew from the first part that is not here; the broker sends from there again. */
  #restart(): void {
    this.#restarting = true;
    this.#granted = this.#pushed + AGENT_WINDOW_PARTS;
    this.#giveCredit(this.ref, this.#next, this.#granted - this.#next);
  }

  /** False when nothing came in time. Time does not run while there is no session. */
  async #waitForPart(): Promise<boolean> {
    const before = this.#ticket;
    const known = () => this.#parts.length > 0 || this.#stopped || this.#ticket !== before;
    while (!known()) {
      if (!this.#online) await this.#wait(null);
      else if (!(await this.#wait(this.early ? this.#times.earlyIdleMs : this.#times.idleMs))) return known();
    }
    return true;
  }

  async #waitOnline(): Promise<void> {
    while (!this.#online && !this.#stopped) await this.#wait(null);
  }

  /** Until something changes: true. After `timeoutMs`: false. */
  #wait(timeoutMs: number | null): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (changed: boolean) => {
        if (timer) clearTimeout(timer);
        this.#wake = null;
        resolve(changed);
      };
      const timer = timeoutMs === null ? null : setTimeout(() => settle(false), timeoutMs);
      this.#wake = () => settle(true);
    });
  }

  #signal(): void {
    this.#wake?.();
  }
}
