/** What agents ask, under `agents/<agent>/call/<name>`: checked against its schema, answered on `reply` under its `rid`. */
import { z } from "zod";
import {
  CALL_BYTES_MAX,
  CALL_SCHEMAS,
  type CallBody,
  type Refusal,
  type ReplyBody,
  type refusalSchema,
} from "../wire/agent-call.ts";
import { PlatenError } from "../wire/error.ts";
import { encodeJson, parseJson } from "../wire/json.ts";
import { agentTopic, type CallName } from "../wire/topic.ts";
import type { BootDesk } from "./boot-desk.ts";
import type { Delivery } from "./delivery.ts";
import type { Escrow } from "./escrow.ts";
import type { Jobs } from "./jobs.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { type Log, nameError } from "./log.ts";
import type { MqttPort } from "./mqtt-port.ts";
import type { AgentCertificates, Directory } from "./registry-port.ts";
import { dropReason, type Tickets } from "./tickets.ts";

export interface CallServices {
  readonly port: MqttPort;
  readonly jobs: Jobs;
  readonly lifecycle: Lifecycle;
  readonly escrow: Escrow;
  readonly delivery: Delivery;
  readonly tickets: Tickets;
  readonly bootDesk: BootDesk;
  readonly directory: Directory;
  readonly agentCertificates: AgentCertificates;
  readonly log: Log;
  readonly now: () => number;
}

type AnsweredCall = Exclude<CallName, "parts">;
type Refused = Pick<Refusal, "refused" | "retryAfter">;
type Answer<N extends AnsweredCall> = Omit<ReplyBody<N>, "rid"> | Refused;

/** Calls of one agent under way at once; an honest one has a few. */
const UNDER_WAY_MAX = 64;
const ridSchema = z.object({ rid: z.string().regex(/^[A-Za-z0-9-]{1,36}$/) });

export class Calls {
  readonly #with: CallServices;
  readonly #underWay = new Map<string, number>();

  constructor(services: CallServices) {
    this.#with = services;
  }

  /** Resolves once answered. Never rejects. */
  async take(agent: string, call: CallName, payload: Uint8Array, address: string): Promise<void> {
    if (call === "parts") {
      this.#giveCredit(agent, payload);
      return;
    }
    const rid = parseJson(payload, CALL_BYTES_MAX, ridSchema)?.rid;
    if (rid === undefined) {
      this.#refuse(agent, call, "malformed");
      return;
    }
    const underWay = this.#underWay.get(agent) ?? 0;
    if (underWay >= UNDER_WAY_MAX) {
      this.#reply(agent, { rid, refused: "busy", retryAfter: 1 });
      return;
    }
    this.#underWay.set(agent, underWay + 1);
    try {
      this.#reply(agent, { rid, ...(await this.#answer(agent, call, payload, address)) });
      // Only now it listens, and only after the answer it knows which printers are its own.
      if (call === "hello") this.#with.tickets.sendAll(agent);
    } finally {
      const left = (this.#underWay.get(agent) ?? 1) - 1;
      if (left > 0) this.#underWay.set(agent, left);
      else this.#underWay.delete(agent);
    }
  }

  async #answer(
    agent: string,
    call: AnsweredCall,
    payload: Uint8Array,
    address: string,
  ): Promise<Answer<AnsweredCall>> {
    const known = this.#with.directory.agent(agent);
    if (!known || known.revoked) return this.#refuse(agent, call, "revoked");
    try {
      return await this.#dispatch(agent, call, payload, address);
    } catch (error) {
      const code = nameError(error);
      if (error instanceof PlatenError) return this.#refuse(agent, call, "revoked");
      this.#with.log.write("storage-failed", { what: `call ${call}`, code });
      const full = code === "ENOSPC" || code === "EDQUOT" || code === "SQLITE_FULL";
      return this.#refuse(agent, call, full ? "disk-full" : "busy", 10);
    }
  }

