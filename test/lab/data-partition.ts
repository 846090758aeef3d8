/** What lies on a card's data partition, read on this host without mounting it: as the next start would find it. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
/** e2fsck(8): nothing to do, or all was put right; what else is set is damage. */
const FSCK_MENDED = 1;

/**
 * Brings the file system to where its journal says, and copies the agent's folder out of it as `folder`, in the
 * place of what is there. `image` is changed.
 * @returns false where there is no agent's folder with jobs in it yet
 * @throws Error where the file system is damaged beyond what its journal mends
 */
export async function readAgentData(image: string, folder: string): Promise<boolean> {
  await mend(image);
  await rm(folder, { recursive: true, force: true });
  await mkdir(dirname(folder), { recursive: true });
  // debugfs makes the folder itself, under its own name, and fails without a word where there is one.
  const parent = await mkdtemp(join(dirname(folder), "dump-"));
  try {
    await run("debugfs", ["-R", `rdump /platen/agent ${parent}`, image]);
    const dumped = join(parent, "agent");
    if (!existsSync(join(dumped, "jobs", "jobs.db"))) return false;
    await rename(dumped, folder);
    return true;
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}

async function mend(image: string): Promise<void> {
  try {
    await run("e2fsck", ["-f", "-y", image]);
  } catch (cause) {
    const { code, stdout = "" } = cause as { code?: number; stdout?: string };
    if (code !== FSCK_MENDED) throw new Error(`e2fsck says ${code}:\n${stdout}`, { cause });
  }
}
