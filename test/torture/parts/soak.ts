/** An hour of mixed load with everything failing now and then, and afterwards a fleet as clean as at the start. */
import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findFaults as findFleetFaults } from "../invariants.ts";
import type { Part, Plan, Tally } from "../part.ts";
import { readWorld } from "../rest.ts";
import { Faults } from "../soak/faults.ts";
import { findFaults } from "../soak/job.ts";
import { Load } from "../soak/load.ts";
import { type SoakRecord, summarize, writeTable } from "../soak/report.ts";
import { addHoldings, readHoldings, type Sample, takeSample } from "../soak/sampler.ts";
import { Stage } from "../soak/stage.ts";
import { findForgottenSockets, findGrowth, findHoarding } from "../soak/trend.ts";

const FULL_STAGE = { agents: 20, senders: 50, deliveredGraceS: 60 };
const SHORT_STAGE = { agents: 4, senders: 3, deliveredGraceS: 0 };
const TICK_MS = 200;
const SAMPLES = 360;
const FAULT_EVERY_S = 12;
/** A run as short as a test's: fewer machines, no waiting for expiry and grace, no trends. */
const SHORT_S = 60;
/** Of the load: shares at which the broker is killed. It lives through the rest, so that it can be measured. */
const BROKER_KILLS = [0.04, 0.1, 0.16];
/** Of the load: when the disks are looked at. */
const LOOKS = [0.25, 0.6];
const DRAIN_MS = 1_200_000;
/** What may still be printed once more rests for its grace time; then the broker's sweep, every 30 s. */
const REST_MS = 780_000;
const REST_LOOK_MS = 500;
/** A shorter run says nothing of trends: programs are still warming up. */
const TREND_S = 1200;

export const part: Part = {
  name: "soak",
  about: "an hour of mixed load with faults on: nothing grows, all of it ends well; a round is a job",
  fullRounds: 3600,
  needs: ["mkfifo"],
  run: async (plan) => {
    const soak = await Soak.open(plan);
    try {
      return await soak.run();
    } finally {
      await soak.close();
    }
  },
};

class Soak {
  readonly #plan: Plan;
  readonly #stage: Stage;
  readonly #load: Load;
  readonly #faults: Faults;
  readonly #samples: Sample[] = [];
  readonly #holdings: SoakRecord["holdings"][number][] = [];
  readonly #begunMs = performance.now();
  /** The broker is being restarted. */
  #restart: Promise<unknown> = Promise.resolve();