  async #dispatch(
    agent: string,
    call: AnsweredCall,
    payload: Uint8Array,
    address: string,
  ): Promise<Answer<AnsweredCall>> {
    const read = <N extends AnsweredCall>(name: N): CallBody<N> | null =>
      parseJson(payload, CALL_BYTES_MAX, CALL_SCHEMAS[name]) as CallBody<N> | null;
    switch (call) {
      case "hello":
        return this.#hello(agent, read("hello"));
      case "boot":
        return read("boot") ? this.#boot(agent, address) : this.#refuse(agent, call, "malformed");
      case "renew":
        return this.#renew(agent, read("renew"));
      case "put":
        return this.#put(agent, read("put"));
      case "ask":
        return this.#ask(agent, read("ask"));
      case "event":
        return this.#event(agent, read("event"));
      case "claim":
        return this.#claim(agent, read("claim"));
    }
  }

  #hello(agent: string, body: CallBody<"hello"> | null): Answer<"hello"> {
    if (!body) return this.#refuse(agent, "hello", "malformed");
    const { directory, now } = this.#with;
    directory.recordHello(agent, body.printers);
    return { time: now(), agent, printers: directory.printersOf(agent) };
  }

  #boot(agent: string, address: string): Answer<"boot"> {
    const outcome = this.#with.bootDesk.release(agent, address);
    if ("refused" in outcome) return this.#refuse(agent, "boot", outcome.refused, outcome.retryAfter);
    this.#with.lifecycle.loseUnshared(agent);
    return outcome;
  }

  async #renew(agent: string, body: CallBody<"renew"> | null): Promise<Answer<"renew">> {
    if (!body) return this.#refuse(agent, "renew", "malformed");
    return { certificate: await this.#with.agentCertificates.renew(agent, body.csr) };
  }

  async #put(agent: string, body: CallBody<"put"> | null): Promise<Answer<"put">> {
    if (!body) return this.#refuse(agent, "put", "malformed");
    const { jobs, escrow } = this.#with;
    const results = await escrow.put(agent, body.shares, (ref) => {
      const job = jobs.get(ref);
      const copy = jobs.copyAt(agent, ref);
      return job !== null && copy !== null && !copy.final && dropReason(job, agent) === null;
    });
    for (const [i, share] of body.shares.entries()) {
      if (results[i] === "stored") this.#with.lifecycle.extend(share, share.expires);
    }
    return { results };
  }

  #ask(agent: string, body: CallBody<"ask"> | null): Answer<"ask"> {
    if (!body) return this.#refuse(agent, "ask", "malformed");
    const outcome = this.#with.escrow.ask(agent, body.asks);
    if ("shares" in outcome) return outcome;
    this.#with.log.write("escrow-throttled", { agent, retryAfter: outcome.retryAfter });
    return { refused: "throttled", retryAfter: outcome.retryAfter };
  }

  async #event(agent: string, body: CallBody<"event"> | null): Promise<Answer<"event">> {
    if (!body) return this.#refuse(agent, "event", "malformed");
    return { confirmed: await this.#with.lifecycle.takeEvents(agent, body.events) };
  }

  #claim(agent: string, body: CallBody<"claim"> | null): Answer<"claim"> {
    if (!body) return this.#refuse(agent, "claim", "malformed");
    return { granted: this.#with.lifecycle.claim(agent, body) };
  }

  #giveCredit(agent: string, payload: Uint8Array): void {
    const body = parseJson(payload, CALL_BYTES_MAX, CALL_SCHEMAS.parts);
    if (!body) this.#refuse(agent, "parts", "malformed");
    else this.#with.delivery.credit(agent, { user: body.user, job: body.job }, body.from, body.window);
  }

  #refuse(
    agent: string,
    call: CallName,
    refused: z.infer<typeof refusalSchema>["refused"],
    retryAfter?: number,
  ): Refused {
    this.#with.log.write("call-refused", { agent, call, why: refused });
    return retryAfter === undefined ? { refused } : { refused, retryAfter };
  }

  #reply(agent: string, reply: Readonly<Record<string, unknown>>): void {
    // Not awaited: a call is done when it is answered, not when the agent has read the answer.
    void this.#with.port.publish(agentTopic(agent, "reply"), encodeJson(reply), { qos: 1 });
  }
}
