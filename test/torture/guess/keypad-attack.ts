/**
 * Somebody at the keypads of a real agent who does everything but wait: several keypads at once, power cut at any
 * moment, the clock put forward and back, a password of their own in between. What counts is how many of their entries
 * were judged: a wrong one that was, says so in the log.
 */
import { randomInt } from "node:crypto";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import Database from "better-sqlite3";
import { REFILL_MS, TRIES_MAX } from "../../../agent/tries.ts";
import { Fleet, type Sender } from "../../e2e/fleet.ts";
import { FAKETIME, sweepAfter } from "../lying-clock.ts";
import type { Random } from "../random.ts";

const KEYPADS = 3;
/** One below what the broker's boot desk lets through at once. */
const POWER_CUTS = 8;
/** What the escrow answers at once to an agent that lost its shares: wrong entries after a power cut are judged there. */
const ESCROW_TRIES = 5;
/** An answer comes within a second, but for a machine that has more to do. */
const ANSWER_MS = 2000;
const JUMPS = ["+0", "+1h", "+1d", "-1d", "-20y", "+10y"] as const;

export interface AttackTally {
  readonly entries: number;
  readonly judged: number;
  readonly allowed: number;
}

export class KeypadAttack {
  readonly fleet: Fleet;
  readonly #random: Random;
  readonly #note: (line: string) => void;
  readonly #startedMs = performance.now();
  readonly #own: string[] = [];
  /** Puts the card back from a copy made before the first guess, with every power cut. */
  readonly #rewindsCard: boolean;
  #entries = 0;
  #cuts = 0;
  #isCutting = false;

  private constructor(fleet: Fleet, random: Random, note: (line: string) => void, rewindsCard: boolean) {
    this.fleet = fleet;
    this.#rewindsCard = rewindsCard;
    this.#random = random;
    this.#note = note;
  }

  /** A fleet with a document of alice's and `ownJobs` of mallory's, whose passwords the guesser knows. */
  static async open(
    random: Random,
    note: (line: string) => void,
    { ownJobs, rewindsCard }: { readonly ownJobs: number; readonly rewindsCard: boolean },
  ): Promise<KeypadAttack> {
    const fleet = await Fleet.start();
    const attack = new KeypadAttack(fleet, random, note, rewindsCard);
    await fleet.addAgent({ lobby: {} });
    const pads = Array.from({ length: KEYPADS }, (_, i) => `"pipe:${attack.#pad(i)}"`).join(", ");
    const settings = readFileSync(fleet.path("lobby.toml"), "utf8").replace(/^keypads = .*$/m, "");
    writeFileSync(fleet.path("lobby.toml"), `keypads = [${pads}]\n${settings}`);
    writeFileSync(fleet.path("clock"), "+0");
    await attack.#startAgent();
    const [alice, mallory] = [await fleet.addSender("alice"), await fleet.addSender("mallory")];
    await attack.#send(alice, "alice's");
    for (let i = 0; i < ownJobs; i++) attack.#own.push(await attack.#send(mallory, "mallory's"));
    if (rewindsCard) attack.#copyCard();
    return attack;
  }

  /** Whether the clock can be moved on this machine. */
  static readonly movesClocks = FAKETIME !== undefined;

