/** One agent with printers that lie and one that does not, a sender, and the person at the keypad. */
import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import Database from "better-sqlite3";
import type { LogLine } from "../../../cli/demo/child.ts";
import { EscposPrinter } from "../../agent/escpos-printer.ts";
import { PjlPrinter } from "../../agent/pjl-printer.ts";
import { Fleet, type Sender } from "../../e2e/fleet.ts";
import type { SentDocument } from "../sent-document.ts";
import { LyingPrinter } from "./lying-printer.ts";

/** Minutes of stall are seconds here; nothing else differs from what a person would set. */
const AGENT_SETTINGS = `
[policy]
stallSeconds = 1
stallOtpSeconds = 2
stallGiveUpSeconds = 4
confirmSeconds = 1
deliveredGraceSeconds = 0
`;
const BROKER_SETTINGS = `
[quota]
liveJobs = 100000
submissionsPerHour = 1000000
`;
const WAIT_MS = 120_000;
const ENTRIES_MAX = 5;
const UNANSWERED_MS = 10_000;
const AGENT = "calm";

export type EscposLiar = LyingPrinter<EscposPrinter>;
export type PjlLiar = LyingPrinter<PjlPrinter>;
export type Seat =
  | { readonly name: string; readonly tongue: "escpos"; readonly printer: EscposLiar }
  | { readonly name: string; readonly tongue: "pjl"; readonly printer: PjlLiar };

interface Row {
  readonly state: string;
  readonly reason: string | null;
}

/** What an agent told of an interruption. */
export interface Told {
  readonly bytes: number | null;
  readonly bytesAtMost: number | null;
}

export class Desk {
  readonly fleet: Fleet;
  readonly seats: readonly [Seat, ...Seat[]];
  readonly #alice: Sender;

  private constructor(fleet: Fleet, seats: readonly [Seat, ...Seat[]], alice: Sender) {
    this.fleet = fleet;
    this.seats = seats;
    this.#alice = alice;
  }

  static async open(): Promise<Desk> {
    const fleet = await Fleet.start(BROKER_SETTINGS);
    mkdirSync(fleet.path("documents"));
    const seats = [
      { name: "till", tongue: "escpos", printer: await LyingPrinter.open(new EscposPrinter()) },
      {
        name: "slip",
        tongue: "escpos",
        printer: await LyingPrinter.open(new EscposPrinter(), fleet.path("slip")),
      },
      { name: "office", tongue: "pjl", printer: await LyingPrinter.open(new PjlPrinter()) },
    ] as const satisfies [Seat, ...Seat[]];
    const settings = Object.fromEntries(
      seats.map(({ name, tongue, printer }) => [name, { uri: printer.uri, profile: tongue }]),
    );
    await fleet.addAgent({ [AGENT]: {}, ...settings }, AGENT_SETTINGS);
    const alice = await fleet.addSender("alice");
    await fleet.startAgent(AGENT);
    return new Desk(fleet, seats, alice);
  }

  /** Sends, and waits until it is held. */
  async send(target: string, body: Buffer): Promise<SentDocument> {
    const job = randomUUID();
    const file = this.fleet.path("documents", "document");
    writeFileSync(file, body);
    const { otp } = await this.fleet.send(this.#alice, target, [file], { raw: true, job });
    const document = { user: "alice", job, target, body, copies: 1, otp, isStored: true, entries: 0 };
    await this.until(`${job} held`, () => this.row(document)?.state === "held");
    return document;
  }

  /** What the agent's book says. */
  row({ job }: SentDocument): Row | null {
    const database = new Database(this.fleet.path(AGENT, "jobs", "jobs.db"), { readonly: true });
    try {
      const row = database.prepare<[string], Row>("SELECT state, reason FROM job WHERE job = ?").get(job);
      return row ?? null;
    } finally {
      database.close();
    }
  }

  /**
   * Types, and again where a busy machine could not answer in time: `entered`, or the verdict of a refusal. What was not
   * answered may release all the same.
   */
  async enter(document: SentDocument): Promise<string> {
    for (let entry = 0; entry < ENTRIES_MAX; entry++) {
      const verdict = await this.#enterOnce(document);
      if (verdict !== "no-answer") return verdict;
      const deadline = performance.now() + UNANSWERED_MS;
      while (performance.now() < deadline) {
        if (this.row(document)?.state !== "held") return "entered";
        await delay(50);
      }
    }
    return "no-answer";
  }

  async #enterOnce(document: SentDocument): Promise<string> {
    const program = this.fleet.program(AGENT);
    const old = new Set(program.lines);
    const isVerdict = (line: LogLine) =>
      !old.has(line) &&
      (line.event === "entry-refused" || (line.event === "entered" && line.job === document.job));
    document.entries++;
    await this.fleet.type(AGENT, `${document.otp}\n`);
    const { event, verdict } = await program.waitFor(isVerdict, "a verdict", WAIT_MS);
    return event === "entered" ? "entered" : String(verdict);
  }

  /** Types and does not wait: what prints already, and stands still, goes on. */
  async nudge(document: SentDocument): Promise<void> {
    await this.fleet.type(AGENT, `${document.otp}\n`);
  }

  /** The state in which the job rests, once it does. `releasing` and `printing` are none. */
  async untilResting(document: SentDocument): Promise<string> {
    await this.until(
      `${document.job} rests`,
      () => !/releasing|printing/.test(this.row(document)?.state ?? ""),
    );
    return this.row(document)?.state ?? "gone";
  }

  /** What the agent told last of a job that was cut short. */
  toldOf({ job }: SentDocument): Told {
    const line = this.fleet
      .program(AGENT)
      .lines.findLast((each) => each.event === "state" && each.job === job && each.state === "interrupted");
    const number = (value: unknown) => (typeof value === "number" ? value : null);
    return { bytes: number(line?.bytes), bytesAtMost: number(line?.bytesAtMost ?? line?.bytes) };
  }

  /** What came out of the printer that never lies. */
  hasCalmPrinted({ body }: SentDocument): boolean {
    return this.fleet.printed(AGENT).some((out) => out.equals(body));
  }

  /** The agent's memory in MB: what it has, and the most it ever had. */
  memory(): { readonly rss: number; readonly peak: number } {
    const status = readFileSync(`/proc/${this.fleet.program(AGENT).pid}/status`, "latin1");
    const read = (field: string) =>
      Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
    return { rss: read("VmRSS"), peak: read("VmHWM") };
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    while (!holds()) {
      if (performance.now() > deadline) throw new Error(`in vain: ${what}`);
      await delay(15);
    }
  }

  async close(): Promise<void> {
    await this.fleet.close();
    await Promise.all(this.seats.map(({ printer }) => printer.close()));
  }
}
