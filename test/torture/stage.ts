/**
 * A fleet for many rounds: two agents in a group, a printer that keeps files and one that confirms, a sender, and a
 * person who types. Whatever program ends by itself is started again, as systemd would.
 */
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { cancelJob } from "../../client/cancel.ts";
import { openSession } from "../../client/session.ts";
import { isPlatenError } from "../../wire/error.ts";
import type { JobRef } from "../../wire/name.ts";
import { jobKey } from "../../wire/name.ts";
import { Fleet, type Sender } from "../e2e/fleet.ts";
import { type BrokerJob, readAgent, readBroker } from "./books.ts";
import { type Environment, startWithin } from "./environment.ts";
import { type Piece, readTrays } from "./paper.ts";
import type { Random } from "./random.ts";
import { awaitRest } from "./rest.ts";
import type { SentDocument } from "./sent-document.ts";
import { TcpPrinter } from "./tcp-printer.ts";

/** The agents; `lobby` has a printer `till` beside its own; `hall` is the group of `lobby` and `cellar`. */
const AGENTS = ["lobby", "cellar"] as const;
export type AgentName = (typeof AGENTS)[number];
export type ProgramName = AgentName | "broker";
const TRAYS = ["lobby", "cellar"];

export interface StageOptions {
  /** Which of {@link AGENTS}; a group needs both. */
  readonly agents?: readonly AgentName[];
  /** TOML before the tables of each agent's settings, and of the broker's. */
  readonly agentSettings?: string;
  readonly brokerSettings?: string;
  /** What is done to it may cost documents. */
  readonly mayLose?: boolean;
}

/** What was delivered is over at once. */
export const FINAL = "policy.deliveredGraceSeconds = 0\n";

const POLL_MS = 15;
/** Far beyond what an idle machine takes: a busy one must not look like a fault. */
const PATIENCE_MS = 180_000;
/** A person who sees nothing happen types again. */
const ANSWER_MS = 4000;

/** The keypad takes no more for now: a wrong moment of ours, not a fault of theirs. */
export class OutOfTries extends Error {}

interface StageParts {
  readonly agents: readonly AgentName[];
  readonly till: TcpPrinter;
  readonly alice: Sender;
  readonly mayLose: boolean;
}

export class Stage {
  readonly fleet: Fleet;
  readonly agents: readonly AgentName[];
  readonly #till: TcpPrinter;
  readonly #alice: Sender;
  readonly #random: Random;
  #documents: SentDocument[] = [];
  #isClosing = false;
  /** Programs that ended and are being started again. */
  readonly #returning = new Map<ProgramName, Promise<void>>();
  /** Programs that are to stay off. */
  readonly #off = new Set<ProgramName>();
  readonly #afterwards = new Map<ProgramName, () => void>();
  readonly #mayLose: boolean;
  readonly #renumbered = new Set<AgentName>();
  readonly #environments = new Map<ProgramName, Environment>();
  /** Called with each program that is started again, as early as it has a pid. */
  onStart: ((name: ProgramName, pid: number) => unknown) | null = null;
  /** How often a program ended by itself. */
  ends = 0;

  private constructor(fleet: Fleet, { agents, till, alice, mayLose }: StageParts, random: Random) {
    this.fleet = fleet;
    this.#mayLose = mayLose;
    this.agents = agents;
    this.#till = till;
    this.#alice = alice;
    this.#random = random;
  }

  static async open(random: Random, options: StageOptions = {}): Promise<Stage> {
    const { agents = AGENTS, agentSettings = FINAL, brokerSettings, mayLose = false } = options;
    const till = await TcpPrinter.open("till");
    const fleet = await Fleet.start(brokerSettings);
    await fleet.addAgent({ lobby: {}, till: { uri: till.uri, profile: "escpos" } }, agentSettings);
    if (agents.includes("cellar")) {
      await fleet.addAgent({ cellar: {} }, agentSettings);
      await fleet.admin("group.add", { name: "hall", printers: ["lobby", "cellar"] });
    }
    const stage = new Stage(fleet, { agents, till, mayLose, alice: await fleet.addSender("alice") }, random);
    await Promise.all(agents.map((agent) => fleet.startAgent(agent)));
    for (const name of [...agents, "broker" as const]) stage.#watch(name);
    return stage;
  }

