/**
 * The process that all senders of the soak live in: the client library, one login each. Told what to send over the
 * channel to its parent; `argv`: the address to dial, then a folder and a name for each person.
 */
import { setTimeout as delay } from "node:timers/promises";
import { cancelJob } from "../../../client/cancel.ts";
import { followJob } from "../../../client/follow.ts";
import { type Profile, readProfile } from "../../../client/profile.ts";
import { sendDocuments } from "../../../client/send.ts";
import { openSession, type Session } from "../../../client/session.ts";
import { isPlatenError } from "../../../wire/error.ts";
import { isLastStatus } from "../../../wire/status.ts";
import { generateBody } from "./body.ts";
import type { FromSenders, Order, Person, ToSenders } from "./order.ts";

const RETRY_MS = 2000;
/** Longer than any fault of the network lasts. */
const GIVE_UP_MS = 180_000;

const [address = "", ...places] = process.argv.slice(2);
const people = new Map<string, Sender>();

function tell(message: FromSenders): void {
  process.send?.(message);
}

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

class Sender {
  readonly #person: Person;
  readonly #profile: Profile;
  #line: Promise<Session> | null = null;

  constructor(person: Person, profile: Profile) {
    this.#person = person;
    this.#profile = { ...profile, address };
  }

  async send(order: Order): Promise<void> {
    tell({ kind: "began", job: order.job, ms: nowMs() });
    try {
      const session = await (order.freshLogin ? this.#dial() : this.#stay());
      try {
        const { otp } = await sendDocuments(session, this.#person.dir, {
          target: order.target,
          job: order.job,
          raw: true,
          copies: order.copies,
          documents: [{ stream: bodyOf(order), name: `${order.job}.bin` }],
          ...(order.expiresInS !== null && { expires: Math.floor(Date.now() / 1000) + order.expiresInS }),
        });
        tell({ kind: "stored", job: order.job, otp, ms: nowMs() });
      } finally {
        if (order.freshLogin) await session.close();
      }
    } catch (error) {
      tell({ kind: "failed", job: order.job, what: nameError(error) });
      return;
    }
    await this.#follow(order.job);
  }

  async cancel(job: string): Promise<void> {
    try {
      tell({ kind: "status", job, status: await cancelJob(await this.#stay(), job) });
    } catch {
      tell({ kind: "cancel-failed", job });
    }
  }

  async close(): Promise<void> {
    await (await this.#line?.catch(() => null))?.close();
  }

  async #follow(job: string): Promise<void> {
    for (;;) {
      try {
        for await (const status of followJob(await this.#stay(), job)) {
          tell({ kind: "status", job, status });
          if (isLastStatus(status)) return;
        }
      } catch {
        // A broker that has just come back, or a line that is slow: it is followed until it ended.
      }
      await delay(RETRY_MS);
    }
  }

  #stay(): Promise<Session> {
    this.#line ??= this.#dial().catch((error) => {
      this.#line = null;
      throw error;
    });
    return this.#line;
  }

  /** As a person would: again, while the broker cannot be reached. */
  async #dial(): Promise<Session> {
    for (const begunMs = performance.now(); ; ) {
      try {
        return await openSession(this.#profile, { giveUpMs: GIVE_UP_MS });
      } catch (error) {
        const isOver = performance.now() - begunMs > GIVE_UP_MS;
        if (isOver || !isPlatenError(error, "broker-unreachable")) throw error;
      }
      await delay(RETRY_MS);
    }
  }
}

async function* bodyOf({ job, bytes, body }: Order): AsyncGenerator<Uint8Array> {
  yield* generateBody(job, bytes, body);
}

function nameError(error: unknown): string {
  if (isPlatenError(error)) return `${error.code}: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

for (let at = 0; at + 1 < places.length; at += 2) {
  const [dir = "", user = ""] = [places[at], places[at + 1]];
  const profile = await readProfile(dir);
  if (!profile) throw new Error(`no profile in ${dir}`);
  people.set(user, new Sender({ user, dir }, profile));
}
process.on("message", (message: ToSenders) => {
  const sender = people.get(message.user);
  if (message.kind === "send") void sender?.send(message);
  else void sender?.cancel(message.job);
});
process.on("disconnect", () => process.exit(0));
tell({ kind: "ready" });
