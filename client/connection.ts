/** One MQTT session with the broker: it lives until it is closed or lost, and never comes back by itself. */
import { randomBytes } from "node:crypto";
import type { MqttClient } from "mqtt";
import { parseAddress } from "../wire/code.ts";
import { PlatenError } from "../wire/error.ts";
import { connectMqtt, type SessionParty, sessionError } from "../wire/tls.ts";
import type { Profile } from "./profile.ts";

/** `retained`: it was there before the subscription. */
export type MessageHandler = (topic: string, payload: Uint8Array, retained: boolean) => void;

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Dials, verifies, logs in.
 * @throws PlatenError `login-refused`, `broker-untrusted`, `broker-misbehaves`, `broker-unreachable`; the signal's reason when aborted
 */
export async function openConnection(profile: Profile, signal?: AbortSignal): Promise<Connection> {
  signal?.throwIfAborted();
  const target = parseAddress(profile.address);
  if (!target) throw new PlatenError("config-invalid", { file: "profile.json", what: "It has no address." });
  const client = connectMqtt(
    { ...target, ca: profile.ca },
    {
      // 23 characters, the longest that MQTT 3.1.1 obliges every broker to take.
      clientId: `platen-${randomBytes(8).toString("hex")}`,
      username: profile.user,
      password: profile.password,
      connectTimeout: CONNECT_TIMEOUT_MS,
    },
  );
  const party = { address: profile.address, who: profile.user, what: "machine" } as const;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = () => reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  client.once("connect", () => resolve());
  client.on("error", (error) => reject(sessionError(error, party)));
  client.once("close", () => reject(closedByPeer(party)));
  try {
    await promise;
    return new Connection(client, party);
  } catch (error) {
    client.end(true);
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

function closedByPeer({ address }: SessionParty): PlatenError {
  return new PlatenError("broker-unreachable", { address, why: "it closed the connection" });
}

export class Connection {
  /** Settles, never rejects, when the session ended, by {@link close} or by the world. */
  readonly lost: Promise<PlatenError>;
  readonly user: string;
  readonly #client: MqttClient;
  /** By filter, the newest last. */
  readonly #handlers = new Map<string, Set<MessageHandler>>();
  /** Waiters for a PUBACK or SUBACK: MQTT.js does not tell all of them when the connection dies. */
  readonly #pending = new Set<(error: PlatenError) => void>();
  /** Unsubscriptions under way: a broker that works on packets side by side might do a new subscription first. */
  readonly #leaving = new Map<string, Promise<void>>();
  #loss: PlatenError | null = null;
  #acknowledged = 0;

  constructor(client: MqttClient, party: SessionParty) {
    this.#client = client;
    this.user = party.who;
    client.on("message", (topic, payload, packet) => {
      this.#hand(topic, topic, payload, packet.retain);
      // The one wildcard filter a sender may use is `.../+`.
      this.#hand(topic.replace(/[^/]*$/, "+"), topic, payload, packet.retain);
    });
    const { promise, resolve } = Promise.withResolvers<PlatenError>();
    this.lost = promise;
    const lose = (error: PlatenError) => {
      this.#loss ??= error;
      client.end(true);
      for (const fail of this.#pending) fail(this.#loss);
      this.#pending.clear();
      resolve(this.#loss);
    };
    client.on("error", (error) => lose(sessionError(error, party)));
    client.on("close", () => lose(closedByPeer(party)));
  }

  get isLost(): boolean {
    return this.#loss !== null;
  }

  /** PUBACKs so far: whether this session was of any use. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** QoS 1; settles at the PUBACK, which is not the broker's `stored`. `payload` must stay untouched until then. */
  publish(topic: string, payload: Uint8Array): Promise<void> {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
    return this.#answered((done) => {
      this.#client.publish(topic, bytes, { qos: 1 }, (error) => {
        if (!error) this.#acknowledged++;
        done(error ?? null);
      });
    });
  }

  /**
   * `refused` when the broker does not allow it. Several may listen to one filter: two documents to one printer, or a
   * job that is followed while it is cancelled. What is retained comes anew with each.
   */
  async subscribe(filter: string, handler: MessageHandler): Promise<"granted" | "refused"> {
    await this.#leaving.get(filter);
    const handlers = this.#handlers.get(filter) ?? new Set();
    this.#handlers.set(filter, handlers.add(handler));
    let granted = true;
    // Without it MQTT.js says nothing to the broker the second time.
    const wanted = Object.assign({ [filter]: { qos: 1 } as const }, { resubscribe: true });
    await this.#answered((done) => {
      this.#client.subscribe(wanted, (error, grants) => {
        // MQTT 3.1.1, 3.9.3: 0x80 is a failure; MQTT.js makes an error of it, but the session lives.
        granted = !error && (grants ?? []).every((grant) => grant.qos !== 128);
        done(this.#client.connected ? null : (error ?? null));
      });
    });
    if (!granted) this.#forget(filter, handler);
    return granted ? "granted" : "refused";
  }

  /** The broker is told once nobody listens to `filter` any more. */
  async unsubscribe(filter: string, handler: MessageHandler): Promise<void> {
    if (!this.#forget(filter, handler) || this.isLost) return;
    const left = this.#answered((done) => this.#client.unsubscribe(filter, (error) => done(error ?? null)));
    const over = left.catch(() => {}).finally(() => this.#leaving.delete(filter));
    this.#leaving.set(filter, over);
    await left;
  }

  /** Says goodbye and closes; what was not acknowledged stays unknown. */
  async close(): Promise<void> {
    // A goodbye needs a peer that takes it; a frozen one is left after a second.
    const force = setTimeout(() => this.#client.stream.destroy(), 1_000);
    if (!this.isLost) this.#client.end(this.#pending.size > 0);
    await this.lost;
    clearTimeout(force);
  }

  /** What the broker repeats for the newest listener is nothing that lay there before the others came. */
  #hand(filter: string, topic: string, payload: Uint8Array, retained: boolean): void {
    const handlers = [...(this.#handlers.get(filter) ?? [])];
    for (const [at, handler] of handlers.entries()) {
      handler(topic, payload, retained && at === handlers.length - 1);
    }
  }

  /** True when it was the last one. */
  #forget(filter: string, handler: MessageHandler): boolean {
    const handlers = this.#handlers.get(filter);
    if (!handlers?.delete(handler) || handlers.size > 0) return false;
    return this.#handlers.delete(filter);
  }

  #answered(ask: (done: (error: unknown) => void) => void): Promise<void> {
    if (this.#loss) return Promise.reject(this.#loss);
    return new Promise((resolve, reject) => {
      this.#pending.add(reject);
      ask((error) => {
        this.#pending.delete(reject);
        if (error) reject(this.#loss ?? error);
        else resolve();
      });
    });
  }
}
