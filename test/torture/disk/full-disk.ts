/** A small file system of its own under a program's folder, filled to the last pages; then there is room again. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../random.ts";
import { FINAL, type ProgramName, type Stage } from "../stage.ts";
import { type Ailment, SMALL_BYTES, sendIfTaken } from "./ailment.ts";

const DISK_BYTES = 16 * 1024 * 1024;
const PAGE_BYTES = 4096;
/** More than a document's life needs: beyond this nothing fails. */
const PAGES_MAX = 60;
const FULL_MS = 2500;

/** True where this process may mount. */
export function mayMount(): boolean {
  return spawnSync("unshare", ["--mount", "true"]).status === 0;
}

/** So many pages are left when the document is sent. */
export function drawFull(random: Random): Ailment {
  const program = random.pick(["lobby", "broker"] as const);
  const pages = random.integer(0, PAGES_MAX);
  const bytes = random.pick([SMALL_BYTES, 120_000] as const);
  return {
    name: `${program}: ${pages} pages left on its disk, ${bytes} bytes`,
    options: { agentSettings: `${FINAL}policy.reserveBytes = 0\n` },
    suffer: async (stage) => {
      const folder = await mountDisk(stage, program);
      try {
        fill(folder, pages);
        const room = delay(FULL_MS).then(() => rmSync(`${folder}/filler`));
        const document = await sendIfTaken(stage, "lobby", bytes).finally(() => room);
        if (document && (await stage.awaitState(document, "held")).endedAt === null) {
          await stage.release(document);
        }
        await stage.rest(60_000);
      } finally {
        await unmountDisk(stage, program, folder);
      }
    },
  };
}

/** Moves a program's folder onto a disk of its own. */
async function mountDisk(stage: Stage, program: ProgramName): Promise<string> {
  const folder = stage.fleet.path(program);
  await stage.stop(program);
  renameSync(folder, `${folder}.before`);
  mkdirSync(folder, { mode: 0o700 });
  run("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES},mode=0700`, "none", folder]);
  cpSync(`${folder}.before`, folder, { recursive: true, preserveTimestamps: true });
  await stage.start(program);
  return folder;
}

/** And back. */
async function unmountDisk(stage: Stage, program: ProgramName, folder: string): Promise<void> {
  await stage.stop(program);
  rmSync(`${folder}.before`, { recursive: true });
  cpSync(folder, `${folder}.before`, { recursive: true, preserveTimestamps: true });
  run("umount", [folder]);
  rmSync(folder, { recursive: true });
  renameSync(`${folder}.before`, folder);
  await stage.start(program);
}

function fill(folder: string, pages: number): void {
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(`${folder}/filler`, Buffer.alloc(Math.max(0, bavail * bsize - pages * PAGE_BYTES)));
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}
