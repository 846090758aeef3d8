/** The demo as people and scripts run it: everything real, in processes of its own. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const MAIN = new URL("../../cli/platen.mjs", import.meta.url).pathname;
let temporary = "";

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), "platen-e2e-"));
});
afterEach(() => rmSync(temporary, { recursive: true, force: true }));

interface Line {
  readonly step: string;
  readonly [field: string]: unknown;
}

/** Starts `platen demo` in JSON; its folder is made under this test's own. */
function startDemo(...args: string[]): ChildProcess {
  const env = { ...process.env, TMPDIR: temporary };
  return spawn(process.execPath, [MAIN, "demo", "--json", ...args], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
}

function untilExit(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once("close", (status) => resolve(status)));
}

async function runDemo(...args: string[]): Promise<{ status: number | null; lines: Line[] }> {
  const demo = startDemo(...args);
  const lines: Line[] = [];
  createInterface({ input: demo.stdout! }).on("line", (line) => lines.push(JSON.parse(line)));
  return { status: await untilExit(demo), lines };
}

/** Reads JSON lines until one is of `step`. */
async function untilStep(demo: ChildProcess, step: string): Promise<Line> {
  for await (const line of createInterface({ input: demo.stdout! })) {
    const read = JSON.parse(line) as Line;
    if (read.step === step) {
      demo.stdout!.resume();
      return read;
    }
  }
  throw new Error(`the demo ended before ${step}`);
}

describe("platen demo", () => {
  it("prints the document, finds no trace of it, and leaves nothing behind", async () => {
    const { status, lines } = await runDemo("--auto");
    const checks = lines.filter(({ step }) => step === "check");
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(checks).toHaveLength(5);
    expect(lines.find(({ step }) => step === "otp")?.otp).toMatch(/^[0-9]{8}$/);
    const timeline = lines.find(({ step }) => step === "timeline")?.steps as { tookMs: number | null }[];
    expect(timeline.map(({ tookMs }) => typeof tookMs)).toEqual(Array(6).fill("number"));
    expect(lines.at(-1)).toEqual({ step: "verdict", ok: true });
    expect(status).toBe(0);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it("fails when document, name or one-time password leaked, and says where", async () => {
    const { status, lines } = await runDemo("--auto", "--leak", "all");
    const failed = lines.filter(({ step, ok }) => step === "check" && !ok);
    expect(failed).toHaveLength(2);
    for (const { detail } of failed) {
      expect(detail).toMatch(/^3 found: (?:(?:document|name|otp) in agent\/leak at byte [0-9]+(?:; |$)){3}/);
      for (const what of ["document", "name", "otp"]) expect(detail).toContain(`${what} in`);
    }
    expect(lines.at(-1)).toEqual({ step: "verdict", ok: false });
    expect(status).toBe(1);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it("ends its programs and removes its files when it is interrupted", async () => {
    const demo = startDemo("--auto");
    const broker = Number((await untilStep(demo, "broker")).pid);
    process.kill(broker, 0);
    demo.kill("SIGINT");
    expect(await untilExit(demo)).toBe(130);
    expect(readdirSync(temporary)).toEqual([]);
    expect(() => process.kill(broker, 0)).toThrow();
  });

  it("runs on with --keep, where the ordinary commands work", async () => {
    const demo = startDemo("--auto", "--keep");
    const { root } = await untilStep(demo, "kept");
    const env = { ...process.env, PLATEN_DATA: String(root) };
    const ask = async (...args: string[]) => {
      const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args, "--json"], { env });
      return stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
    };
    expect(await ask("printer", "list")).toEqual([
      [expect.objectContaining({ name: "lobby", connected: true })],
    ]);
    const audit = await ask("audit", "--user", "alice");
    expect(audit.map(({ state }) => state)).toContain("delivered");
    expect(await ask("jobs")).toEqual([expect.objectContaining({ state: "delivered", target: "lobby" })]);
    demo.kill("SIGINT");
    expect(await untilExit(demo)).toBe(0);
    expect(readdirSync(temporary)).toEqual([]);
  });
});
