/** Tells agents what is wanted of a job: on every change, and all of it again whenever an agent says hello. */
import type { Ticket } from "../wire/agent-call.ts";
import { encodeJson } from "../wire/json.ts";
import type { Reason } from "../wire/reason.ts";
import { agentTopic } from "../wire/topic.ts";
import { cameOut, needsParts } from "./job-state.ts";
import type { Copy, Job, Jobs } from "./jobs.ts";
import type { MqttPort } from "./mqtt-port.ts";
import type { PartStore } from "./part-store.ts";

export class Tickets {
  readonly #port: MqttPort;
  readonly #jobs: Jobs;
  readonly #parts: PartStore;
  readonly #isConnected: (agent: string) => boolean;

  constructor(
    port: MqttPort,
    rows: { readonly jobs: Jobs; readonly parts: PartStore },
    isConnected: (agent: string) => boolean,
  ) {
    this.#port = port;
    this.#jobs = rows.jobs;
    this.#parts = rows.parts;
    this.#isConnected = isConnected;
  }

  /** To every agent that has more to do with the job. */
  send(job: Job, copies: readonly Copy[]): void {
    for (const copy of copies) if (!copy.final) this.#sendOne(job, copy);
  }

  /** All that is wanted of an agent, and what it is believed to hold. Call it once it listens. */
  sendAll(agent: string): void {
    for (const copy of this.#jobs.openCopiesAt(agent)) {
      const job = this.#jobs.get(copy);
      if (job) this.#sendOne(job, copy, true);
    }
  }

  #sendOne(job: Job, copy: Copy, greets = false): void {
    if (!this.#isConnected(copy.agent)) return;
    const ticket = this.#make(job, copy, greets);
    if (ticket) void this.#port.publish(agentTopic(copy.agent, "ticket"), encodeJson(ticket), { qos: 1 });
  }

  #make(job: Job, copy: Copy, greets: boolean): Ticket | null {
    const holds = !needsParts(copy);
    const reason = dropReason(job, copy.agent) ?? (holds && copy.reason === "lost" ? copy.reason : null);
    if (reason === null && holds && !greets) return null;
    const early = job.state === "receiving";
    // Nothing to fetch yet: the first part sends the ticket.
    if (reason === null && early && !holds && !this.#parts.get(job)?.has(0)) return null;
    return {
      user: job.user,
      job: job.job,
      target: job.target,
      printers: [...copy.printers],
      want: reason === null ? (holds ? "hold" : "take") : "drop",
      reason,
      parts: early ? null : job.parts,
      bytes: early ? null : job.bytes,
      expires: job.expiresSaid,
      otp: job.otp,
      group: job.isGroup,
    };
  }
}

/** Why an agent is to let go of the job, or null when it is not. */
export function dropReason(job: Job, agent: string): Reason | null {
  if (job.wish !== null) return job.wish;
  if (job.endedAt !== null) {
    return cameOut(job.state) ? "printed-elsewhere" : (job.reason ?? "by-administrator");
  }
  return job.deliveredAgent === null || job.deliveredAgent === agent ? null : "printed-elsewhere";
}

/** True while an agent is to fetch the job. */
export function wantsParts(job: Job, copy: Copy): boolean {
  return needsParts(copy) && dropReason(job, copy.agent) === null;
}
