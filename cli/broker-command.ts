/** `platen broker`: the program in the middle. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { act, addExamples } from "./command-action.ts";
import { findConfigFile, namedDataDir } from "./data-dir.ts";
import { runService } from "./service.ts";

export function addBrokerCommand(program: Command): void {
  const broker = program
    .command("broker")
    .description("run the broker in the middle")
    .option("--config <file>", "its settings (broker.toml)")
    .action(
      act<{ config?: string }>(async ({ options }) => {
        const [{ loadBrokerConfig }, { startBroker }, { openLog }, { openReadiness }] = await Promise.all([
          import("../broker/config.ts"),
          import("../broker/broker.ts"),
          import("../broker/log.ts"),
          import("../agent/ready.ts"),
        ]);
        const file = options.config ?? findConfigFile("broker");
        const config = loadBrokerConfig({ file, required: options.config !== undefined, env: process.env });
        const dataDir = resolve(namedDataDir("broker", options.data) ?? config.dataDir);
        await runService(
          () => startBroker({ ...config, dataDir }, openLog(config.log.level)),
          openReadiness(),
        );
      }),
    );
  addExamples(broker, [
    ["platen broker", "with the settings of ~/.config/platen or /etc/platen; works without any"],
    ["platen broker --config ./broker.toml --data ./broker", "everything in this folder"],
  ]);
}
