/**
 * The agent's one connection to the broker: dialled, kept, dialled again with growing, jittered pauses, never two at a
 * time. Each session is clean: nothing unsent is carried over, because all that matters is asked anew.
 */
import type { MqttClient } from "mqtt";
import { parseAddress } from "../wire/code.ts";
import { PlatenError } from "../wire/error.ts";
import { encodeJson } from "../wire/json.ts";
import { connectMqtt, sessionError } from "../wire/tls.ts";
import { agentTopic, type CallName, callTopic, parseTopic, partFilter, type Topic } from "../wire/topic.ts";

export interface LinkOptions {
  readonly agent: string;
  /** `host:port` */
  readonly address: string;
  /** Read anew for every dial, so that a renewed certificate is used from the next one on. */
  readonly credentials: () => { ca: string; cert: string; key: string };
}

/** Pauses between dials; the first one after a loss is at most `firstMs`. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

export interface LinkEvents {
  /** A session is there and subscribed; presence says `here`. */
  onUp(): void;
  /** It ended, or a dial failed. Called once per dial. */
  onDown(error: PlatenError): void;
  /** A message on one of our topics. Must return at once: while it runs, no ping is answered. */
  onMessage(topic: Topic, payload: Uint8Array): void;
}

const KEEPALIVE_S = 10;
const BACKOFF: Backoff = { firstMs: 500, maxMs: 30_000 };

export class Link {
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  #client: MqttClient | null = null;
  #up = false;
  #closed = false;
  #failures = 0;
  #backoff = BACKOFF;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
  }

  get up(): boolean {
    return this.#up;
  }

  open(backoff: Backoff = BACKOFF): void {
    this.#backoff = backoff;
    if (this.#closed || this.#client || this.#timer) return;
    this.#dial();
  }

  /** A call or its JSON; at QoS 1. Throws `broker-unreachable` when no session is up. */
  publish(topic: string, payload: Uint8Array, retain = false): void {
    if (!this.#client || !this.#up) throw this.#unreachable("there is no connection");
    this.#client.publish(topic, Buffer.from(payload), { qos: 1, retain });
  }

  publishCall(call: CallName, payload: Uint8Array): void {
    this.publish(callTopic(this.#options.agent, call), payload);
  }

  /** Ends the session that is there, so that the next is dialled with what is on disk now. */
  redial(): void {
    this.#client?.end(true);
  }

  /** Says `away`, then goes. Idempotent, never throws, waits at most a second for the broker. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const client = this.#client;
    if (!client) return;
    if (this.#up) await this.#sayAway(client);
    await new Promise<void>((resolve) => client.end(true, () => resolve()));
  }

  #dial(): void {
    this.#timer = null;
    const { agent, address, credentials } = this.#options;
    const target = parseAddress(address);
    if (!target)
      throw new PlatenError("config-invalid", { file: "broker", what: `“${address}” is no address.` });
    const client = connectMqtt(
      { ...target, ...credentials() },
      {
        clientId: agent,
        keepalive: KEEPALIVE_S,
        reconnectPeriod: 0,
        resubscribe: false,
        queueQoSZero: false,
        will: { topic: agentTopic(agent, "presence"), payload: presence("away"), qos: 1, retain: true },
      },
    );
    this.#client = client;
    let failure: PlatenError | null = null;
    client.on("error", (error) => {
      failure ??= sessionError(error, { address, who: agent, what: "agent" });
      client.end(true);
    });
    client.on("connect", () => this.#subscribe(client));
    client.on("message", (topic, payload) => this.#receive(client, topic, payload));
    keepAwake(client);
    client.once("close", () => this.#end(client, failure ?? this.#unreachable("it closed the connection")));
  }

  #subscribe(client: MqttClient): void {
    const { agent } = this.#options;
    const filters = [agentTopic(agent, "reply"), agentTopic(agent, "ticket"), partFilter(agent)];
    client.subscribe(filters, { qos: 1 }, (error, granted) => {
      if (client !== this.#client || this.#closed) return;
      const refused = granted?.some(({ qos }) => qos > 2) ?? false;
      if (error || refused) {
        client.emit("error", error ?? this.#unreachable("it refused the agent's own topics"));
        return;
      }
      this.#up = true;
      this.#failures = 0;
      this.publish(agentTopic(agent, "presence"), presence("here"), true);
      this.#events.onUp();
    });
  }

  #receive(client: MqttClient, topic: string, payload: Uint8Array): void {
    const parsed = client === this.#client ? parseTopic(topic) : null;
    if (parsed && "agent" in parsed && parsed.agent === this.#options.agent)
      this.#events.onMessage(parsed, payload);
  }

  #end(client: MqttClient, failure: PlatenError): void {
    if (client !== this.#client) return;
    this.#client = null;
    this.#up = false;
    client.end(true);
    this.#events.onDown(failure);
    if (this.#closed) return;
    const { firstMs, maxMs } = this.#backoff;
    const ceilingMs = Math.min(maxMs, firstMs * 2 ** Math.min(this.#failures++, 16));
    this.#timer = setTimeout(() => this.#dial(), ceilingMs * (0.5 + Math.random() / 2));
  }

  async #sayAway(client: MqttClient): Promise<void> {
    const topic = agentTopic(this.#options.agent, "presence");
    const said = client
      .publishAsync(topic, presence("away"), { qos: 1, retain: true })
      .catch(() => undefined);
    await Promise.race([said, new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
  }

  #unreachable(why: string): PlatenError {
    return new PlatenError("broker-unreachable", { address: this.#options.address, why });
  }
}

/**
 * MQTT.js wants the answer to its ping within half a keepalive, also where it stands behind megabytes of parts on a slow
 * line. So whatever arrives proves that the broker is there; and since that puts our pings off, they have a time of
 * their own.
 */
function keepAwake(client: MqttClient): void {
  client.on("packetreceive", () => client.reschedulePing(true));
  const timer = setInterval(() => {
    if (client.connected) client.sendPing();
  }, KEEPALIVE_S * 500);
  client.once("close", () => clearInterval(timer));
}

function presence(state: "here" | "away"): Buffer {
  return Buffer.from(encodeJson({ state }));
}
