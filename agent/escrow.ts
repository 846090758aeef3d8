/** The escrow at the broker, over calls. Shares that come together go out together: one sync there for many. */
import { BATCH_MAX, type EscrowShare } from "../wire/agent-call.ts";
import { decodeBase64 } from "../wire/base64.ts";
import { isPlatenError, PlatenError } from "../wire/error.ts";
import type { JobRef } from "../wire/name.ts";
import type { Calls } from "./calls.ts";
import type { Escrow, EscrowAsk } from "./escrow-port.ts";

type PutResult = "stored" | "ended" | "conflict";

interface WaitingPut {
  readonly share: EscrowShare;
  readonly resolve: (result: PutResult) => void;
  readonly reject: (error: unknown) => void;
}

/** A person waits at the keypad: they get an answer, or a clear failure, within ten seconds. */
const PERSON_DEADLINE_MS = 8000;

export class BrokerEscrow implements Escrow {
  readonly #calls: Calls;
  readonly #isUp: () => boolean;
  #puts: WaitingPut[] = [];
  #putting = false;

  constructor(calls: Calls, isUp: () => boolean) {
    this.#calls = calls;
    this.#isUp = isUp;
  }

  get reachable(): boolean {
    return this.#isUp();
  }

  put(share: EscrowShare): Promise<PutResult> {
    return new Promise((resolve, reject) => {
      this.#puts.push({ share, resolve, reject });
      void this.#flush();
    });
  }

  async ask(asks: readonly EscrowAsk[]): Promise<(Uint8Array | null)[]> {
    const answers: (Uint8Array | null)[] = [];
    for (let at = 0; at < asks.length; at += BATCH_MAX) {
      const batch = asks.slice(at, at + BATCH_MAX);
      const { shares } = await answered(this.#calls.call("ask", { asks: batch }, PERSON_DEADLINE_MS));
      if (shares.length !== batch.length) throw noAnswer("its answer has another length than the question");
      for (const share of shares) answers.push(share === null ? null : decodeBase64(share));
    }
    return answers;
  }

  async claim({ user, job }: JobRef, printer: string): Promise<boolean> {
    const call = this.#calls.call("claim", { user, job, printer }, PERSON_DEADLINE_MS);
    return (await answered(call)).granted;
  }

  /** Every share this agent has in memory, again: the broker may have lost its own. Rejects at the first failure. */
  async putAgain(shares: readonly EscrowShare[]): Promise<void> {
    for (let at = 0; at < shares.length; at += BATCH_MAX) {
      await answered(this.#calls.call("put", { shares: shares.slice(at, at + BATCH_MAX) }));
    }
  }

  async #flush(): Promise<void> {
    if (this.#putting) return;
    this.#putting = true;
    try {
      // What comes while a batch is under way makes up the next one.
      while (this.#puts.length > 0) await this.#putBatch(this.#puts.splice(0, BATCH_MAX));
    } finally {
      this.#putting = false;
    }
  }

  async #putBatch(batch: readonly WaitingPut[]): Promise<void> {
    try {
      const { results } = await answered(
        this.#calls.call("put", { shares: batch.map(({ share }) => share) }),
      );
      if (results.length !== batch.length) throw noAnswer("its answer has another length than the question");
      for (const [i, { resolve }] of batch.entries()) resolve(results[i] as PutResult);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}

/** The port knows two ways of having no answer. A refusal or a broken answer is no answer either. */
async function answered<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (isPlatenError(error, "timeout") || isPlatenError(error, "broker-unreachable")) throw error;
    throw noAnswer(isPlatenError(error) ? error.message : "the call failed", error);
  }
}

function noAnswer(why: string, cause?: unknown): PlatenError {
  return new PlatenError("broker-unreachable", { address: "escrow", why }, cause);
}
