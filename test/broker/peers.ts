/** The two ends of the relay as tests play them: an agent and a sender that do what the test says. */
import { randomUUID } from "node:crypto";
import type { MqttClient } from "mqtt";
import { type Ticket, ticketSchema } from "../../wire/agent-call.ts";
import type { JobState } from "../../wire/state.ts";
import { type JobStatus, statusSchema } from "../../wire/status.ts";
import {
  agentTopic,
  type CallName,
  callTopic,
  parseTopic,
  partFilter,
  sendTopic,
  statusFilter,
} from "../../wire/topic.ts";

const PATIENCE_MS = 5000;

/** Things that come in, and waits for the first that fits, past ones included. */
class Arrivals<T> {
  readonly all: T[] = [];
  readonly #waits = new Set<() => void>();

  add(item: T): void {
    this.all.push(item);
    for (const look of [...this.#waits]) look();
  }

  async until(fits: (item: T) => boolean): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const look = () => {
      const found = this.all.find(fits);
      if (found !== undefined) resolve(found);
    };
    const late = () => reject(new Error(`it did not come; ${JSON.stringify(this.all).slice(0, 2000)}`));
    const timer = setTimeout(late, PATIENCE_MS);
    this.#waits.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waits.delete(look);
    });
  }
}

interface Part {
  readonly user: string;
  readonly job: string;
  readonly n: number;
  readonly bytes: Buffer;
}

type Reply = Record<string, unknown> & { readonly rid: string };

export class AgentPeer {
  readonly tickets = new Arrivals<Ticket>();
  readonly parts = new Arrivals<Part>();
  readonly replies = new Arrivals<Reply>();
  readonly agent: string;
  readonly client: MqttClient;

  private constructor(agent: string, client: MqttClient) {
    this.agent = agent;
    this.client = client;
    client.on("message", (text, payload) => this.#take(text, payload));
  }

  static async open(agent: string, client: MqttClient): Promise<AgentPeer> {
    const peer = new AgentPeer(agent, client);
    const filters = [agentTopic(agent, "reply"), agentTopic(agent, "ticket"), partFilter(agent)];
    await client.subscribeAsync(filters, { qos: 1 });
    return peer;
  }

  hello(...printers: string[]): Promise<Reply> {
    const names = printers.length > 0 ? printers : [this.agent];
    return this.call("hello", {
      version: "test",
      printers: names.map((name) => ({ name, languages: ["pdf"], raw: true })),
    });
  }

  async call(call: CallName, body: object): Promise<Reply> {
    const rid = randomUUID();
    await this.client.publishAsync(callTopic(this.agent, call), JSON.stringify({ rid, ...body }), { qos: 1 });
    return this.replies.until((reply) => reply.rid === rid);
  }

  async credit(ref: { user: string; job: string }, from: number, window: number): Promise<void> {
    const body = JSON.stringify({ user: ref.user, job: ref.job, from, window });
    await this.client.publishAsync(callTopic(this.agent, "parts"), body, { qos: 1 });
  }

  tell(ref: { user: string; job: string }, state: JobState, more: object = {}): Promise<Reply> {
    const { user, job } = ref;
    const at = Math.floor(Date.now() / 1000);
    const event = {
      id: randomUUID(),
      user,
      job,
      state,
      reason: null,
      printer: null,
      at,
      bytes: null,
      final: false,
    };
    return this.call("event", { events: [{ ...event, ...more }] });
  }

  #take(text: string, payload: Buffer): void {
    const topic = parseTopic(text);
    if (topic?.room === "part") {
      this.parts.add({ user: topic.user, job: topic.job, n: topic.n, bytes: payload });
    } else if (topic?.room === "ticket") this.tickets.add(ticketSchema.parse(JSON.parse(payload.toString())));
    else if (topic?.room === "reply") this.replies.add(JSON.parse(payload.toString()));
  }
}

interface Told {
  readonly job: string;
  readonly status: JobStatus | null;
  readonly retained: boolean;
}

export class SenderPeer {
  readonly told = new Arrivals<Told>();
  readonly user: string;
  readonly client: MqttClient;

  private constructor(user: string, client: MqttClient) {
    this.user = user;
    this.client = client;
    client.on("message", (text, payload, { retain }) => {
      const topic = parseTopic(text);
      if (topic?.room !== "status") return;
      const status = payload.length === 0 ? null : statusSchema.parse(JSON.parse(payload.toString()));
      this.told.add({ job: topic.job, status, retained: retain });
    });
  }

  static async open(user: string, client: MqttClient): Promise<SenderPeer> {
    const peer = new SenderPeer(user, client);
    await client.subscribeAsync(statusFilter(user), { qos: 1 });
    return peer;
  }

  publish(
    target: string,
    job: string,
    leaf: number | "only" | "end" | "cancel",
    payload: Uint8Array | string = "",
  ) {
    const bytes = typeof payload === "string" ? payload : Buffer.from(payload);
    return this.client.publishAsync(sendTopic({ user: this.user, job }, target, leaf), bytes, { qos: 1 });
  }

  end(target: string, job: string, parts: number, bytes: number, more: object = {}) {
    return this.publish(target, job, "end", JSON.stringify({ parts, bytes, ...more }));
  }

  /** The first status of the job in this state (and with this reason). */
  async until(job: string, state: JobState, reason?: string | null): Promise<JobStatus> {
    const { status } = await this.told.until(
      ({ job: of, status }) =>
        of === job && status?.state === state && (reason === undefined || status.reason === reason),
    );
    return status as JobStatus;
  }
}
