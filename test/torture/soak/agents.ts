/** The agents of the soak as processes: their logs read as they come, one that ended started again. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { Child, LogLine } from "../../../cli/demo/child.ts";
import type { Fleet } from "../../e2e/fleet.ts";

export interface AgentLine extends LogLine {
  readonly agent: string;
}

export class Agents {
  readonly names: readonly string[];
  readonly #fleet: Fleet;
  readonly #onLine: (line: AgentLine) => void;
  readonly #children = new Map<string, Child>();
  /** Ended ones whose last lines are still coming. */
  readonly #old = new Set<{ agent: string; child: Child }>();
  readonly #away = new Set<string>();
  /** Ended without being told to. */
  readonly fallen: string[] = [];

  constructor(fleet: Fleet, names: readonly string[], onLine: (line: AgentLine) => void) {
    this.#fleet = fleet;
    this.names = names;
    this.#onLine = onLine;
  }

  /** On a busy machine a start may take longer than a test waits for it. */
  async start(agent: string): Promise<void> {
    try {
      await this.#fleet.startAgent(agent);
    } catch (error) {
      if (!this.#fleet.program(agent).running) throw error;
    } finally {
      this.#children.set(agent, this.#fleet.program(agent));
      this.#away.delete(agent);
    }
  }

  /** SIGKILL. */
  async kill(agent: string): Promise<void> {
    this.#away.add(agent);
    const child = this.#children.get(agent);
    await this.#fleet.kill(agent);
    if (child) this.#old.add({ agent, child });
  }

  isRunning(agent: string): boolean {
    return !this.#away.has(agent) && this.#children.get(agent)?.running === true;
  }

  pidOf(agent: string): number | null {
    return this.isRunning(agent) ? (this.#children.get(agent)?.pid ?? null) : null;
  }

  /** Takes what was logged since; starts again what ended by itself, as systemd would. */
  async look(): Promise<void> {
    for (const [agent, child] of this.#children) {
      this.#read(agent, child);
      if (child.running || this.#away.has(agent)) continue;
      this.fallen.push(agent);
      this.#away.add(agent);
      this.#old.add({ agent, child });
      await this.start(agent).catch(() => {});
    }
    for (const { agent, child } of this.#old) this.#read(agent, child);
  }

  /** False when nobody reads the keypad: the agent is away. */
  async type(agent: string, keys: string): Promise<boolean> {
    const pipe = await open(
      this.#fleet.path(`${agent}.keypad`),
      constants.O_WRONLY | constants.O_NONBLOCK,
    ).catch(() => null);
    if (!pipe) return false;
    try {
      await pipe.write(keys);
      return true;
    } catch {
      return false;
    } finally {
      await pipe.close();
    }
  }

  #read(agent: string, child: Child): void {
    for (const line of child.lines.splice(0)) this.#onLine({ ...line, agent });
  }
}
