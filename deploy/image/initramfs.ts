/** The little system that finds the root: one program, one script, a few modules. Built without running any of it. */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Kernel } from "./kernel.ts";
import { INITRAMFS_MODULES } from "./modules.table.ts";
import { run } from "./program.ts";

const INIT = new URL("initramfs/init", import.meta.url);

/**
 * @param busybox a static one for the image's processor
 * @param folder for what goes into it; emptied
 * @param epoch Unix seconds that every file gets
 */
export function packInitramfs(kernel: Kernel, busybox: string, folder: string, epoch: number): Buffer {
  rmSync(folder, { recursive: true, force: true });
  for (const name of ["bin", "dev", "modules", "proc", "root", "run", "sys"]) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  copyFileSync(busybox, join(folder, "bin/busybox"));
  copyFileSync(INIT, join(folder, "init"));
  chmodSync(join(folder, "bin/busybox"), 0o755);
  chmodSync(join(folder, "init"), 0o755);
  const names = kernel.listModules(INITRAMFS_MODULES).map((path) => {
    const name = basename(path).replace(/\.xz$/, "");
    const module = path.endsWith(".xz") ? run("xz", ["-dc", path]) : readFileSync(path);
    writeFileSync(join(folder, "modules", name), module);
    return name;
  });
  writeFileSync(join(folder, "modules/order"), `${names.join("\n")}\n`);
  const files = run("find", [".", "-mindepth", "1"], { cwd: folder })
    .toString()
    .split("\n")
    .filter(Boolean)
    .sort();
  run("touch", ["--no-dereference", `--date=@${epoch}`, ...files], { cwd: folder });
  const archive = run("cpio", ["--create", "--format=newc", "--owner=0:0", "--reproducible", "--quiet"], {
    cwd: folder,
    input: `${files.join("\n")}\n`,
  });
  return run("zstd", ["-19", "--quiet", "--stdout"], { input: archive });
}
