/** The machine's device tree, changed in one place: its power key becomes a digit of a keypad on GPIO (gpio-keys). */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { MACHINE } from "./pi.ts";

const run = promisify(execFile);
/** input-event-codes.h */
const KEY_POWER = 116;
const KEY_1 = 2;

/** A device tree whose one button on a pin types a 1. QMP's `system_powerdown` presses it. */
export async function makeDigitKey(path: string): Promise<void> {
  await run("qemu-system-aarch64", [...MACHINE, "-machine", `dumpdtb=${path}`, "-display", "none"]);
  const { stdout } = await run("dtc", ["-I", "dtb", "-O", "dts", path], { maxBuffer: 2 ** 24 });
  const code = `linux,code = <0x${KEY_POWER.toString(16)}>`;
  if (!stdout.includes(code)) throw new Error("the machine has no power key");
  await writeFile(`${path}.dts`, stdout.replace(code, `linux,code = <${KEY_1}>`));
  await run("dtc", ["-q", "-I", "dts", "-O", "dtb", "-o", path, `${path}.dts`]);
  if ((await readFile(path)).length === 0) throw new Error("dtc wrote nothing");
}
