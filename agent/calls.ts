/**
 * Calls to the broker: one message out, one back under the same `rid`, by a deadline. Nothing is sent again by itself:
 * a call that a lost connection cuts short is rejected, and who made it knows whether to repeat it.
 */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import {
  CALL_BYTES_MAX,
  type CALL_SCHEMAS,
  type CallBody,
  REPLY_SCHEMAS,
  type ReplyBody,
  refusalSchema,
} from "../wire/agent-call.ts";
import { PlatenError } from "../wire/error.ts";
import { encodeJson, parseJson } from "../wire/json.ts";

export type AskingCall = keyof typeof REPLY_SCHEMAS;
export type CallArguments<N extends keyof typeof CALL_SCHEMAS> = Omit<CallBody<N>, "rid">;

/** The way out: throws or rejects when there is no session. */
export type SendCall = (call: AskingCall, payload: Uint8Array) => void;

interface Pending {
  readonly call: AskingCall;
  readonly settle: (outcome: { payload: Uint8Array } | { error: PlatenError }) => void;
}

/** Calls are answered in well under a second; a broker that syncs a slow disk may need some. */
export const CALL_DEADLINE_MS = 15_000;
const IN_FLIGHT_MAX = 64;
const ridSchema = z.object({ rid: z.string().max(36) });

export class Calls {
  readonly #send: SendCall;
  readonly #address: string;
  readonly #pending = new Map<string, Pending>();

  constructor(address: string, send: SendCall) {
    this.#address = address;
    this.#send = send;
  }

  /**
   * @throws PlatenError `call-refused` (details `why`, `retryAfter`), `timeout`, `broker-unreachable` when there is no
   * session or it ended meanwhile, `broker-untrusted` for an answer that is none
   */
  async call<N extends AskingCall>(
    call: N,
    body: CallArguments<N>,
    deadlineMs = CALL_DEADLINE_MS,
  ): Promise<ReplyBody<N>> {
    if (this.#pending.size >= IN_FLIGHT_MAX) {
      throw new PlatenError("broker-unreachable", { address: this.#address, why: "too many calls wait" });
    }
    const rid = randomUUID();
    const message = encodeJson({ ...body, rid });
    if (message.length > CALL_BYTES_MAX) throw new TypeError(`a ${call} call of ${message.length} bytes`);
    const payload = await this.#exchange(call, rid, message, deadlineMs);
    const schema = REPLY_SCHEMAS[call] as unknown as z.ZodType<ReplyBody<N>>;
    const reply = parseJson(payload, CALL_BYTES_MAX, schema);
    if (reply) return reply;
    throw this.#describeRefusal(call, payload);
  }

  #exchange(call: AskingCall, rid: string, message: Uint8Array, deadlineMs: number): Promise<Uint8Array> {
    return new Promise<Uint8Array>((resolve, reject) => {
      const timer = setTimeout(() => {
        const meaning = "Nothing is lost; it is tried again.";
        const details = { who: this.#address, seconds: Math.round(deadlineMs / 1000), meaning };
        settle({ error: new PlatenError("timeout", details) });
      }, deadlineMs);
      const settle: Pending["settle"] = (outcome) => {
        clearTimeout(timer);
        this.#pending.delete(rid);
        if ("error" in outcome) reject(outcome.error);
        else resolve(outcome.payload);
      };
      this.#pending.set(rid, { call, settle });
      try {
        this.#send(call, message);
      } catch (cause) {
        settle({ error: this.#unreachable("there is no connection", cause) });
      }
    });
  }

  /** A message on `reply`. One that belongs to no waiting call came too late and is dropped. */
  takeReply(payload: Uint8Array): void {
    const head = parseJson(payload, CALL_BYTES_MAX, ridSchema);
    if (head) this.#pending.get(head.rid)?.settle({ payload });
  }

  /** The session ended: whatever waits will not be answered in another one. */
  rejectAll(why: string): void {
    for (const { settle } of [...this.#pending.values()]) settle({ error: this.#unreachable(why) });
  }

  #describeRefusal(call: AskingCall, payload: Uint8Array): PlatenError {
    const refusal = parseJson(payload, CALL_BYTES_MAX, refusalSchema);
    if (!refusal) {
      const why = `its answer to “${call}” is not as agreed`;
      return new PlatenError("broker-untrusted", { address: this.#address, what: "agent", why });
    }
    const { refused: why, retryAfter } = refusal;
    return new PlatenError(
      "call-refused",
      retryAfter === undefined ? { call, why } : { call, why, retryAfter },
    );
  }

  #unreachable(why: string, cause?: unknown): PlatenError {
    return new PlatenError("broker-unreachable", { address: this.#address, why }, cause);
  }
}
