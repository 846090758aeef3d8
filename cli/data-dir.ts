/** Where each program keeps its data, and where it looks for its settings, unless the command line says otherwise. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export type Program = "broker" | "agent" | "sender";

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly exists: (path: string) => boolean;
}

/** `--data`, else `$PLATEN_DATA/<program>`; undefined leaves it to the program's own settings. */
export function namedDataDir(
  program: Program,
  given: string | undefined,
  env: Surroundings["env"] = process.env,
): string | undefined {
  return given ?? (env.PLATEN_DATA ? join(env.PLATEN_DATA, program) : undefined);
}

/**
 * `broker.toml` or `agent.toml`: the first that is there of the XDG configuration folder's `platen/` and `/etc/platen/`;
 * undefined when neither is, and the defaults count.
 */
export function findConfigFile(
  program: "broker" | "agent",
  around: Surroundings = readSurroundings(),
): string | undefined {
  const { env, home, exists } = around;
  const folders = [join(env.XDG_CONFIG_HOME || join(home, ".config"), "platen"), "/etc/platen"];
  return folders.map((folder) => join(folder, `${program}.toml`)).find(exists);
}

function readSurroundings(): Surroundings {
  return { env: process.env, home: homedir(), exists: existsSync };
}
