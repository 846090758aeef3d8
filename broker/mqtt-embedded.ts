/** aedes behind the MQTT port: logins, topic rules, and messages handed to the services before they are confirmed. */
import { randomUUID } from "node:crypto";
import type { EventEmitter } from "node:events";
import type { TLSSocket } from "node:tls";
import {
  Aedes,
  type AuthenticateError,
  type Client,
  type ConnectPacket,
  type PublishPacket,
  type Subscription,
} from "aedes";
import type { Topic } from "../wire/topic.ts";
import { type Identity, judgePublish, maySubscribe } from "./access.ts";
import { foldAddress } from "./guard.ts";
import {
  isWillAllowed,
  KEEPALIVE_MAX_S,
  type Login,
  type LoginFault,
  RETURN_CODES,
  sessionId,
} from "./guard-connect.ts";
import { type Log, nameError } from "./log.ts";
import { type Gatekeepers, proveLogin, readPeer } from "./login.ts";
import type { MqttPort, MqttReceiver, PublishOptions } from "./mqtt-port.ts";
import { type Session, Sessions } from "./sessions.ts";

/** A connection that takes nothing for this long is cut; a slow link must move one part within it. */
const DRAIN_TIMEOUT_MS = 20_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** Of the contract's topics the longest has 8 levels. */
const TOPIC_LEVELS_MAX = 16;
/** Each costs memory, and there are as many filters as job ids; whoever follows more has one with `+`. */
const FILTERS_MAX = 512;

export interface EmbeddedOptions {
  readonly gatekeepers: Gatekeepers;
  readonly receiver: MqttReceiver;
  readonly log: Log;
  /** Called once a login was accepted. */
  readonly onWelcome: (socket: TLSSocket) => void;
}

type Done = (error?: Error | null) => void;

/** Owns aedes and its sessions. `handle` takes over a TLS connection. */
export class EmbeddedMqtt implements MqttPort {
  readonly sessions = new Sessions();
  readonly #aedes: Aedes;
  readonly #options: EmbeddedOptions;
  readonly #logins = new WeakMap<Client, Login | LoginFault>();

