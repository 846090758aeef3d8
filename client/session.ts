/** A sender's line to the broker that outlives lost connections: work is begun again on a new one, until it is done. */
import { setTimeout as delay } from "node:timers/promises";
import { isPlatenError } from "../wire/error.ts";
import { type Connection, openConnection } from "./connection.ts";
import type { Profile } from "./profile.ts";

export interface SessionOptions {
  readonly signal?: AbortSignal;
  /** How long to go on dialling while the broker is away. */
  readonly giveUpMs?: number;
  /** Wait before the first new attempt; it doubles with each. */
  readonly retryMs?: number;
}

const GIVE_UP_MS = 120_000;
const RETRY_MS = 200;
const RETRY_MAX_MS = 10_000;
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
  /** Ends dialling and waiting: the session was closed, or its caller's signal said so. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;

  constructor(profile: Profile, connection: Connection, options: SessionOptions) {
    this.profile = profile;
    this.#connection = connection;
    this.#options = options;
    const { signal } = options;
    this.#signal = signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal;
  }

  /** The connection, if it lives now. */
  get live(): Connection | null {
    return this.#connection.isLost ? null : this.#connection;
  }

  /** The live connection, or a new one once the broker is there again. `signal` ends this wait only. */
  async connect(signal?: AbortSignal): Promise<Connection> {
    signal?.throwIfAborted();
    if (!this.#connection.isLost) return this.#connection;
    this.#dialling ??= this.#redial().finally(() => {
      this.#dialling = null;
    });
    return untilAborted(this.#dialling, signal);
  }

  /**
   * Runs `work`, from its beginning on a new connection whenever one was lost under it: it keeps what it already
   * achieved by itself. Any other error of `work` ends the run.
   */
  async run<T>(work: (connection: Connection) => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (let fruitless = 0; ; ) {
      const connection = await this.connect(signal);
      const before = connection.acknowledged;
      try {
        return await work(connection);
      } catch (error) {
        if (!isPlatenError(error, "broker-unreachable") || !connection.isLost) throw error;
        fruitless = connection.acknowledged > before ? 0 : fruitless + 1;
        if (fruitless === FRUITLESS_MAX) throw error;
        await untilAborted(pause(this.#waitMs(fruitless), this.#signal), signal);
      }
    }
  }

  async close(): Promise<void> {
    this.#stop.abort(new DOMException("the session was closed", "AbortError"));
    await this.#dialling?.catch(() => {});
    await this.#connection.close();
  }

  async #redial(): Promise<Connection> {
    const deadline = performance.now() + (this.#options.giveUpMs ?? GIVE_UP_MS);
    for (let attempt = 1; ; attempt++) {
      try {
        this.#connection = await openConnection(this.profile, this.#signal);
        return this.#connection;
      } catch (error) {
        const waitMs = this.#waitMs(attempt);
        if (!isPlatenError(error, "broker-unreachable") || performance.now() + waitMs > deadline) throw error;
        await pause(waitMs, this.#signal);
      }
    }
  }

  /** Doubling, with a random half so that many senders do not come back in step. */
  #waitMs(attempt: number): number {
    const ceiling = Math.min(RETRY_MAX_MS, (this.#options.retryMs ?? RETRY_MS) * 2 ** attempt);
    return ceiling / 2 + Math.random() * (ceiling / 2);
  }
}

/** Rejects with the signal's own reason, which `node:timers` would wrap. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}

async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
