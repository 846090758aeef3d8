/**
 * The agent as a service: `node agent/main.ts [agent.toml | its folder]`. SIGTERM and SIGINT stop it cleanly; systemd is
 * told when it is up. Exit status as in sysexits.h (wire/errors.table.ts).
 */
import "./heap.ts";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { isPlatenError } from "../wire/error.ts";
import { type RunningAgent, startAgent } from "./agent.ts";
import { loadAgentConfig } from "./config.ts";
import { openReadiness } from "./ready.ts";

const SYSTEM_FILE = "/etc/platen/agent.toml";
/** EX_CONFIG: a wrong setting, a device or keypad that cannot be used. Starting again changes nothing. */
const EXIT_CONFIG = 78;

async function main(place: string | undefined): Promise<void> {
  const readiness = openReadiness();
  const config = loadAgentConfig({ ...findFile(place), env: process.env });
  const agent = await startAgent(config);
  let stopping = false;
  const stop = () => {
    // A second signal is impatience, and takes effect at once.
    if (stopping) process.exit(1);
    stopping = true;
    readiness.sayStopping();
    void agent.close().then(() => process.exit(process.exitCode ?? 0));
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  readiness.sayReady();
  readiness.sayStatus("waiting for the broker");
  await untilServing(agent, () => stopping);
  readiness.sayStatus("serving");
}

/** A rejection because of a stop is no failure. */
async function untilServing(agent: RunningAgent, isStopping: () => boolean): Promise<void> {
  try {
    await agent.ready;
  } catch (error) {
    if (isStopping()) return;
    await agent.close();
    throw error;
  }
}

function findFile(place: string | undefined): { file?: string; required?: boolean } {
  if (place === undefined) return existsSync(SYSTEM_FILE) ? { file: SYSTEM_FILE } : {};
  const isFolder = statSync(place, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return { file: isFolder ? join(place, "agent.toml") : place, required: true };
}

main(process.argv[2]).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(isPlatenError(error) ? error.entry.exit : EXIT_CONFIG);
});
