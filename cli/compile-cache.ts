/**
 * Keeps what Node made of our sources: the next start is faster, and a checkout need not load the type stripper, which
 * costs 25 MB. What lies there is run, so the folder must be ours alone.
 */
import { mkdirSync, statSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

/** Does nothing where there is no private place for it. */
export function keepCompiled(env: Readonly<Record<string, string | undefined>> = process.env): void {
  if (env.NODE_COMPILE_CACHE !== undefined || process.platform === "win32") return;
  try {
    const folder = join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "platen", "compiled");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(folder);
    if (uid === process.getuid?.() && (mode & 0o077) === 0) enableCompileCache(folder);
  } catch {
    // Only slower.
  }
}
