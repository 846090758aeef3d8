import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, it } from "vitest";

const home = mkdtempSync(join(tmpdir(), "platen-doctor-cli-"));
afterAll(() => rmSync(home, { recursive: true }));

function run(...args: string[]) {
  const main = new URL("../../cli/main.ts", import.meta.url).pathname;
  const env = { PATH: process.env.PATH, HOME: home };
  return spawnSync(process.execPath, [main, ...args], { encoding: "utf8", env, input: "" });
}

describe("platen doctor", () => {
  it("tells in words what is wrong and what to do, and ends with 1", () => {
    const { status, stdout, stderr } = run("doctor");
    expect({ status, stderr }).toEqual({ status: 1, stderr: "" });
    expect(stdout).toMatch(/^Agent\n/);
    expect(stdout).toMatch(
      /WRONG {2}enrolment: This agent has no certificate yet\.\n\s+-> On the broker run/,
    );
    expect(stdout).toMatch(/things are wrong\.\n$/);
  });

  it("is one JSON document for programs; a mistake in the settings is told by its place", () => {
    const file = join(home, "agent.toml");
    writeFileSync(file, "[panel.lamps]\nwhit = 'GPIO5'\n");
    const { status, stdout } = run("doctor", "agent", "--config", file, "--json");
    expect(status).toBe(1);
    const [found] = JSON.parse(stdout) as { side: string; check: string; verdict: string; what: string }[];
    expect(found).toMatchObject({ side: "agent", check: "settings", verdict: "bad" });
    expect(found?.what).toMatch(/panel\.lamps\.whit.*panel\.lamps\.white/s);
  });
});

describe("platen panel card", () => {
  it("says what does not fit, and writes nothing", () => {
    const { status, stdout, stderr } = run("panel", "card", "--lang", "de,en,fr,it,es,pt");
    expect([status, stdout]).toEqual([64, ""]);
    expect(stderr).toMatch(/6 languages do not fit on A6/);
  });
});

describe("platen printer test", () => {
  it("prints a page in the profile's language on a printer that is named by address", () => {
    const file = join(home, "page");
    const { status, stdout } = run(
      "printer",
      "test",
      "--uri",
      `file:${file}`,
      "--profile",
      "postscript",
      "--json",
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ language: "ps", sent: true, confirmed: false });
    expect(readFileSync(file, "latin1")).toMatch(/^\x04%!PS-Adobe.*showpage.*\x04$/s);
  });
});

describe("platen keypad test", () => {
  it("names keys, never digits, and sums up", async () => {
    const pipe = join(home, "keys");
    const main = new URL("../../cli/main.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, [main, "keypad", "test", `pipe:${pipe}`, "--json"], {
      env: { PATH: process.env.PATH, HOME: home },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const lines: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      lines.push(line);
      if (line.includes("attached")) writeFileSync(pipe, "48\b2*#");
      if (line.includes("enter")) child.kill("SIGINT");
    }
    const happenings = lines.map((line) => JSON.parse(line) as { key?: string; summary?: object });
    expect(happenings.flatMap(({ key }) => key ?? [])).toEqual([
      "",
      "digit",
      "digit",
      "backspace",
      "digit",
      "clear",
      "enter",
    ]);
    expect(happenings.at(-1)?.summary).toMatchObject({ keys: 6, repeats: 0, bounces: 0 });
  });
});