  private constructor(options: EmbeddedOptions) {
    this.#options = options;
    this.#aedes = new Aedes({
      // Unbounded: a frozen subscriber holds up only itself. aedes' default of 100 stalls everyone.
      concurrency: 0,
      drainTimeout: DRAIN_TIMEOUT_MS,
      connectTimeout: CONNECT_TIMEOUT_MS,
      maxClientsIdLength: 256,
      maxTopicLevels: TOPIC_LEVELS_MAX,
      maxInflightInbound: 1,
      preConnect: (client, packet, done) => this.#preConnect(client, packet, done),
      authenticate: (client, _username, _password, done) => void this.#authenticate(client, done),
      authorizePublish: (client, packet, done) => this.#authorizePublish(client, packet, done),
      authorizeSubscribe: (client, subscription, done) =>
        this.#authorizeSubscribe(client, subscription, done),
    });
    const report = (client: Client, error: Error) => {
      const address = addressOf(client);
      options.log.write("connection-error", { why: nameError(error), address });
    };
    // Without a listener it would end the program.
    (this.#aedes as EventEmitter).on("error", (error) => {
      options.log.write("internal-error", { what: "mqtt", why: nameError(error) });
    });
    this.#aedes.on("unsubscribe", (filters, client) => {
      for (const filter of filters) this.sessions.get(client)?.filters.delete(filter);
    });
    this.#aedes.on("clientError", report);
    this.#aedes.on("connectionError", report);
  }

  static async start(options: EmbeddedOptions): Promise<EmbeddedMqtt> {
    const embedded = new EmbeddedMqtt(options);
    await embedded.#aedes.listen();
    return embedded;
  }

  handle(socket: TLSSocket): void {
    this.#aedes.handle(socket);
  }

  publish(topic: string, payload: Uint8Array, options: PublishOptions = {}): Promise<void> {
    const packet: PublishPacket = {
      cmd: "publish",
      topic,
      payload: payload as Buffer,
      qos: options.qos ?? 0,
      retain: options.retain ?? false,
      dup: false,
    };
    return new Promise((resolve) => {
      this.#aedes.publish(packet, (error) => {
        if (error) this.#options.log.write("internal-error", { what: "publish", why: nameError(error) });
        resolve();
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#aedes.close(resolve));
  }

  #preConnect(client: Client, packet: ConnectPacket, done: (error: Error | null, ok: boolean) => void): void {
    let login: Login | LoginFault;
    try {
      login = readPeer(client.conn as TLSSocket, packet, this.#options.gatekeepers);
    } catch (error) {
      // The database cannot be read: a misfortune of this connection, not the end of the program.
      this.#options.log.write("internal-error", { what: "login", why: nameError(error) });
      done(null, false);
      return;
    }
    this.#logins.set(client, login);
    // Whatever cannot be a login is refused by `authenticate`, which can say so with a CONNACK.
    if (typeof login !== "string") restrain(packet, login);
    done(null, true);
  }

  async #authenticate(
    client: Client,
    done: (error: AuthenticateError | null, ok: boolean | null) => void,
  ): Promise<void> {
    const address = addressOf(client);
    const login = this.#logins.get(client) ?? "not-authorized";
    const proved = typeof login === "string" ? login : await this.#prove(login, address);
    if (client.closed) return;
    // Judged in the same turn as the session begins, so that of two at once only one comes in.
    const identity = this.#isSecond(proved) ? "second-session" : proved;
    if (typeof identity === "string") {
      const whom = typeof login === "string" ? {} : { kind: login.kind, name: nameLogin(login) };
      this.#options.log.write("login-refused", { fault: identity, address, ...whom });
      const returnCode = RETURN_CODES[identity];
      done(Object.assign(new Error(identity), { returnCode }) as AuthenticateError, false);
    } else {
      this.#begin(client, { identity, address, filters: new Set() });
      done(null, true);
    }
  }

  async #prove(login: Login, address: string): Promise<Identity | keyof typeof RETURN_CODES> {
    const { gatekeepers, log } = this.#options;
    try {
      return await proveLogin(login, address, gatekeepers);
    } catch (error) {
      log.write("internal-error", { what: "login", why: nameError(error) });
      return "unavailable";
    }
  }

  #isSecond(proved: Identity | string): boolean {
    return typeof proved !== "string" && proved.kind === "agent" && this.sessions.isConnected(proved.name);
  }

  #begin(client: Client, session: Session): void {
    this.sessions.add(client, session);
    client.conn.once("close", () => this.#end(client));
    this.#options.onWelcome(client.conn as TLSSocket);
    if (session.identity.kind !== "agent") return;
    this.#options.log.write("agent-here", { agent: session.identity.name, address: session.address });
    this.#options.receiver.resetAgent(session.identity.name);
  }

  #authorizePublish(client: Client | null, packet: PublishPacket, done: Done): void {
    const session = client && this.sessions.get(client);
    const taken = session ? this.#take(session, packet) : new Error("no session");
    if (taken instanceof Promise) void taken.then(() => done());
    else done(taken);
  }

  /** An error cuts the connection; a promise holds the PUBACK back, and never rejects. */
  #take({ identity, address }: Session, packet: PublishPacket): Promise<void> | Error | null {
    const verdict = judgePublish(identity, packet.topic);
    if (verdict.kind === "deny") return this.#deny(identity, packet.topic);
    // Retained topics are the broker's alone.
    packet.retain = false;
    const { receiver } = this.#options;
    if (verdict.kind === "malformed" || packet.qos === 2) {
      const job = verdict.kind === "malformed" ? verdict.job : jobOf(verdict.topic);
      if (identity.kind === "user") receiver.receiveMalformed(identity.name, job);
      // QoS 2 keeps every message in memory for a second round trip; MQTT 3.1.1 has no gentler way to say no.
      return packet.qos === 2 ? new Error("QoS 2 is not served") : null;
    }
    // An error of ours is no reason to cut a sender off, who would only send the same again.
    const fail = (error: unknown) => {
      this.#options.log.write("internal-error", { what: "message", why: nameError(error) });
    };
    try {
      const payload = toBuffer(packet.payload);
      return (
        receiver.receive({ topic: verdict.topic, payload, address, from: identity })?.catch(fail) ?? null
      );
    } catch (error) {
      fail(error);
      return null;
    }
  }

  #authorizeSubscribe(
    client: Client,
    subscription: Subscription,
    done: (error: Error | null, subscription?: Subscription | null) => void,
  ): void {
    const session = this.sessions.get(client);
    const { topic } = subscription;
    const allowed = session !== null && maySubscribe(session.identity, topic) && hasRoom(session, topic);
    if (allowed) session.filters.add(subscription.topic);
    if (session && !allowed) this.#deny(session.identity, subscription.topic);
    if (subscription.qos === 2) subscription.qos = 1;
    // Null: the answer is failure for this filter (MQTT 3.1.1, 3.9.3); the session goes on.
    done(null, allowed ? subscription : null);
  }

  #deny(identity: Identity, topic: string): Error {
    const { kind } = identity;
    const shown = topic.slice(0, 160).replace(/[^\x20-\x7e]/g, "?");
    this.#options.log.write("topic-denied", { kind, name: nameIdentity(identity), topic: shown });
    return new Error("topic denied");
  }

  #end(client: Client): void {
    const session = this.sessions.remove(client);
    if (session?.identity.kind !== "agent") return;
    this.#options.log.write("agent-away", { agent: session.identity.name });
    if (!this.sessions.isConnected(session.identity.name)) {
      this.#options.receiver.resetAgent(session.identity.name);
    }
  }
}

/** Takes from a CONNECT what it asks beyond its due. */
function restrain(packet: ConnectPacket, login: Login): void {
  packet.clientId = sessionId(login, packet.clientId, randomUUID);
  // Queues of absent sessions would sit in memory; all that must last is retained or asked for again.
  packet.clean = true;
  if (!packet.keepalive || packet.keepalive > KEEPALIVE_MAX_S) packet.keepalive = KEEPALIVE_MAX_S;
  if (packet.will && !isWillAllowed(login, packet.will)) Reflect.deleteProperty(packet, "will");
}

function hasRoom({ filters }: Session, filter: string): boolean {
  return filters.size < FILTERS_MAX || filters.has(filter);
}

function addressOf(client: Client): string {
  return foldAddress((client.conn as TLSSocket).remoteAddress ?? "");
}

function nameIdentity(identity: Identity): string {
  return identity.kind === "first-contact" ? identity.id : identity.name;
}

function nameLogin(login: Login): string {
  return login.kind === "first-contact" ? login.id : login.name;
}

function jobOf(topic: Topic): string | null {
  return topic.room === "send" ? topic.job : null;
}

function toBuffer(payload: string | Buffer): Buffer {
  return typeof payload === "string" ? Buffer.from(payload) : payload;
}