  /** Sends a document, `order` asked for anew each time; dials again, as a person would, where the broker is away just then. */
  async send(target: string, bytes: number, order: () => object = () => ({})): Promise<SentDocument> {
    const body = Buffer.from(this.#random.bytes(bytes / 2).toString("hex"), "latin1");
    const file = this.fleet.path("document.txt");
    writeFileSync(file, body);
    for (;;) {
      try {
        const { otp, jobs } = await this.fleet.send(this.#alice, target, [file], { raw: true, ...order() });
        const job = jobs[0]?.job ?? "";
        const document = { user: "alice", job, target, body, copies: 1, otp, isStored: true, entries: 0 };
        this.#documents.push(document);
        return document;
      } catch (error) {
        if (!isWorthAnother(error)) throw error;
        await delay(POLL_MS);
      }
    }
  }

  /** The broker's row, once it is in one of these states, or has ended. */
  async awaitState(ref: JobRef, ...states: string[]): Promise<BrokerJob> {
    return await this.until(`${states.join(" or ")} of ${ref.job}`, () => {
      const job = this.#rowOf(ref);
      return job && (states.includes(job.state) || job.endedAt !== null) ? job : null;
    });
  }

  /** Types the OTP until the document is out, at a keypad that answers. @throws OutOfTries */
  async release(document: SentDocument, agent: AgentName = "lobby"): Promise<void> {
    const until = performance.now() + PATIENCE_MS;
    while (performance.now() < until) {
      await this.returned(agent);
      const state = this.#stateAt(agent, document);
      if (state === "held" || state === "interrupted") await this.#enter(document, agent);
      else if (/^(printed|delivered|expired|cancelled|rejected)$/.test(state ?? "")) return;
      else await delay(POLL_MS);
    }
    throw new Error(`${document.job} did not come out, however often its OTP was typed`);
  }

  /** One entry, and what came of it. */
  async #enter(document: SentDocument, agent: AgentName): Promise<void> {
    const program = this.fleet.program(agent);
    const from = program.lines.length;
    document.entries++;
    await this.fleet.type(agent, `${document.otp}\n`);
    const until = performance.now() + ANSWER_MS;
    while (program.running && performance.now() < until) {
      for (const { event, verdict, job, state } of program.lines.slice(from)) {
        if (event === "entry-refused" && verdict === "wait") throw new OutOfTries();
        if (event === "entry-refused") return await delay(100);
        if (job !== document.job) continue;
        if (event === "state" && /^(printed|delivered|interrupted)$/.test(String(state))) return;
      }
      await delay(POLL_MS);
    }
  }

  /** Resolves once the program runs and, an agent, serves. */
  async returned(name: ProgramName): Promise<void> {
    for (;;) {
      const returning = this.#returning.get(name);
      if (returning) await returning;
      const program = this.fleet.program(name);
      const isReady = program.lines.some(({ event }) => event === "ready" || event === "broker-ready");
      if (program.running && isReady) return;
      await delay(POLL_MS);
    }
  }

  pidOf(name: ProgramName): number {
    const { pid } = this.fleet.program(name);
    if (pid === undefined) throw new Error(`${name} has no process`);
    return pid;
  }

  /**
   * SIGKILL, to whichever process it is then; it comes back by itself.
   * @param afterwards before it does
   */
  async killAfter(name: ProgramName, afterMs: number, afterwards?: () => void): Promise<void> {
    await delay(Math.max(0, afterMs));
    if (afterwards) this.#afterwards.set(name, afterwards);
    const program = this.fleet.program(name);
    program.kill();
    await program.exited;
  }

  /** Ends a program in good order; it stays off until {@link start}. */
  async stop(name: ProgramName): Promise<void> {
    await this.#returning.get(name);
    this.#off.add(name);
    await this.fleet.stop(name);
  }

  /** Starts a program that was stopped, from now on with `environment`. Rejects with its last words where it ends. */
  async start(name: ProgramName, environment: Environment = {}): Promise<void> {
    this.#environments.set(name, environment);
    await this.#spawn(name);
    this.#off.delete(name);
    this.#watch(name);
  }

  /** Its database was lost. */
  forgetTold(agent: AgentName): void {
    this.#renumbered.add(agent);
  }

  /** Everything that came out of printers. */
  pieces(): Piece[] {
    return [...readTrays(this.fleet, this.#trays()), ...this.#till.pieces];
  }

  /** Waits until all is at rest and right, then puts away what has ended. */
  async rest(deadlineMs?: number): Promise<void> {
    await Promise.all([...this.agents, "broker" as const].map((name) => this.returned(name)));
    const known = {
      agents: this.agents,
      documents: this.#documents,
      pieces: () => this.pieces(),
      losesNothing: !this.#mayLose,
      renumbered: [...this.#renumbered],
    };
    const world = await awaitRest(this.fleet, known, deadlineMs);
    const live = new Set(world.broker.jobs.filter(({ endedAt }) => endedAt === null).map(jobKey));
    if (this.#documents.some((document) => live.has(jobKey(document)))) return;
    this.#documents = [];
    this.#till.clear();
    for (const tray of this.#trays()) {
      const folder = this.fleet.path("printed", tray);
      for (const file of readdirSync(folder)) rmSync(join(folder, file));
    }
  }

  /** The sender withdraws it. */
  async cancel({ job }: JobRef): Promise<void> {
    for (;;) {
      try {
        const session = await openSession(this.#alice.profile);
        try {
          await cancelJob(session, job);
          return;
        } finally {
          await session.close();
        }
      } catch (error) {
        // Not heard in time: a person asks again.
        if (!isPlatenError(error, "broker-unreachable") && !isPlatenError(error, "timeout")) throw error;
        await delay(POLL_MS);
      }
    }
  }

  /** Polls until `look` finds something. @throws Error naming `what` */
  async until<T>(what: string, look: () => T | null): Promise<T> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = attempt(look);
      if (found !== null) return found;
      if (performance.now() > until) throw new Error(`waited in vain for ${what}`);
      await delay(POLL_MS);
    }
  }

  /** @param keeps leaves the folder, with databases and logs, to be looked at */
  async close(keeps = false): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.#returning.values());
    await this.fleet.close(keeps);
    this.#till.close();
  }

  #trays(): string[] {
    return TRAYS.filter((tray) => (this.agents as readonly string[]).includes(tray));
  }

  #rowOf(ref: JobRef): BrokerJob | null {
    return readBroker(this.fleet).jobs.find((job) => jobKey(job) === jobKey(ref)) ?? null;
  }

  #stateAt(agent: AgentName, ref: JobRef): string | null {
    const row = attempt(() => readAgent(this.fleet, agent).jobs.find((job) => jobKey(job) === jobKey(ref)));
    return row?.state ?? null;
  }

