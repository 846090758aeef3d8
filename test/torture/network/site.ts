/**
 * A fleet whose every connection goes through a liar of its own: a sender, two agents that make up a group, and the
 * person who types until the document is out.
 */
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import Database from "better-sqlite3";
import type { Child, LogLine } from "../../../cli/demo/child.ts";
import { isPlatenError } from "../../../wire/error.ts";
import { Fleet, type Sender } from "../../e2e/fleet.ts";
import { type Environment, startWithin } from "../environment.ts";
import { Liar } from "../liar.ts";
import { sweepAfter } from "../lying-clock.ts";
import { findPaper, type Piece, readTrays } from "../paper.ts";
import type { Random } from "../random.ts";
import { awaitRest, type Known } from "../rest.ts";
import type { SentDocument } from "../sent-document.ts";

export const AGENTS = ["east", "west"] as const;
export const GROUP = "wards";
export type AgentName = (typeof AGENTS)[number];
export type Program = AgentName | "broker";

/** All come from one address here. */
const BROKER_SETTINGS = `
[quota]
liveJobs = 100000
submissionsPerHour = 1000000
[limits]
connectionsPerAddress = 1024
strangersPerAddress = 256
`;
/** An agent that was refused for a while dials every half a minute. */
const VERDICT_MS = 60_000;
/** After the last fault an agent may wait half a minute before it dials again. */
const SETTLE_MS = 180_000;
/** A person types, is told to wait or try again, and does, as long as programs start again and dial. */
const PATIENCE_MS = 180_000;

export class Site {
  readonly fleet: Fleet;
  readonly lines: Readonly<Record<AgentName | "sender", Liar>>;
  readonly documents: SentDocument[] = [];
  readonly #alice: Sender;
  readonly #note: (line: string) => void;
  /** Being restarted now. */
  readonly #restarting = new Set<Program>();
  readonly #environments = new Map<Program, Environment>();
  /** Those that had an environment of their own. */
  readonly #lied = new Set<number | undefined>();

  private constructor(fleet: Fleet, lines: Site["lines"], alice: Sender, note: (line: string) => void) {
    this.fleet = fleet;
    this.lines = lines;
    this.#alice = alice;
    this.#note = note;
  }

  static async open(random: Random, note: (line: string) => void): Promise<Site> {
    const fleet = await Fleet.start(BROKER_SETTINGS);
    const draw = random.fork();
    const liar = () => Liar.open(fleet.port, () => draw.fraction());
    const lines = { sender: await liar(), east: await liar(), west: await liar() };
    try {
      for (const agent of AGENTS) await fleet.addAgent({ [agent]: {} }, agentSettings(lines[agent].address));
      await fleet.admin("group.add", { name: GROUP, printers: [...AGENTS] });
      const alice = await fleet.addSender("alice");
      await Promise.all(AGENTS.map((agent) => fleet.startAgent(agent)));
      const { address } = lines.sender;
      mkdirSync(fleet.path("documents"));
      return new Site(fleet, lines, { ...alice, profile: { ...alice.profile, address } }, note);
    } catch (error) {
      await closeAll(fleet, lines);
      throw error;
    }
  }

  /** Through the sender's liar. */
  get sender(): Sender {
    return this.#alice;
  }

  /** Somebody else, through the same liar. */
  async addSender(user: string): Promise<Sender> {
    const { dir, profile } = await this.fleet.addSender(user);
    return { dir, profile: { ...profile, address: this.lines.sender.address } };
  }

  /** Sends as a person would who tries again as long as the broker cannot be reached. */
  async send(target: string, body: Buffer, sender = this.#alice): Promise<SentDocument> {
    const job = randomUUID();
    const { user } = sender.profile;
    const file = this.fleet.path("documents", job);
    writeFileSync(file, body);
    for (;;) {
      try {
        const receipt = await this.fleet.send(sender, target, [file], { raw: true, job });
        return this.add({ user, job, target, body, otp: receipt.otp, isStored: true });
      } catch (error) {
        if (!isPlatenError(error, "broker-unreachable")) throw error;
        await delay(100);
      }
    }
  }

  add(document: Omit<SentDocument, "copies" | "entries">): SentDocument {
    const sent = { copies: 1, entries: 0, ...document };
    this.documents.push(sent);
    return sent;
  }

  agentsOf({ target }: SentDocument): readonly AgentName[] {
    return AGENTS.filter((agent) => target === GROUP || target === agent);
  }

  /** Every agent of its target holds it. */
  async untilHeld(document: SentDocument): Promise<void> {
    const { job } = document;
    for (const agent of this.agentsOf(document)) {
      await this.until(`${job} held at ${agent}`, () => this.stateAt(agent, job) === "held");
    }
  }

  /** What an agent's own book says of a job; null where it does not know it. */
  stateAt(agent: AgentName, job: string): string | null {
    return this.ask(agent, "SELECT state FROM job WHERE job = ?", job);
  }

  /** The broker gave a group's document to one of the agents. */
  isClaimed({ job }: SentDocument): boolean {
    return this.askBroker("SELECT claimed_agent FROM jobs WHERE job = ?", job) !== null;
  }

  /** The same of a question to the broker's. */
  askBroker<T = string>(sql: string, ...values: string[]): T | null {
    return readField(this.fleet.path("broker", "broker.db"), sql, ...values);
  }

