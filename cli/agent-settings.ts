/** The agent's settings and its printers on this machine, for tools that run beside it. */
import { resolve } from "node:path";
import type { AgentConfig } from "../agent/config.ts";
import { PlatenError } from "../wire/error.ts";
import type { GlobalOptions } from "./command-action.ts";
import { findConfigFile, namedDataDir } from "./data-dir.ts";

export interface LocalPrinter {
  readonly name: string;
  readonly uri: string;
  readonly profile: string;
}

/** @throws PlatenError `config-*` */
export async function readAgentConfig(options: GlobalOptions, file?: string): Promise<AgentConfig> {
  const { loadAgentConfig } = await import("../agent/config.ts");
  const config = loadAgentConfig({
    file: file ?? findConfigFile("agent"),
    required: file !== undefined,
    env: process.env,
  });
  return { ...config, dataDir: resolve(namedDataDir("agent", options.data) ?? config.dataDir) };
}

/** Those of agent.toml and of the enrolment, as far as this user may read it. */
export async function readLocalPrinters(config: AgentConfig): Promise<LocalPrinter[]> {
  const [{ choosePrinters }, { readEnrolmentRecord }] = await Promise.all([
    import("../agent/config.ts"),
    import("../agent/enrolment.ts"),
  ]);
  let enrolled: readonly string[] = [];
  try {
    enrolled = readEnrolmentRecord(config.dataDir)?.printers ?? [];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES") throw error;
  }
  return [...choosePrinters(config, enrolled)].map(([name, { uri, profile }]) => ({ name, uri, profile }));
}

/** The one that is named, or the only one. @throws PlatenError `usage`, `not-there` */
export function choosePrinter(printers: readonly LocalPrinter[], name: string | undefined): LocalPrinter {
  const names = printers.map((printer) => printer.name).join(", ");
  if (name === undefined) {
    const [only, ...others] = printers;
    if (only !== undefined && others.length === 0) return only;
    const what =
      only === undefined
        ? "No printer is configured here. Name its address with --uri."
        : `Which one: ${names}?`;
    throw new PlatenError("usage", { what });
  }
  const found = printers.find((printer) => printer.name === name);
  if (found !== undefined) return found;
  const hint = names === "" ? "None is configured; use --uri." : `Here are ${names}.`;
  throw new PlatenError("not-there", { what: `printer “${name}” on this machine`, hint });
}
