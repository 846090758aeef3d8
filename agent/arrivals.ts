/** All documents on their way in: one arrival per job, and the tickets that end a job from outside. */
import { randomBytes } from "node:crypto";
import type { Ticket } from "../wire/agent-call.ts";
import { type JobRef, jobKey } from "../wire/name.ts";
import type { Reason } from "../wire/reason.ts";
import { type ArrivalRoom, OpenArrival } from "./arrival.ts";
import { Intake } from "./intake.ts";
import type { Job } from "./job.ts";
import type { MachineEvent } from "./job-machine.ts";
import type { Arrival, Arrivals } from "./keeper-port.ts";
import type { Spool } from "./spool.ts";
import { faultOfStorage } from "./storage-fault.ts";
import type { Traces } from "./traces.ts";

export class OpenArrivals implements Arrivals {
  readonly #room: ArrivalRoom;
  readonly #spool: Spool;
  readonly #traces: Traces;
  readonly #open = new Map<string, OpenArrival | "beginning">();

  constructor(room: ArrivalRoom, spool: Spool, traces: Traces) {
    this.#room = room;
    this.#spool = spool;
    this.#traces = traces;
  }

  consider(ticket: Ticket): "fetch" | "known" {
    if (this.#open.has(jobKey(ticket))) return "known";
    const job = this.#room.jobs.find(ticket);
    // An `arriving` nobody works on is what a full disk left: it is fetched again.
    return job && job.state !== "arriving" ? "known" : "fetch";
  }

  remind(ticket: Ticket): void {
    const { jobs } = this.#room;
    if (this.#open.has(jobKey(ticket))) return;
    if (jobs.find(ticket)) jobs.retell(ticket);
    else jobs.bury(ticket, { state: "rejected", reason: "lost", final: true, again: null });
  }

  async begin(ticket: Ticket): Promise<Arrival> {
    if (this.consider(ticket) === "known") throw new TypeError("this job is known already");
    const { user, job } = ticket;
    const ref: JobRef = { user, job };
    const key = jobKey(ref);
    const attempt = randomBytes(8).toString("hex");
    this.#open.set(key, "beginning");
    try {
      // A `drop` may come while the file is made.
      let ended: Job | null = null;
      const writer = await this.#spool.create(attempt, ticket.bytes ?? 0);
      try {
        this.#room.jobs.forget(ref);
        ended = this.#room.jobs.find(ref);
        if (!ended) this.#room.jobs.begin(ticket, attempt);
      } catch (cause) {
        await writer.discard();
        throw cause;
      }
      const intake = new Intake(this.#room.vault.identity, writer);
      const arrival = new OpenArrival({ ref, attempt }, this.#room, { intake, writer }, () =>
        this.#open.delete(key),
      );
      this.#open.set(key, arrival);
      if (ended) await arrival.cut(ended.state, ended.reason);
      return arrival;
    } catch (cause) {
      this.#open.delete(key);
      throw faultOfStorage(
        cause,
        this.#spool.dir,
        "The document stays at the broker and comes once there is room.",
      );
    }
  }

  async drop(ticket: Ticket): Promise<void> {
    const { jobs } = this.#room;
    const { reason } = ticket;
    const state = endOf(reason);
    const job = jobs.find(ticket);
    if (!job) {
      jobs.bury(ticket, { state, reason, final: true, again: null });
      return;
    }
    const event: MachineEvent = state === "rejected" ? { kind: "lost" } : { kind: "dropped", state, reason };
    const ended = jobs.apply(ticket, event);
    if (!ended) return jobs.retell(ticket);
    const arrival = this.#open.get(jobKey(ticket));
    if (arrival instanceof OpenArrival) await arrival.cut(state, reason);
    await this.#traces.destroy(ended);
  }

  /** Throws away all that is on its way. */
  async stop(): Promise<void> {
    for (const arrival of [...this.#open.values()]) {
      if (arrival instanceof OpenArrival) await arrival.abandon();
    }
  }
}

/** `lost`: nobody can open what lies here any more. */
function endOf(reason: Reason | null): "expired" | "cancelled" | "rejected" {
  if (reason === "lost") return "rejected";
  return reason === "expired" ? "expired" : "cancelled";
}
