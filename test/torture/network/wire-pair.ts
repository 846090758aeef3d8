/**
 * A network namespace of the kernel's with a cable to this one, and programs in it. Cut, the cable says nothing: frames
 * go to an address that nobody has, so that both ends wait as for a router that died. Needs root and iproute2.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";

const HERE = "10.77.0.1";
const THERE = "10.77.0.2";
const NOBODY = "02:00:00:00:00:ff";

export class WirePair {
  readonly #name = `platen-${process.pid}`;
  readonly #here = `ph${process.pid}`;
  readonly #there = `pt${process.pid}`;
  readonly #programs = new Set<ChildProcess>();

  /** Null where this user may not make one. */
  static open(): WirePair | null {
    const pair = new WirePair();
    if (pair.#make()) return pair;
    pair.#remove();
    return null;
  }

  /** Where programs in the namespace reach this side. */
  get host(): string {
    return HERE;
  }

  /** Frames of both sides vanish. */
  cut(): void {
    this.#point(NOBODY, NOBODY);
  }

  join(): void {
    this.#point(this.#addressOf(this.#there, true), this.#addressOf(this.#here, false));
  }

  /** Runs a program in the namespace; its stderr goes to `log`. */
  run(command: readonly string[], log: string): ChildProcess {
    const file = openSync(log, "a");
    const program = spawn("ip", ["netns", "exec", this.#name, ...command], {
      stdio: ["ignore", file, file],
    });
    this.#programs.add(program);
    program.once("exit", () => this.#programs.delete(program));
    return program;
  }

  async close(): Promise<void> {
    for (const program of this.#programs) {
      const exited = once(program, "exit");
      program.kill("SIGTERM");
      const force = setTimeout(() => program.kill("SIGKILL"), 10_000);
      await exited.finally(() => clearTimeout(force));
    }
    this.#remove();
  }

  #make(): boolean {
    const [name, here, there] = [this.#name, this.#here, this.#there];
    return [
      `netns add ${name}`,
      `link add ${here} type veth peer name ${there} netns ${name}`,
      `addr add ${HERE}/30 dev ${here}`,
      `link set ${here} up`,
      `-n ${name} addr add ${THERE}/30 dev ${there}`,
      `-n ${name} link set ${there} up`,
      `-n ${name} link set lo up`,
    ].every((line) => ip(line) !== null);
  }

  #remove(): void {
    ip(`link del ${this.#here}`);
    ip(`netns del ${this.#name}`);
  }

  #point(there: string, here: string): void {
    ip(`neigh replace ${THERE} dev ${this.#here} lladdr ${there} nud permanent`);
    ip(`-n ${this.#name} neigh replace ${HERE} dev ${this.#there} lladdr ${here} nud permanent`);
  }

  #addressOf(device: string, isThere: boolean): string {
    const shown = ip(`${isThere ? `-n ${this.#name} ` : ""}-br link show ${device}`) ?? "";
    return /(?:[0-9a-f]{2}:){5}[0-9a-f]{2}/.exec(shown)?.[0] ?? NOBODY;
  }
}

function ip(line: string): string | null {
  const { status, stdout } = spawnSync("ip", line.split(" "), { encoding: "utf8" });
  return status === 0 ? stdout : null;
}