  private constructor(plan: Plan, stage: Stage, load: Load) {
    this.#plan = plan;
    this.#stage = stage;
    this.#load = load;
    const { agents, lines, senders, printers, smallDisk } = stage;
    const mortals = agents.names.filter((_, at) => at % 2 === 0);
    const hurt = { agents, mortals, lines, senders, printers, smallDisk: smallDisk?.folder ?? null };
    this.#faults = new Faults(plan.random.fork(), hurt, (what) =>
      plan.note(`${this.#atS.toFixed(1)} ${what}`),
    );
  }

  static async open(plan: Plan): Promise<Soak> {
    const isShort = plan.seconds < SHORT_S;
    const heard: { load: Load | null } = { load: null };
    const stage = await Stage.open(isShort ? SHORT_STAGE : FULL_STAGE, {
      onLine: (line) => heard.load?.readLog(line),
      onCaught: (caught) => heard.load?.catch(caught),
      onMessage: (message) => heard.load?.hear(message),
    });
    const load = new Load(plan.random.fork(), stage, isShort ? "patient" : "any");
    heard.load = load;
    return new Soak(plan, stage, load);
  }

  async run(): Promise<Tally> {
    const { seconds, seed } = this.#plan;
    const beganMs = performance.timeOrigin + performance.now();
    await this.#loadUp();
    const loadS = this.#atS;
    await this.#drain();
    const drainS = this.#atS - loadS;
    const broken = await this.#judge(seconds >= TREND_S ? loadS : null);
    const record: SoakRecord = {
      seed,
      loadS,
      drainS,
      beganMs,
      broken,
      samples: this.#samples,
      jobs: [...this.#load.jobs.values()],
      faults: this.#faults.counts,
      holdings: this.#holdings,
      steady: this.#steady,
    };
    const file = join(mkdtempSync(join(tmpdir(), "platen-soak-")), "soak.json");
    writeFileSync(file, JSON.stringify(summarize(record), null, 2));
    const table = writeTable(record);
    if (broken.length > 0) throw new Error(`${broken.length} things broken; ${file}\n${table}`);
    if (seconds >= TREND_S) console.log(`${table}\n${file}`);
    return this.#tally(record);
  }

  async close(): Promise<void> {
    await this.#faults.end();
    await this.#restart.catch(() => {});
    await this.#stage.close();
  }

  get #atS(): number {
    return (performance.now() - this.#begunMs) / 1000;
  }

  /** Agents that are never killed. */
  get #steady(): string[] {
    return ["broker", ...this.#stage.agents.names.filter((_, at) => at % 2 === 1)];
  }

  async #loadUp(): Promise<void> {
    const { rounds, seconds } = this.#plan;
    const isShort = seconds < SHORT_S;
    const kills = BROKER_KILLS.map((share) => share * seconds).slice(0, isShort ? 1 : undefined);
    const faultEveryS = isShort ? 1 : FAULT_EVERY_S;
    const looks = LOOKS.map((share) => share * seconds);
    let nextFaultS = faultEveryS;
    for (const from = this.#atS; this.#atS - from < seconds; ) {
      const atS = this.#atS - from;
      while (this.#load.jobs.size < Math.ceil((rounds * atS) / seconds)) this.#load.sendNext();
      if (atS > nextFaultS) {
        this.#faults.begin();
        nextFaultS += faultEveryS;
      }
      if (atS > (kills[0] ?? Number.POSITIVE_INFINITY)) {
        kills.shift();
        this.#restart = this.#restart.then(() => this.#killBroker());
      }
      if (atS > (looks[0] ?? Number.POSITIVE_INFINITY)) {
        looks.shift();
        this.#lookAtDisks(`after ${Math.round(atS / 60)} min`);
      }
      await this.#tick();
    }
  }

  async #tick(): Promise<void> {
    const everyS = this.#plan.seconds / SAMPLES;
    if (this.#atS - (this.#samples.at(-1)?.atS ?? -everyS) >= everyS) {
      this.#samples.push(takeSample(this.#atS, this.#stage.pids));
      this.#plan.note(`${this.#atS.toFixed(1)} jobs ${this.#load.jobs.size}, live ${this.#load.live.length}`);
    }
    await this.#stage.agents.look();
    await this.#load.act();
    if (this.#stage.pool?.isRunning === false) throw new Error("the senders' process ended");
    await delay(TICK_MS);
  }

  async #killBroker(): Promise<void> {
    this.#plan.note(`${this.#atS.toFixed(1)} broker killed`);
    this.#faults.count("broker killed");
    await this.#stage.fleet.kill("broker");
    await delay(this.#plan.random.integer(0, 5000));
    await this.#stage.fleet.startBroker().catch((error) => {
      if (!this.#stage.fleet.program("broker").running) throw error;
    });
  }

  /** Everything is well again; whoever has something to fetch fetches it; until nothing is left. */
  async #drain(): Promise<void> {
    await this.#faults.end();
    await this.#restart;
    this.#load.isHurried = true;
    for (const until = performance.now() + DRAIN_MS; this.#load.live.length > 0; ) {
      if (performance.now() > until) return;
      await this.#tick();
    }
  }

  async #judge(trendS: number | null): Promise<string[]> {
    const { agents, smallDisk } = this.#stage;
    const jobs = [...this.#load.jobs.values()];
    const broken = jobs.flatMap((job) => findFaults(job, smallDisk ? [smallDisk.agent] : []));
    broken.push(...this.#load.strangers, ...(await this.#awaitRest()));
    this.#lookAtDisks("at the end");
    const fallen = agents.fallen.filter((agent) => agent !== smallDisk?.agent);
    if (fallen.length > 0) broken.push(`ended by themselves: ${fallen.join(", ")}`);
    if (trendS === null) return broken;
    for (const name of this.#steady) broken.push(...findGrowth(this.#samples, name, trendS));
    const last = this.#holdings.at(-1);
    const copies = jobs.reduce((sum, job) => sum + job.agents.length, 0);
    broken.push(...(await this.#lookAtSockets()));
    if (last) broken.push(...findHoarding(last.broker, last.agents, jobs.length, copies));
    return broken;
  }

  /** Once the senders are gone. */
  async #lookAtSockets(): Promise<string[]> {
    const { agents, pids, pool } = this.#stage;
    await pool?.close();
    await delay(REST_LOOK_MS);
    const sample = takeSample(this.#atS, pids);
    this.#plan.note(`at rest ${JSON.stringify(sample.processes.find(({ name }) => name === "broker"))}`);
    return findForgottenSockets(sample, agents.names.length);
  }

  /** The fleet's own books, once every end was told and confirmed. */
  async #awaitRest(): Promise<string[]> {
    const { fleet, agents } = this.#stage;
    const known = {
      agents: agents.names,
      documents: [],
      pieces: () => [],
      retoldMax: Number.POSITIVE_INFINITY,
    };
    for (const until = performance.now() + REST_MS; ; ) {
      const world = readWorld(fleet, known);
      const faults = findFleetFaults(world);
      for (const { agent, jobs } of world.agents) {
        const open = jobs.filter(({ final }) => !final).length;
        if (open > 0) faults.push(`agent ${agent}: ${open} jobs rest`);
      }
      for (const file of readdirSync(fleet.path("temporary"))) faults.push(`senders: left behind: ${file}`);
      if (faults.length === 0 || performance.now() > until) return faults;
      await delay(REST_LOOK_MS);
    }
  }

  #lookAtDisks(when: string): void {
    const { fleet, agents } = this.#stage;
    try {
      const broker = readHoldings(fleet.path("broker"), "broker.db");
      const each = agents.names.map((agent) => readHoldings(fleet.path(agent), join("jobs", "jobs.db")));
      this.#holdings.push({ when, broker, agents: addHoldings(each) });
    } catch (error) {
      this.#plan.note(`${this.#atS.toFixed(1)} the disks could not be read: ${error}`);
    }
  }

  #tally({ jobs, faults, loadS, drainS }: SoakRecord): Tally {
    return {
      jobs: jobs.length,
      "came out": jobs.reduce((sum, { caught }) => sum + caught.filter(({ whole }) => whole).length, 0),
      "broke off": jobs.reduce((sum, { interruptions }) => sum + Math.min(1, interruptions), 0),
      faults: [...faults.values()].reduce((sum, count) => sum + count, 0),
      "seconds of load": Math.round(loadS),
      "seconds to drain": Math.round(drainS),
    };
  }
}
