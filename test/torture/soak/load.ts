/** The people of the soak: what they send, when they go to the keypad, what they saw become of it. */
import type { Random } from "../random.ts";
import type { AgentLine } from "./agents.ts";
import type { BodyKind } from "./body.ts";
import type { Caught } from "./catcher.ts";
import { hasEnded, type Intent, makeJob, type SoakJob } from "./job.ts";
import type { FromSenders, Order } from "./order.ts";
import type { PrinterKind } from "./soak-printer.ts";
import type { Stage } from "./stage.ts";

export interface Target {
  readonly name: string;
  readonly kind: PrinterKind;
  readonly agents: readonly string[];
  /** No larger document is sent there: it would wait for room until it expires. */
  readonly bytesMax: number;
}

/** Of what its printer's kind is sent at most: the models of talking printers are slow readers. */
const BYTES_MAX: Readonly<Record<PrinterKind, number>> = {
  raw: 50_000_000,
  pjl: 400_000,
  escpos: 200_000,
};
const BYTES_MIN = 100;
/** A person looks at the panel for so long before they type again. */
const RETRY_MS = 25_000;
const HURRIED_RETRY_MS = 5_000;
/** Where a long pause asks for the OTP again it does so after 60 s. */
const PAUSED_RETRY_MS = 75_000;
const EXPIRE_S = 75;

export class Load {
  readonly jobs = new Map<string, SoakJob>();
  readonly #random: Random;
  readonly #stage: Stage;
  readonly #prefix: string;
  readonly #expireShare: number;
  /** What came out and was never sent. */
  readonly strangers: string[] = [];
  /** Which job each agent's printer is at. */
  readonly #printing = new Map<string, string>();
  /** From now on whoever has something to fetch goes at once. */
  isHurried = false;

  /** `patient`: nobody's document is left to expire, which takes its time. */
  constructor(random: Random, stage: Stage, people: "any" | "patient") {
    this.#expireShare = people === "any" ? 0.03 : 0;
    this.#random = random;
    this.#stage = stage;
    this.#prefix = `soak-${random.integer(0, 0x7fffffff).toString(16)}`;
  }

  get live(): SoakJob[] {
    return [...this.jobs.values()].filter((job) => !hasEnded(job));
  }

  sendNext(): SoakJob {
    const random = this.#random;
    const { targets, users, pool } = this.#stage;
    const target = targets[random.integer(0, targets.length - 1)];
    if (!target) throw new Error("no target");
    const intent = this.#chooseIntent();
    const order: Order = {
      kind: "send",
      user: users[random.integer(0, users.length - 1)] ?? "",
      job: `${this.#prefix}-${this.jobs.size}`,
      target: target.name,
      bytes: drawBytes(random, Math.min(target.bytesMax, BYTES_MAX[target.kind])),
      body: bodyKindOf(target.kind),
      copies: random.fraction() < 0.05 ? 2 : 1,
      expiresInS: intent === "expire" ? EXPIRE_S : null,
      freshLogin: random.fraction() < 0.2,
    };
    const thinkS = Math.min(90, -12 * Math.log(1 - random.fraction()));
    const job = makeJob(order, { intent, thinkS, agents: target.agents });
    this.jobs.set(order.job, job);
    pool?.tell(order);
    return job;
  }

  hear(message: FromSenders): void {
    if (message.kind === "ready") return;
    const job = this.jobs.get(message.job);
    if (!job) return;
    if (message.kind === "began") job.beganMs = message.ms;
    if (message.kind === "stored") job.otp = message.otp;
    if (message.kind === "failed") job.failed = message.what;
    if (message.kind === "cancel-failed") job.dueMs = performance.now() + RETRY_MS;
    if (message.kind !== "status" || hasEnded(job)) return;
    if (message.status.state === "interrupted" && job.status?.state !== "interrupted") job.interruptions++;
    job.status = message.status;
    if (message.status.state === "held" && job.dueMs === 0) this.#makeUpMind(job);
  }

  /** What an agent says it did; its clock is this machine's. */
  readLog({ agent, event, job: id, ms, state }: AgentLine): void {
    const job = typeof id === "string" ? this.jobs.get(id) : undefined;
    if (event === "starting") this.#printing.delete(agent);
    if (!job) return;
    if (event === "state" && state === "interrupted") job.interruptions++;
    if (event === "destroyed" || (event === "state" && state !== "printing" && state !== "releasing")) {
      if (this.#printing.get(agent) === id) this.#printing.delete(agent);
    }
    if (typeof ms !== "number") return;
    if (event === "held") job.heldMs ??= ms;
    // One that has to wait for another's paper is no measure of anything.
    if (event === "entered" && !this.#printing.has(agent)) job.enteredMs = ms;
    if (event === "entered" || event === "first-byte") this.#printing.set(agent, job.order.job);
    if (event !== "first-byte" || job.enteredMs === null) return;
    // Of several copies only what follows an Enter is its answer.
    job.releaseMs.push(ms - job.enteredMs);
    job.enteredMs = null;
  }

  catch(caught: Caught): void {
    const job = this.jobs.get(caught.job);
    if (job) job.caught.push(caught);
    else this.strangers.push(`${caught.printer}: ${caught.job} came out and was never sent`);
  }

  /** Whoever is due goes and does it. */
  async act(): Promise<void> {
    const nowMs = performance.now();
    for (const job of this.live) {
      if (job.dueMs === 0 || job.otp === null || !Number.isFinite(job.dueMs)) continue;
      // The first time at once; the answer to an entry is waited for all the same.
      const isDue = job.dueMs <= nowMs || (this.isHurried && job.entries === 0 && job.intent === "print");
      if (isDue) await this.#act(job, nowMs);
    }
  }

  async #act(job: SoakJob, nowMs: number): Promise<void> {
    const { user, job: id } = job.order;
    if (job.intent === "cancel") {
      job.dueMs = Number.POSITIVE_INFINITY;
      this.#stage.pool?.tell({ kind: "cancel", user, job: id });
      return;
    }
    const state = job.status?.state;
    const retryMs = this.isHurried ? HURRIED_RETRY_MS : RETRY_MS;
    job.dueMs = nowMs + (state === "printing" ? PAUSED_RETRY_MS : retryMs);
    if (state !== "held" && state !== "interrupted" && state !== "printing") return;
    const agent = job.agents[this.#random.integer(0, job.agents.length - 1)] ?? "";
    if (await this.#stage.agents.type(agent, `${job.otp}\n`)) job.entries++;
  }

  #makeUpMind(job: SoakJob): void {
    job.dueMs = job.intent === "expire" ? Number.POSITIVE_INFINITY : performance.now() + job.thinkS * 1000;
  }

  #chooseIntent(): Intent {
    const lot = this.#random.fraction();
    if (lot < 0.05) return "cancel";
    return lot < 0.05 + this.#expireShare ? "expire" : "print";
  }
}

function bodyKindOf(kind: PrinterKind): BodyKind {
  return kind === "raw" ? "binary" : "text";
}

/** As many of each order of magnitude. */
function drawBytes(random: Random, max: number): number {
  return Math.round(Math.exp(Math.log(BYTES_MIN) + random.fraction() * Math.log(max / BYTES_MIN)));
}
