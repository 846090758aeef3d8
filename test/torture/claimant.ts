/** `platen agent enrol` as a person runs it, killed on its way, and run again with the same code. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isPlatenError } from "../../wire/error.ts";
import type { Random } from "./random.ts";
import type { Stage } from "./stage.ts";
import { type Step, Strace } from "./strace.ts";

/** It writes, syncs and renames five small files, and says one thing to the broker. */
const LAUNCHER = fileURLToPath(new URL("../../cli/platen.mjs", import.meta.url));
const STEPS: readonly [Sure, ...Sure[]] = [
  { step: "fsync", most: 10 },
  { step: "rename", most: 5 },
  { step: "write", most: 25 },
];
const TRIES_MAX = 20;
/** So many of them are cut short. */
const SPOILT = 2;
const PAUSE_MS = 300;
let claims = 0;

interface Sure {
  readonly step: Step;
  readonly most: number;
}

/** Its name. @throws Error where the code is used up and the agent is not enrolled */
export async function enrolUnderKills(stage: Stage, random: Random): Promise<string> {
  const agent = `new-${++claims}`;
  const code = await offerCode(stage, agent);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const args = [LAUNCHER, "agent", "enrol", code, "--data", stage.fleet.path(agent)];
    const claim = spawn(process.execPath, args, { stdio: "ignore" });
    const exited = once(claim, "exit");
    const { step, most } = random.pick(STEPS);
    const spoiling = { step, with: "signal=SIGKILL", when: random.integer(1, most) } as const;
    const strace =
      tries < SPOILT && claim.pid !== undefined ? await Strace.spoil(claim.pid, "main", [spoiling]) : null;
    await exited;
    await strace?.detach();
    if (claim.exitCode === 0) {
      stage.fleet.configureAgent(agent, { [agent]: {} });
      return agent;
    }
    await delay(PAUSE_MS);
  }
  throw new Error(`${agent} could not be enrolled with its code, which is as good as it was`);
}

/** The administrator asks again where the broker was away; a name that is there already gets a fresh code. */
async function offerCode(stage: Stage, name: string): Promise<string> {
  for (;;) {
    try {
      const { code } = await stage.fleet.admin("printer.add", { name });
      return code ?? "";
    } catch (error) {
      if (isPlatenError(error, "already-there")) {
        return (await stage.fleet.admin("printer.replace", { name })).code;
      }
      if (!isPlatenError(error, "admin-unreachable")) throw error;
      await delay(PAUSE_MS);
    }
  }
}
