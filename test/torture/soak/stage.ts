/** The soak's programs and the cables between them: one broker, agents with a printer each, a process of senders. */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { Fleet } from "../../e2e/fleet.ts";
import { type AgentLine, Agents } from "./agents.ts";
import type { Caught } from "./catcher.ts";
import { Line } from "./line.ts";
import type { Target } from "./load.ts";
import type { FromSenders, Person } from "./order.ts";
import { SenderPool } from "./sender-pool.ts";
import { type PrinterKind, SoakPrinter } from "./soak-printer.ts";

export interface StageSize {
  readonly agents: number;
  readonly senders: number;
  /** How long what was delivered can be printed once more: the end of the soak waits for it. */
  readonly deliveredGraceS: number;
}

export interface Ears {
  onLine(line: AgentLine): void;
  onCaught(caught: Caught): void;
  onMessage(message: FromSenders): void;
}

/** All of these come from one address here, and from many in a building. */
const BROKER_SETTINGS = "[limits]\nconnectionsPerAddress = 1024\nstrangersPerAddress = 256\n";
const SMALL_DISK_MB = 48;
/** What fits it, beside what the agent keeps free. */
const SMALL_DISK_BYTES = 20_000_000;

export class Stage {
  readonly fleet: Fleet;
  readonly agents: Agents;
  readonly lines = new Map<string, Line>();
  readonly printers = new Map<string, SoakPrinter>();
  readonly targets: Target[] = [];
  readonly users: string[] = [];
  readonly senders: Line;
  readonly #ears: Ears;
  readonly #size: StageSize;
  /** The folder of the agent whose disk is small; null where none could be made. */
  smallDisk: { readonly agent: string; readonly folder: string } | null = null;
  pool: SenderPool | null = null;

  private constructor(fleet: Fleet, senders: Line, size: StageSize, ears: Ears) {
    this.fleet = fleet;
    this.senders = senders;
    this.#ears = ears;
    this.#size = size;
    const names = Array.from({ length: size.agents }, (_, at) => `p${at}`);
    this.agents = new Agents(fleet, names, (line) => ears.onLine(line));
  }

  static async open(size: StageSize, ears: Ears): Promise<Stage> {
    const fleet = await Fleet.start(BROKER_SETTINGS);
    const stage = new Stage(fleet, await Line.open(fleet.port), size, ears);
    try {
      for (const agent of stage.agents.names) await stage.#addAgent(agent);
      await stage.#addGroups();
      for (const agent of stage.agents.names) await stage.agents.start(agent);
      await stage.#addSenders(size.senders);
      return stage;
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  /** By name: the broker, the agents, the senders. */
  get pids(): Map<string, number> {
    const pids = new Map<string, number>();
    const broker = this.fleet.program("broker");
    if (broker.running && broker.pid !== undefined) pids.set("broker", broker.pid);
    for (const agent of this.agents.names) {
      const pid = this.agents.pidOf(agent);
      if (pid !== null) pids.set(agent, pid);
    }
    if (this.pool) pids.set("senders", this.pool.pid);
    return pids;
  }

  async close(): Promise<void> {
    await this.pool?.close();
    // A folder with something mounted in it cannot be removed.
    await this.fleet.close(true);
    if (this.smallDisk) spawnSync("umount", [this.smallDisk.folder]);
    for (const line of [...this.lines.values(), this.senders]) await line.close();
    for (const printer of this.printers.values()) await printer.close();
    await this.fleet.close();
  }

  async #addAgent(name: string): Promise<void> {
    const at = this.lines.size;
    const kind: PrinterKind = at % 5 === 3 ? "escpos" : at % 10 === 7 ? "pjl" : "raw";
    const line = await Line.open(this.fleet.port);
    this.lines.set(name, line);
    const printer = await SoakPrinter.open(name, kind, (caught) => this.#ears.onCaught(caught));
    this.printers.set(name, printer);
    // The last one has a disk that is too small for the largest documents.
    if (at === this.agents.names.length - 1) this.#mountSmallDisk(name);
    const profile = kind === "raw" ? "raw" : kind;
    await this.fleet.addAgent(
      { [name]: { uri: printer.uri, profile } },
      `broker = "${line.address}"\n[policy]\ndeliveredGraceSeconds = ${this.#size.deliveredGraceS}\n`,
    );
    const bytesMax = this.smallDisk?.agent === name ? SMALL_DISK_BYTES : Number.POSITIVE_INFINITY;
    this.targets.push({ name, kind, agents: [name], bytesMax });
  }

  #mountSmallDisk(agent: string): void {
    const folder = this.fleet.path(agent);
    mkdirSync(folder, { mode: 0o700 });
    const options = `size=${SMALL_DISK_MB}m,mode=700`;
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder]);
    if (mounted.status === 0) this.smallDisk = { agent, folder };
  }

  /** One of three printers, and one of five, whose OTPs are longer. */
  async #addGroups(): Promise<void> {
    const raw = this.targets.filter(({ kind }) => kind === "raw").map(({ name }) => name);
    for (const [name, printers] of [
      ["east", raw.slice(0, 3)],
      ["west", raw.slice(3, 8)],
    ] as const) {
      if (printers.length < 2) continue;
      await this.fleet.admin("group.add", { name, printers });
      this.targets.push({ name, kind: "raw", agents: printers, bytesMax: Number.POSITIVE_INFINITY });
    }
  }

  async #addSenders(count: number): Promise<void> {
    const people: Person[] = [];
    for (let at = 0; at < count; at++) {
      const user = `user-${at}`;
      const { dir } = await this.fleet.addSender(user);
      people.push({ user, dir });
      this.users.push(user);
    }
    const place = {
      address: this.senders.address,
      temporary: this.fleet.path("temporary"),
      log: this.fleet.path("logs", "senders.log"),
    };
    this.pool = await SenderPool.start(people, place, (message) => this.#ears.onMessage(message));
  }
}