  #watch(name: ProgramName): void {
    void this.fleet.program(name).exited.then(() => {
      if (this.#isClosing || this.#off.has(name)) return;
      this.ends++;
      this.#returning.set(name, this.#return(name));
    });
  }

  #spawn(name: ProgramName): Promise<unknown> {
    return startWithin(this.#environments.get(name) ?? {}, () =>
      name === "broker" ? this.fleet.startBroker() : this.fleet.startAgent(name),
    );
  }

  /** It may be killed again while it starts. */
  async #return(name: ProgramName): Promise<void> {
    while (!this.#isClosing) {
      this.#afterwards.get(name)?.();
      this.#afterwards.delete(name);
      const starting = this.#spawn(name);
      const program = this.fleet.program(name);
      if (program.pid !== undefined) this.onStart?.(name, program.pid);
      // One that only takes long is up: a broker asked for boot shares too often lets an agent wait for minutes.
      const isUp = await starting.then(
        () => true,
        () => program.running,
      );
      if (isUp) {
        this.#returning.delete(name);
        return this.#watch(name);
      }
      this.ends++;
      await program.exited;
    }
  }
}

/** A first dial that met nobody, or a life so short that it was over before, or while, the document was sent. */
function isWorthAnother(error: unknown): boolean {
  if (isPlatenError(error, "job-rejected")) return error.details.reason === "expired";
  return isPlatenError(error, "broker-unreachable") || isPlatenError(error, "usage");
}

/** A database that is being opened may refuse a reader for a moment. */
function attempt<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}