  /** The first field of the first row of a question to an agent's book, or null. */
  ask<T = string>(agent: AgentName, sql: string, ...values: string[]): T | null {
    return readField(this.fleet.path(agent, "jobs", "jobs.db"), sql, ...values);
  }

  /** Types once, and waits for what comes of it: `entered`, a refusal's verdict, or null when the agent ended. */
  async enter(agent: AgentName, document: SentDocument): Promise<string | null> {
    const program = this.fleet.program(agent);
    document.entries++;
    this.#note(`${agent} types the OTP of ${document.job}`);
    const answer = untilNews(program, (line) => isVerdict(line, document.job));
    answer.catch(() => {});
    try {
      await this.fleet.type(agent, `${document.otp}\n`);
      const line = await Promise.race([answer, program.exited]);
      return !line ? null : line.event === "entered" ? "entered" : String(line.verdict);
    } catch (error) {
      // The keypad's pipe is gone with its reader.
      const isGone = !program.running || (error as NodeJS.ErrnoException).code === "EPIPE";
      if (isGone) return null;
      throw error;
    }
  }

  /** Types here and there until it is out. */
  async print(document: SentDocument, random: Random): Promise<void> {
    const agents = this.agentsOf(document);
    const deadline = performance.now() + PATIENCE_MS;
    for (let entry = 0; performance.now() < deadline; entry++) {
      if (this.isOut(document)) return;
      const agent = agents[random.integer(0, agents.length - 1)] ?? "east";
      const verdict = await this.enter(agent, document);
      this.#note(`${agent}: ${verdict}`);
      if (verdict === "entered") {
        await this.until(`${document.job} ends`, () => this.isOut(document) || this.isInterrupted(document));
      } else await delay(Math.min(3000, 200 * entry));
    }
    if (!this.isOut(document))
      throw new Error(`${document.job} did not come out, ${document.entries} entries`);
  }

  isOut(document: SentDocument): boolean {
    return this.agentsOf(document).some((agent) =>
      ["delivered", "printed"].includes(this.stateAt(agent, document.job) ?? ""),
    );
  }

  isInterrupted(document: SentDocument): boolean {
    return this.agentsOf(document).some((agent) => this.stateAt(agent, document.job) === "interrupted");
  }

  /** How often a document's first bytes came out. */
  countOut(document: SentDocument): number {
    return findPaper(this.pieces(), document).begun.length;
  }

  pieces(): Piece[] {
    return readTrays(this.fleet, AGENTS);
  }

  /** What came out is taken, and with its documents no longer looked at: years later no book has them. */
  takeAway(): void {
    this.documents.length = 0;
    for (const agent of AGENTS) {
      const tray = this.fleet.path("printed", agent);
      for (const file of readdirSync(tray)) rmSync(join(tray, file));
    }
  }

  /** Stops or kills a program, and starts it again; `environment` is its own from then on. */
  async restart(program: Program, how: "SIGTERM" | "SIGKILL", environment?: Environment): Promise<void> {
    if (this.#restarting.has(program)) return;
    this.#restarting.add(program);
    if (environment) this.#environments.set(program, environment);
    try {
      this.#note(`${program}: ${how}`);
      if (how === "SIGKILL") await this.fleet.kill(program);
      else await this.fleet.stop(program);
      await startWithin(this.#environments.get(program) ?? {}, () =>
        program === "broker" ? this.fleet.startBroker() : this.fleet.startAgent(program),
      );
      if (this.#environments.has(program)) this.#lied.add(this.fleet.program(program).pid);
    } finally {
      this.#restarting.delete(program);
    }
  }

  heal(): void {
    for (const line of Object.values(this.lines)) line.heal();
  }

  /** All that the invariants judge holds, or comes to hold in time. */
  async rest(more: Partial<Known> = {}): Promise<void> {
    const known = { agents: [...AGENTS], documents: this.documents, pieces: () => this.pieces(), ...more };
    await awaitRest(this.fleet, known, SETTLE_MS);
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    const deadline = performance.now() + SETTLE_MS;
    while (!holds()) {
      if (performance.now() > deadline) throw new Error(`in vain: ${what}`);
      await delay(20);
    }
  }

  async close(): Promise<void> {
    await closeAll(this.fleet, this.lines);
    for (const pid of this.#lied) sweepAfter(pid);
  }
}

async function closeAll(fleet: Fleet, lines: Site["lines"]): Promise<void> {
  await fleet.close();
  await Promise.all(Object.values(lines).map((line) => line.close()));
}

function readField<T>(file: string, sql: string, ...values: string[]): T | null {
  const database = new Database(file, { readonly: true });
  try {
    return (
      (database
        .prepare<string[], T>(sql)
        .pluck()
        .get(...values) as T | undefined) ?? null
    );
  } finally {
    database.close();
  }
}

/** The first line from now on that matches. */
export function untilNews(program: Child, matches: (line: LogLine) => boolean): Promise<LogLine> {
  const old = new Set(program.lines);
  return program.waitFor((line) => !old.has(line) && matches(line), "news", VERDICT_MS);
}

function isVerdict({ event, job }: LogLine, of: string): boolean {
  return event === "entry-refused" || (event === "entered" && job === of);
}

/** What was delivered is an end here, so that whatever comes out once more was not asked for. */
export function agentSettings(address: string): string {
  return `broker = "${address}"\n[policy]\ndeliveredGraceSeconds = 0\n`;
}
