/** Debian programs that tests compare with: absent, their tests are skipped; absent in CI, that is a failure. */
import { spawnSync } from "node:child_process";

export function isMissing(program: string): boolean {
  const { error } = spawnSync(program, ["--version"], { stdio: "ignore" });
  const missing = error !== undefined && "code" in error && error.code === "ENOENT";
  if (missing && process.env.CI === "true") throw new Error(`${program} is not installed`);
  return missing;
}
