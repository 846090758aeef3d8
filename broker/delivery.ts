/**
 * Parts to agents under credit: each (agent, job) is a flow that sends what it may, in order, as parts become
 * available, one at a time and only as fast as the connection takes them.
 */
import { AGENT_WINDOW_PARTS } from "../wire/limits.ts";
import { type JobRef, jobKey } from "../wire/name.ts";
import { partTopic } from "../wire/topic.ts";
import type { MqttPort } from "./mqtt-port.ts";
import { giveBack } from "./part-memory.ts";
import type { PartStore } from "./part-store.ts";

/** Per agent; more than its inbox fetches at once. */
const FLOWS_MAX = 64;
const HOT_MAX = AGENT_WINDOW_PARTS;

interface Flow {
  readonly agent: string;
  readonly ref: JobRef;
  /** The part to send next, and the end of the credit. */
  next: number;
  limit: number;
  /** Parts that just came in: an agent that keeps up costs no second look at the disk. */
  readonly hot: Map<number, Buffer>;
  running: boolean;
  stopped: boolean;
}

export interface DeliveryOptions {
  readonly port: MqttPort;
  readonly parts: PartStore;
  /** False from the moment the agent holds the job, or the job ended: it is refused its parts. */
  readonly mayFetch: (agent: string, ref: JobRef) => boolean;
  readonly onError: (ref: JobRef, error: unknown) => void;
}

export class Delivery {
  readonly #options: DeliveryOptions;
  /** By job, then by agent. */
  readonly #flows = new Map<string, Map<string, Flow>>();
  readonly #counts = new Map<string, number>();

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /**
   * Credit for parts `from` to `from + window - 1`. Where `from` is the end of the credit so far it is added to it;
   * otherwise the agent begins again at `from`. A window of 0 ends the flow. False: refused.
   */
  credit(agent: string, ref: JobRef, from: number, window: number): boolean {
    if (window === 0) {
      this.#stopFlow(jobKey(ref), agent);
      return true;
    }
    const flow = this.#open(agent, ref);
    if (!flow) return false;
    if (from !== flow.limit) {
      flow.next = from;
      flow.hot.clear();
    }
    flow.limit = from + window;
    this.#start(flow);
    return true;
  }

  /** A part of the job came in, and is in its file. Its memory is the delivery's from now on. */
  notice(ref: JobRef, n: number, part: Buffer): void {
    const flows = [...(this.#flows.get(jobKey(ref))?.values() ?? [])];
    // Kept for one agent only, so that it is clear who gives it back.
    const keeper = flows.find((flow) => n >= flow.next && n < flow.limit && flow.hot.size < HOT_MAX);
    if (keeper) keeper.hot.set(n, part);
    else giveBack(part);
    for (const flow of flows) this.#start(flow);
  }

  /** Nobody (or `agent`) is sent more of the job. */
  stop(ref: JobRef, agent?: string): void {
    const key = jobKey(ref);
    const agents = agent === undefined ? [...(this.#flows.get(key)?.keys() ?? [])] : [agent];
    for (const each of agents) this.#stopFlow(key, each);
  }

  /** The agent's session ended: all that was asked for in it is void. */
  resetAgent(agent: string): void {
    for (const key of [...this.#flows.keys()]) this.#stopFlow(key, agent);
  }

  #open(agent: string, ref: JobRef): Flow | null {
    const key = jobKey(ref);
    const there = this.#flows.get(key)?.get(agent);
    if (there) return there;
    const count = this.#counts.get(agent) ?? 0;
    if (count >= FLOWS_MAX || !this.#options.mayFetch(agent, ref)) return null;
    const flow: Flow = { agent, ref, next: 0, limit: 0, hot: new Map(), running: false, stopped: false };
    const flows = this.#flows.get(key) ?? new Map<string, Flow>();
    this.#flows.set(key, flows.set(agent, flow));
    this.#counts.set(agent, count + 1);
    return flow;
  }

  #stopFlow(key: string, agent: string): void {
    const flows = this.#flows.get(key);
    const flow = flows?.get(agent);
    if (!flows || !flow) return;
    flow.stopped = true;
    flow.hot.clear();
    flows.delete(agent);
    if (flows.size === 0) this.#flows.delete(key);
    const left = (this.#counts.get(agent) ?? 1) - 1;
    if (left > 0) this.#counts.set(agent, left);
    else this.#counts.delete(agent);
  }

  #start(flow: Flow): void {
    if (flow.running) return;
    this.#run(flow).catch((error: unknown) => this.#options.onError(flow.ref, error));
  }

  async #run(flow: Flow): Promise<void> {
    const { port, parts } = this.#options;
    const { agent, ref } = flow;
    flow.running = true;
    try {
      while (!flow.stopped && flow.next < flow.limit) {
        const n = flow.next;
        const part = flow.hot.get(n) ?? parts.get(ref)?.read(n);
        if (!part) return;
        flow.hot.delete(n);
        flow.next = n + 1;
        // QoS 0: the agent asks again for what it lacks, so nothing needs to be kept until it is confirmed.
        await port.publish(partTopic(agent, ref, n), part);
        giveBack(part);
      }
    } finally {
      flow.running = false;
    }
  }
}
