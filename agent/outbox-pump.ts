/**
 * Sends what waits in the outbox until the broker confirmed it: one batch at a time, again after every failure, again
 * with every session. The rows are durable, so nothing here has to be.
 */
import { BATCH_MAX } from "../wire/agent-call.ts";
import { CALL_DEADLINE_MS, type Calls } from "./calls.ts";
import type { Outbox } from "./keeper-port.ts";

export interface OutboxPumpPorts {
  readonly outbox: Outbox;
  readonly calls: Calls;
  readonly onFailure: (error: unknown, waiting: number) => void;
}

const PAUSE_FIRST_MS = 1000;
const PAUSE_MAX_MS = 60_000;

export class OutboxPump {
  readonly #ports: OutboxPumpPorts;
  #online = false;
  #running: Promise<void> | null = null;
  #again = false;
  #failures = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(ports: OutboxPumpPorts) {
    this.#ports = ports;
  }

  setOnline(online: boolean): void {
    this.#online = online;
    this.#failures = 0;
    if (online) this.wake();
  }

  /** There is an event. Cheap: call it after every change. */
  wake(): void {
    if (!this.#online) return;
    this.#again = true;
    this.#running ??= this.#run();
  }

  /** Sends what is there, if it can within `deadlineMs`: the last words before a stop. Never rejects. */
  async flush(deadlineMs = 2000): Promise<void> {
    this.wake();
    const late = new Promise<void>((resolve) => setTimeout(resolve, deadlineMs).unref());
    await Promise.race([this.#running, late]);
  }

  /** Ends after the batch that is under way. */
  async stop(): Promise<void> {
    this.#online = false;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    try {
      while (this.#again && this.#online) {
        this.#again = false;
        await this.#sendAll();
      }
      this.#failures = 0;
    } catch (error) {
      this.#ports.onFailure(error, this.#ports.outbox.pending(BATCH_MAX).length);
      this.#retryLater();
    } finally {
      this.#running = null;
    }
  }

  async #sendAll(): Promise<void> {
    const { outbox, calls } = this.#ports;
    while (this.#online) {
      const events = outbox.pending(BATCH_MAX);
      if (events.length === 0) return;
      const { confirmed } = await calls.call("event", { events }, CALL_DEADLINE_MS);
      const asked = new Set(events.map(({ id }) => id));
      const ours = confirmed.filter((id) => asked.has(id));
      if (ours.length > 0) outbox.confirm(ours);
      // What it did not confirm it could not keep: the rest may go on, but not in a tight circle.
      if (ours.length < events.length) throw new Error(`${events.length - ours.length} events not confirmed`);
    }
  }

  #retryLater(): void {
    if (!this.#online) return;
    const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** Math.min(this.#failures++, 10));
    this.#timer = setTimeout(() => this.wake(), pauseMs * (0.5 + Math.random() / 2));
  }
}