  async step(): Promise<void> {
    const what = this.#random.pick(["guess", "guess", "all pads", "own", "power", "clock", "half"]);
    this.#note(what);
    switch (what) {
      case "guess":
        return this.#type(this.#random.integer(0, KEYPADS - 1), this.#guess());
      case "all pads":
        await Promise.all(
          Array.from({ length: KEYPADS }, (_, i) => this.#type(i, `${this.#guess()}${this.#guess()}`)),
        );
        return;
      case "own": {
        const own = this.#own.shift();
        if (own !== undefined) await this.#type(0, `${own}\n`);
        return;
      }
      case "half":
        // Digits without Enter on one keypad, the rest on another.
        await this.#type(0, "1234");
        return this.#type(1, `5678\n${this.#guess()}`);
      case "clock":
        writeFileSync(this.fleet.path("clock"), this.#random.pick(JUMPS));
        return;
      case "power":
        if (this.#cuts++ < POWER_CUTS) await this.#cutPower();
        return;
    }
  }

  /** @throws Error where more entries were judged than there were tries, or alice's document came out */
  async judge(): Promise<AttackTally> {
    await delay(1500);
    const judged = this.#countJudged();
    const back = Math.floor((performance.now() - this.#startedMs) / REFILL_MS);
    const allowed = this.#rewindsCard ? TRIES_MAX + ESCROW_TRIES + 2 * back : TRIES_MAX + back;
    const stolen = this.fleet.printed("lobby").some((page) => page.includes("alice's"));
    if (stolen) throw new Error("alice's document was printed");
    if (judged > allowed)
      throw new Error(`${judged} wrong entries were judged, ${allowed} are allowed; in ${this.fleet.root}`);
    return { entries: this.#entries, judged, allowed };
  }

  async close(): Promise<void> {
    await this.#kill();
    await this.fleet.close();
  }

  async #kill(): Promise<void> {
    const { pid } = this.fleet.program("lobby");
    await this.fleet.kill("lobby");
    sweepAfter(pid);
  }

  #copyCard(): void {
    const database = new Database(this.fleet.path("lobby", "jobs", "jobs.db"));
    database.pragma("wal_checkpoint(TRUNCATE)");
    database.close();
    cpSync(this.fleet.path("lobby"), this.fleet.path("card"), { recursive: true });
  }

  async #cutPower(): Promise<void> {
    this.#isCutting = true;
    await this.#type(0, this.#guess());
    this.#isCutting = false;
    // Amid the charge, amid the derivation, or after the verdict.
    await delay(this.#random.integer(0, 1200));
    await this.#kill();
    if (this.#rewindsCard) {
      rmSync(this.fleet.path("lobby"), { recursive: true });
      cpSync(this.fleet.path("card"), this.fleet.path("lobby"), { recursive: true });
    }
    await this.#startAgent();
  }

  /** Under a wall clock that a file moves; the monotonic one stays the machine's. */
  async #startAgent(): Promise<void> {
    // A clock that is years away keeps it from its broker altogether: then there would be nothing to guess at.
    writeFileSync(this.fleet.path("clock"), "+0");
    const before = { ...process.env };
    if (FAKETIME !== undefined)
      Object.assign(process.env, {
        LD_PRELOAD: FAKETIME,
        FAKETIME_TIMESTAMP_FILE: this.fleet.path("clock"),
        FAKETIME_NO_CACHE: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
        DONT_FAKE_MONOTONIC: "1",
      });
    try {
      await this.fleet.startAgent("lobby");
    } finally {
      process.env = before;
    }
    await this.fleet.program("lobby").waitFor(({ event }) => event === "ready", "ready", 20_000);
  }

  #guess(): string {
    // Not the seed's: a guess must not be able to depend on what was sent.
    return `${randomInt(10_000_000, 99_999_999)}\n`;
  }

  #pad(index: number): string {
    return this.fleet.path(`pad-${index}`);
  }

  /** Types, and waits for an answer, unless there can be none: the next thing done must not be in its way. */
  async #type(pad: number, keys: string): Promise<void> {
    const { lines } = this.fleet.program("lobby");
    const before = lines.length;
    const isWaiting = lines.findLast(({ event }) => event === "entry-refused")?.verdict === "wait";
    const pipe = await open(this.#pad(pad), "w");
    try {
      await pipe.write(keys);
    } finally {
      await pipe.close();
    }
    const entries = keys.split("\n").length - 1;
    this.#entries += entries;
    if (entries === 0 || isWaiting || this.#isCutting) return;
    const isAnswered = () =>
      lines.slice(before).some(({ event }) => event === "entry-refused" || event === "state");
    const untilMs = performance.now() + ANSWER_MS;
    while (!isAnswered() && performance.now() < untilMs) await delay(20);
  }

  async #send(sender: Sender, text: string): Promise<string> {
    const file = this.fleet.path("document.txt");
    writeFileSync(file, text);
    const { otp, jobs } = await this.fleet.send(sender, "lobby", [file], { raw: true });
    await this.fleet.follow(sender, jobs[0]?.job ?? "", "held");
    return otp;
  }

  /** Every verdict of every start. A wrong entry is told in one line. */
  #countJudged(): number {
    const logs = this.fleet.path("logs");
    const files = readdirSync(logs).filter((name) => name.startsWith("lobby-"));
    const lines = files.flatMap((name) => readFileSync(join(logs, name), "utf8").split("\n"));
    return lines.filter((line) => line.includes('"entry-refused"') && line.includes('"not-accepted"')).length;
  }
}
