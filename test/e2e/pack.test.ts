/** The packed tarball, installed as people install it: JavaScript, its own Node, the same command. */
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import manifest from "../../package.json" with { type: "json" };

const ROOT = new URL("../..", import.meta.url).pathname;
const INSTALL_MS = 240_000;
const run = promisify(execFile);
let folder = "";
let platen = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "platen-pack-"));
  const packed = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: ROOT });
  const [{ filename }] = JSON.parse(packed.stdout.slice(packed.stdout.indexOf("[\n"))) as [
    { filename: string },
  ];
  const install = ["install", "--global", "--prefix", folder, "--prefer-offline", "--no-audit", "--no-fund"];
  await run("npm", [...install, join(folder, filename)], { cwd: folder });
  platen = join(folder, "bin", "platen");
}, INSTALL_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the packed tarball", () => {
  it("holds JavaScript and no TypeScript to strip", async () => {
    const installed = join(folder, "lib", "node_modules", "platen");
    const { stdout } = await run("find", [
      installed,
      "-name",
      "*.ts",
      "-not",
      "-name",
      "*.d.ts",
      "-not",
      "-path",
      "*/node_modules/platen/node_modules/*",
    ]);
    expect(stdout).toBe("");
  });

  it("says its version and its help", async () => {
    expect((await run(platen, ["--version"])).stdout).toBe(`${manifest.version}\n`);
    expect((await run(platen, ["--help"])).stdout).toContain("Usage: platen");
  });

  it("runs under the older Node that npm runs on, by its own Node 24", async () => {
    // npm tells which Node it runs on; `npm run` puts the pinned one before it in PATH.
    const older = process.env.npm_node_execpath ?? process.execPath;
    const { stdout } = await run(older, [platen, "--version"]);
    expect(stdout).toBe(`${manifest.version}\n`);
  });

  it("passes a signal on and keeps the exit status", async () => {
    const older = process.env.npm_node_execpath ?? process.execPath;
    const config = join(folder, "broker.toml");
    writeFileSync(config, '[listen]\nhost = "localhost"\nport = 0\n');
    const args = [platen, "broker", "--data", join(folder, "broker"), "--config", config];
    const broker = spawn(older, args, { stdio: ["ignore", "inherit", "pipe"] });
    const ended = new Promise((resolve) => broker.once("close", resolve));
    const events: unknown[] = [];
    for await (const line of createInterface({ input: broker.stderr })) {
      events.push(JSON.parse(line).event);
      if (events.at(-1) === "broker-ready") broker.kill("SIGTERM");
    }
    expect(await ended).toBe(0);
    expect(events.at(-1)).toBe("broker-closed");
    await expect(run(older, [platen, "pinter"])).rejects.toMatchObject({ code: 64 });
  }, 30_000);

  it("plays the demo", async () => {
    const { stdout } = await run(platen, ["demo", "--auto", "--json"], {
      env: { ...process.env, TMPDIR: folder },
    });
    expect(JSON.parse(stdout.trim().split("\n").at(-1) as string)).toEqual({ step: "verdict", ok: true });
  }, 120_000);
});
