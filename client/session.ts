/** A sender's line to the broker that outlives lost connections: work is begun again on a new one, until it is done. */
import { setTimeout as delay } from "node:timers/promises";
import { isPlatenError } from "../wire/error.ts";
import { type Connection, openConnection } from "./connection.ts";
import type { Profile } from "./profile.ts";

export interface SessionOptions {
  readonly signal?: AbortSignal;
  /** How long to go on dialling while the broker is away. */
  readonly giveUpMs?: number;
}

const GIVE_UP_MS = 120_000;
const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 10_000;
/** Sessions in a row that broke before anything was acknowledged: a broker that takes nothing is no network fault. */
const FRUITLESS_MAX = 6;

/** Dials once, so that a wrong login or an unknown machine shows at once. The caller closes it. */
export async function openSession(profile: Profile, options: SessionOptions = {}): Promise<Session> {
  return new Session(profile, await openConnection(profile, options.signal), options);
}

export class Session {
  readonly profile: Profile;
  readonly #options: SessionOptions;
  #connection: Connection;
  #dialling: Promise<Connection> | null = null;

  constructor(profile: Profile, connection: Connection, options: SessionOptions) {
    this.profile = profile;
    this.#connection = connection;
    this.#options = options;
  }

  /** The connection, if it lives now. */
  get live(): Connection | null {
    return this.#connection.isLost ? null : this.#connection;
  }

  /** The live connection, or a new one once the broker is there again. */
  connect(): Promise<Connection> {
    if (!this.#connection.isLost) return Promise.resolve(this.#connection);
    this.#dialling ??= this.#redial().finally(() => {
      this.#dialling = null;
    });
    return this.#dialling;
  }

  /**
   * Runs `work`, from its beginning on a new connection whenever one was lost under it: it keeps what it already
   * achieved by itself. Any other error of `work` ends the run.
   */
  async run<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    for (let fruitless = 0; ; ) {
      const connection = await this.connect();
      const before = connection.acknowledged;
      try {
        return await work(connection);
      } catch (error) {
        if (!isPlatenError(error, "broker-unreachable") || !connection.isLost) throw error;
        fruitless = connection.acknowledged > before ? 0 : fruitless + 1;
        if (fruitless === FRUITLESS_MAX) throw error;
        await delay(backoffMs(fruitless), undefined, this.#waitOptions());
      }
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #redial(): Promise<Connection> {
    const deadline = performance.now() + (this.#options.giveUpMs ?? GIVE_UP_MS);
    for (let attempt = 1; ; attempt++) {
      try {
        this.#connection = await openConnection(this.profile, this.#options.signal);
        return this.#connection;
      } catch (error) {
        const waitMs = backoffMs(attempt);
        if (!isPlatenError(error, "broker-unreachable") || performance.now() + waitMs > deadline) throw error;
        await delay(waitMs, undefined, this.#waitOptions());
      }
    }
  }

  #waitOptions() {
    return this.#options.signal ? { signal: this.#options.signal } : {};
  }
}

/** Doubling, with a random half so that many senders do not come back in step. */
function backoffMs(attempt: number): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** attempt);
  return ceiling / 2 + Math.random() * (ceiling / 2);
}
