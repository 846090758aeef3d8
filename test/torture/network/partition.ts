/**
 * A cable that dies without a word, in the kernel: agent and sender sit in a network namespace, the broker here. What is
 * held prints meanwhile, what needs the broker's word does not, and a transfer that was cut goes on.
 */

import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { execPath } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { Fleet, type Sender } from "../../e2e/fleet.ts";
import { Liar } from "../liar.ts";
import type { Tally } from "../part.ts";
import type { Random } from "../random.ts";
import { WirePair } from "./wire-pair.ts";

const LAUNCHER = fileURLToPath(new URL("../../../cli/platen.mjs", import.meta.url));
const WAIT_MS = 180_000;
/** Longer than the broker waits for a ping (15 s). */
const DARK_MS = 25_000;
const BODY_BYTES = 6_000_000;

interface Sent {
  readonly job: string;
  readonly otp: string;
  readonly body: Buffer;
}

/** @throws Error when something is lost, or prints that must not; an empty tally where this user may make no namespace */
export async function partition(random: Random): Promise<Tally> {
  const wire = WirePair.open();
  if (!wire) return { "partitions (no namespace here)": 0 };
  const fleet = await Fleet.start(`[tls]\nnames = ["${wire.host}"]`);
  const liar = await Liar.open(fleet.port, () => 0, wire.host);
  try {
    return await new Partition(fleet, wire, liar.address, random).run();
  } finally {
    await wire.close();
    await fleet.close();
    await liar.close();
  }
}

class Partition {
  readonly #fleet: Fleet;
  readonly #wire: WirePair;
  readonly #address: string;
  readonly #random: Random;

  constructor(fleet: Fleet, wire: WirePair, address: string, random: Random) {
    this.#fleet = fleet;
    this.#wire = wire;
    this.#address = address;
    this.#random = random;
  }

  async run(): Promise<Tally> {
    const fleet = this.#fleet;
    await fleet.addAgent({ far: {} }, `broker = "${this.#address}"\n`);
    await fleet.addAgent({ near: {} });
    await fleet.admin("group.add", { name: "both", printers: ["far", "near"] });
    const alice = await fleet.addSender("alice");
    await fleet.startAgent("near");
    const log = fleet.path("logs", "far.log");
    const args = ["agent", "--data", fleet.path("far"), "--config", fleet.path("far.toml")];
    this.#wire.run([execPath, LAUNCHER, ...args], log);
    await this.#until("the far agent is ready", () => readFileSync(log, "utf8").includes('"event":"ready"'));
    const mine = await this.#send(alice, "far", 3000);
    const ours = await this.#send(alice, "both", 3000);
    for (const { job } of [mine, ours]) await this.#until(`${job} held`, () => this.#state(job) === "held");
    const resumed = await this.#cutSender(alice);
    await this.#printInTheDark(mine, ours, resumed);
    return { partitions: 2, "s in the dark": (2 * DARK_MS) / 1000 };
  }

  /** The sender's cable dies amid a transfer, and comes back. */
  async #cutSender({ dir }: Sender): Promise<Sent> {
    const body = this.#random.bytes(BODY_BYTES);
    const file = this.#fleet.path("large.bin");
    writeFileSync(file, body);
    const profile = JSON.parse(readFileSync(`${dir}/profile.json`, "utf8"));
    writeFileSync(`${dir}/profile.json`, JSON.stringify({ ...profile, address: this.#address }));
    const log = this.#fleet.path("logs", "send.log");
    const args = ["send", file, "--to", "far", "--raw", "--json", "--data", dir];
    const sending = this.#wire.run([execPath, LAUNCHER, ...args], log);
    await this.#until("some of it is here", () => this.#countJobs() === 3);
    this.#wire.cut();
    await delay(DARK_MS);
    this.#wire.join();
    await this.#until("sent", () => sending.exitCode !== null);
    const said = readFileSync(log, "utf8");
    if (sending.exitCode !== 0) throw new Error(`the sender gave up: ${said.slice(-500)}`);
    const otp = /"otp":\s*"(\d+)"/.exec(said)?.[1];
    const job = /"job":\s*"([^"]+)"/.exec(said)?.[1];
    if (!otp || !job) throw new Error(`the sender said: ${said.slice(0, 500)}`);
    await this.#until(`${job} held`, () => this.#state(job) === "held");
    return { job, otp, body };
  }

  /** The agent's cable dies: what it holds prints, what is a group's does not; afterwards the broker learns all of it. */
  async #printInTheDark(mine: Sent, ours: Sent, large: Sent): Promise<void> {
    this.#wire.cut();
    await delay(1000);
    for (const { otp, job, body } of [mine, large]) {
      await this.#fleet.type("far", `${otp}\n`);
      await this.#until(`${job} out`, () => this.#fleet.printed("far").some((out) => out.equals(body)));
    }
    await this.#fleet.type("far", `${ours.otp}\n`);
    await delay(DARK_MS);
    const out = [...this.#fleet.printed("far"), ...this.#fleet.printed("near")];
    if (out.length !== 2) throw new Error(`${out.length} came out in the dark, not 2`);
    this.#wire.join();
    for (const { job } of [mine, large])
      await this.#until(`${job} told`, () => this.#stateAtBroker(job) === "delivered");
    await this.#fleet.type("near", `${ours.otp}\n`);
    await this.#until("the group's is out", () => this.#stateAtBroker(ours.job) === "delivered");
    const all = [...this.#fleet.printed("far"), ...this.#fleet.printed("near")];
    if (all.length !== 3) throw new Error(`${all.length} came out, not 3`);
  }

  async #send(sender: Sender, target: string, bytes: number): Promise<Sent> {
    const [job, body] = [randomUUID(), this.#random.bytes(bytes)];
    const file = this.#fleet.path("small.bin");
    writeFileSync(file, body);
    const { otp } = await this.#fleet.send(sender, target, [file], { raw: true, job });
    return { job, otp, body };
  }

  #state(job: string): string | null {
    return this.#ask(this.#fleet.path("far", "jobs", "jobs.db"), "SELECT state FROM job WHERE job = ?", job);
  }

  #stateAtBroker(job: string): string | null {
    return this.#ask(this.#fleet.path("broker", "broker.db"), "SELECT state FROM jobs WHERE job = ?", job);
  }

  #countJobs(): number {
    return this.#ask<number>(this.#fleet.path("broker", "broker.db"), "SELECT count(*) FROM jobs") ?? 0;
  }

  #ask<T = string>(file: string, sql: string, ...values: string[]): T | null {
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

  async #until(what: string, holds: () => boolean): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    while (!holds()) {
      if (performance.now() > deadline) throw new Error(`in vain: ${what}`);
      await delay(50);
    }
  }
}
