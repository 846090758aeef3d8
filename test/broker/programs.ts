/** Other people's programs that judge our bytes. Missing, they skip a test; in CI they must be there. */
import { spawnSync } from "node:child_process";

const present = new Map<string, boolean>();

export function needsProgram(program: string, skip: (note?: string) => void): void {
  if (!present.has(program)) present.set(program, spawnSync("which", [program]).status === 0);
  if (present.get(program)) return;
  if (process.env.CI === "true") throw new Error(`${program} is missing: .ci/run installs it`);
  skip(`${program} is not installed`);
}
