/** The few files a small machine runs: alone in a folder, with no package beside them. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeBundle } from "../../deploy/bundle/bundle.ts";
import manifest from "../../package.json" with { type: "json" };

const run = promisify(execFile);
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "platen-bundle-test-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** e_machine of an ELF file: 62 is x86-64, 183 AArch64. */
function machineOf(file: string): number {
  return readFileSync(file).readUInt16LE(18);
}

const addonsIn = (dir: string) => readdirSync(dir).filter((name) => name.endsWith(".node"));

describe.runIf(process.platform === "linux" && process.arch === "x64")("the bundle", () => {
  it("plays the demo: broker, enrolment, seal, keypad, print", async () => {
    const out = join(folder, "x64");
    await writeBundle("x64", out);
    // Nothing of the checkout may be found by looking upwards.
    const env = { ...process.env, TMPDIR: folder, NODE_PATH: "" };
    const { stdout } = await run(process.execPath, [join(out, "platen.mjs"), "demo", "--auto", "--json"], {
      env,
      cwd: folder,
    });
    expect(JSON.parse(stdout.trim().split("\n").at(-1) as string)).toEqual({ step: "verdict", ok: true });
    const version = await run(process.execPath, [join(out, "platen.mjs"), "--version"], { cwd: folder });
    expect(version.stdout).toBe(`${manifest.version}\n`);
  }, 180_000);

  it("loads every addon it brings", async () => {
    const out = join(folder, "x64");
    const load = `for (const file of ${JSON.stringify(addonsIn(out))}) require("${out}/" + file);`;
    await run(process.execPath, ["-e", load], { cwd: folder });
  });

  it.each([
    ["keypad", "test", "hid:any"],
    ["printer", "test", "--uri", "usb:ffff:ffff"],
    ["printer", "test", "--uri", "serial:/dev/null"],
  ])("finds what it needs of its packages: platen %s %s %s", async (...args) => {
    const running = run(process.execPath, [join(folder, "x64", "platen.mjs"), ...args], {
      cwd: folder,
      timeout: 5000,
    });
    const { stdout, stderr } = await running.catch((cause: { stdout: string; stderr: string }) => cause);
    // A keypad or printer that is missing is fine; a package that is half there is not.
    expect(`${stdout}${stderr}`).not.toMatch(/does not load|is not a function|undefined/);
    expect(`${stdout}${stderr}`).not.toBe("");
  });

  it("holds the addons of the machine it is for, and no others", async () => {
    const out = join(folder, "arm64");
    const { withoutGpio } = await writeBundle("arm64", out);
    const addons = addonsIn(out);
    const names = ["better-sqlite3", "node-hid hidraw", "node-hid libusb", "usb", "serialport"];
    expect(addons).toHaveLength(names.length + (withoutGpio === null ? 1 : 0));
    for (const addon of addons) expect([addon, machineOf(join(out, addon))]).toEqual([addon, 183]);
  });

  it("names the licences of all it holds, libusb's among them", () => {
    const text = readFileSync(join(folder, "arm64", "LICENCES.txt"), "utf8");
    for (const name of ["aedes", "better-sqlite3", "mqtt", "usb", "zod"]) {
      expect(text).toMatch(new RegExp(`^${name} [0-9]`, "m"));
    }
    expect(text).toContain("GNU LESSER GENERAL PUBLIC LICENSE");
  });

  it("never empties a folder that holds something else", async () => {
    await expect(writeBundle("x64", folder)).rejects.toThrow("holds something else");
  });
});
