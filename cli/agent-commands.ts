/** `platen agent` and `platen agent enrol`: the program beside the printer. */
import { resolve } from "node:path";
import type { Command } from "commander";
import type { AgentConfig } from "../agent/config.ts";
import { act, addExamples } from "./command-action.ts";
import { findConfigFile, namedDataDir } from "./data-dir.ts";
import { readSecret } from "./secret-input.ts";
import { runService, type Service } from "./service.ts";

export function addAgentCommands(program: Command): void {
  const agent = program
    .command("agent")
    .description("run the agent beside a printer")
    .option("--config <file>", "its settings (agent.toml)")
    .option("--setup <dir>", "be set up from a card: where “platen image setup” leaves its order")
    .action(
      act<{ config?: string; setup?: string }>(async ({ options }) => {
        const [{ loadAgentConfig }, { openReadiness }] = await Promise.all([
          import("../agent/config.ts"),
          import("../agent/ready.ts"),
        ]);
        const file = options.config ?? findConfigFile("agent");
        const config = loadAgentConfig({ file, required: options.config !== undefined, env: process.env });
        const dataDir = resolve(namedDataDir("agent", options.data) ?? config.dataDir);
        await runService(await chooseStart({ ...config, dataDir }, options.setup), openReadiness());
      }),
    );
  addExamples(agent, [
    ["platen agent", "with the settings of ~/.config/platen or /etc/platen"],
    ["platen agent --config ./agent.toml --data ./agent", "everything in this folder"],
  ]);
  addEnrol(agent);
}

async function chooseStart(config: AgentConfig, orders: string | undefined): Promise<() => Promise<Service>> {
  if (orders === undefined) {
    const { startAgent } = await import("../agent/agent.ts");
    return () => startAgent(config);
  }
  const { startHandsOff } = await import("../agent/hands-off.ts");
  // systemd names it (RuntimeDirectory=); the card's half looks there.
  const reports = process.env.RUNTIME_DIRECTORY?.split(":")[0] ?? null;
  return () => startHandsOff(config, { orders, reports });
}

function addEnrol(agent: Command): void {
  const enrol = agent
    .command("enrol")
    .description("make this machine's keys and enrol them with the code of “platen printer add”")
    .argument("[code]", "the one-time code; - reads it from stdin, nothing asks for it")
    .action(
      act(async ({ args, options, terminal }) => {
        const code = await readSecret(args[0], "claim code", terminal);
        const [{ enrolAgent }, { loadAgentConfig }] = await Promise.all([
          import("../agent/enrol.ts"),
          import("../agent/config.ts"),
        ]);
        const named = namedDataDir("agent", options.data);
        const dir = named ?? loadAgentConfig({ file: findConfigFile("agent"), env: process.env }).dataDir;
        const enrolled = await enrolAgent(code, resolve(dir));
        terminal.printJson(enrolled);
        terminal.print(
          `This is the agent “${enrolled.agent}” now, for ${enrolled.printers.join(", ")}. Fingerprint of its key:\n\n` +
            `  ${terminal.style("bold", enrolled.fingerprint)}\n\n` +
            "Compare it with what “platen fleet status” shows on the broker. Then start it: platen agent",
        );
      }),
    );
  addExamples(enrol, [
    ["platen agent enrol", "asks for the code, so that it shows neither in ps nor in the shell's history"],
    ["platen agent enrol - < code.txt", "from a file"],
  ]);
}
