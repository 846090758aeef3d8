/** `platen doctor`: what is wrong on this machine, and what to do. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { bad, type Diagnosis } from "../wire/diagnosis.ts";
import { isPlatenError, PlatenError } from "../wire/error.ts";
import { act, addExamples, type Context, type GlobalOptions } from "./command-action.ts";
import { findConfigFile, namedDataDir } from "./data-dir.ts";
import type { Terminal } from "./terminal.ts";

interface DoctorOptions {
  readonly config?: string;
}

type Side = "agent" | "broker";
interface Told extends Diagnosis {
  readonly side: Side;
}

const EXIT_WRONG = 1;

export function addDoctorCommand(program: Command): void {
  const doctor = program
    .command("doctor")
    .description(
      "say what is wrong on this machine, and what to do: printers, keypads, broker, certificates, disk",
    )
    .argument("[side]", "“agent” or “broker”; without it, whatever this machine is")
    .option("--config <file>", "the settings of that side, instead of those found by themselves")
    .action(act(runDoctor));
  addExamples(doctor, [
    ["platen doctor", "exit status 1 where something is wrong"],
    ["sudo -u platen platen doctor agent", "with the rights of the agent's own user"],
    ["platen doctor --json | jq '.[] | select(.verdict == \"bad\")'", "for monitoring"],
  ]);
}

async function runDoctor({ args, options, terminal }: Context<DoctorOptions & GlobalOptions>): Promise<void> {
  const sides = chooseSides(args[0], options);
  const found: Told[] = [];
  for (const side of sides) {
    if (!terminal.json) terminal.print(terminal.style("bold", side === "agent" ? "Agent" : "Broker"));
    for await (const diagnosis of examine(side, options)) {
      found.push({ side, ...diagnosis });
      if (!terminal.json) terminal.print(format(diagnosis, terminal));
    }
    terminal.print("");
  }
  terminal.printJson(found);
  const wrong = found.filter(({ verdict }) => verdict === "bad").length;
  const notes = found.filter(({ verdict }) => verdict === "note").length;
  terminal.print(summarize(wrong, notes, terminal));
  if (wrong > 0) process.exitCode = EXIT_WRONG;
}

/** Both where both are set up; the agent's where nothing is. */
function chooseSides(asked: string | undefined, { config, data }: DoctorOptions & GlobalOptions): Side[] {
  if (asked === "agent" || asked === "broker") return [asked];
  if (asked !== undefined)
    throw new PlatenError("usage", { what: `There is no side “${asked}”: agent or broker.` });
  if (config !== undefined || data !== undefined) {
    throw new PlatenError("usage", {
      what: "Say whose settings or data these are: platen doctor agent, or broker.",
    });
  }
  const isBroker = findConfigFile("broker") !== undefined || hasData("broker", "broker.db");
  const isAgent = findConfigFile("agent") !== undefined || hasData("agent", "enrolment.json");
  const sides: Side[] = [
    ...(isBroker ? (["broker"] as const) : []),
    ...(isAgent ? (["agent"] as const) : []),
  ];
  return sides.length > 0 ? sides : ["agent"];
}

function hasData(side: Side, file: string): boolean {
  const named = namedDataDir(side, undefined);
  if (named !== undefined) return existsSync(join(named, file));
  const state = process.env.XDG_STATE_HOME || join(process.env.HOME ?? "/", ".local", "state");
  return [`/var/lib/platen/${side}`, join(state, "platen", side)].some((dir) => existsSync(join(dir, file)));
}

async function* examine(side: Side, options: DoctorOptions & GlobalOptions): AsyncGenerator<Diagnosis> {
  try {
    yield* side === "agent" ? examineAgentSide(options) : examineBrokerSide(options);
  } catch (error) {
    if (!isPlatenError(error) || !error.code.startsWith("config-")) throw error;
    yield bad(
      "settings",
      error.message.replace(/ Nothing was started\.$/, ""),
      "Correct the file and run the doctor again.",
    );
  }
}

async function* examineAgentSide(options: DoctorOptions & GlobalOptions): AsyncGenerator<Diagnosis> {
  const [{ loadAgentConfig }, { examineAgent }] = await Promise.all([
    import("../agent/config.ts"),
    import("../agent/examination.ts"),
  ]);
  const file = options.config ?? findConfigFile("agent");
  const config = loadAgentConfig({ file, required: options.config !== undefined, env: process.env });
  const dataDir = resolve(namedDataDir("agent", options.data) ?? config.dataDir);
  yield* examineAgent({ ...config, dataDir });
}

async function* examineBrokerSide(options: DoctorOptions & GlobalOptions): AsyncGenerator<Diagnosis> {
  const [{ loadBrokerConfig }, { examineBroker }, machine] = await Promise.all([
    import("../broker/config.ts"),
    import("../broker/examination.ts"),
    import("../agent/check-machine.ts"),
  ]);
  const file = options.config ?? findConfigFile("broker");
  const config = loadBrokerConfig({ file, required: options.config !== undefined, env: process.env });
  const dataDir = resolve(namedDataDir("broker", options.data) ?? config.dataDir);
  yield machine.checkClock(machine.readClockFacts());
  const disk = machine.readDiskFacts(dataDir, config.quota.freeBytes);
  if (disk !== null) yield machine.checkDisk(disk);
  yield* examineBroker({ ...config, dataDir });
}

const MARKS = { good: ["green", "ok   "], note: ["yellow", "note "], bad: ["red", "WRONG"] } as const;

function format({ check, verdict, what, remedy }: Diagnosis, terminal: Terminal): string {
  const [colour, mark] = MARKS[verdict];
  const head = `  ${terminal.style(colour, mark)}  ${check}: ${what}`;
  if (remedy === null) return head;
  return `${head}\n         ${terminal.style("bold", "->")} ${remedy}`;
}

function summarize(wrong: number, notes: number, terminal: Terminal): string {
  if (wrong > 0)
    return terminal.style("red", wrong === 1 ? "One thing is wrong." : `${wrong} things are wrong.`);
  if (notes > 0) return terminal.style("yellow", "Nothing is wrong; look at the notes.");
  return terminal.style("green", "All is well.");
}
