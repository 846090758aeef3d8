/** The units and rules in deploy/: what they promise, and that systemd takes them. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createProgram } from "../../cli/program.ts";

const read = (file: string) => readFileSync(new URL(`../../deploy/${file}`, import.meta.url), "utf8");
const hasAnalyze = spawnSync("systemd-analyze", ["--version"]).status === 0;

/** Settings with their values, in order; comments gone. */
function settingsOf(unit: string): Map<string, string[]> {
  const settings = new Map<string, string[]>();
  for (const line of unit.split("\n")) {
    const [, name = "", value = ""] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    if (name !== "") settings.set(name, [...(settings.get(name) ?? []), value]);
  }
  return settings;
}

describe.each(["broker", "agent"])("platen-%s.service", (program) => {
  const unit = read(`systemd/platen-${program}.service`);
  const settings = settingsOf(unit);
  const one = (name: string) => settings.get(name)?.join(" ");

  it("runs a command that is there, as a user of its own, watched", () => {
    expect(one("ExecStart")).toBe(`/usr/bin/platen ${program}`);
    expect(createProgram().commands.map((command) => command.name())).toContain(program);
    expect(one("User")).toMatch(/^platen/);
    expect(read("systemd/platen.sysusers.conf")).toMatch(new RegExp(`^u ${one("User")} +-`, "m"));
    expect([one("Type"), one("NotifyAccess")]).toEqual(["notify", "all"]);
    expect(Number(one("WatchdogSec"))).toBeGreaterThan(0);
    expect(one("RestartPreventExitStatus")).toBe("78");
  });

  it("lets no memory reach a disk, and gains no rights", () => {
    expect([one("LimitCORE"), one("MemorySwapMax")]).toEqual(["0", "0"]);
    expect([one("NoNewPrivileges"), one("CapabilityBoundingSet"), one("ProtectSystem")]).toEqual([
      "yes",
      "",
      "strict",
    ]);
    expect([one("StateDirectoryMode"), one("UMask")]).toEqual(["0700", "0077"]);
  });

  it.skipIf(!hasAnalyze)("is taken by systemd without a complaint", () => {
    const folder = mkdtempSync(join(tmpdir(), "platen-units-"));
    const file = join(folder, `platen-${program}.service`);
    // Its program is not installed here, and no unit may run what is not there.
    writeFileSync(file, unit.replace("/usr/bin/platen", "/bin/true"));
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], {
      encoding: "utf8",
    });
    rmSync(folder, { recursive: true });
    expect(stderr.split("\n").filter((line) => line.includes("platen-"))).toEqual([]);
    expect(status).toBe(0);
  });
});

describe("70-platen.rules", () => {
  const rules = read("udev/70-platen.rules")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));

  it("gives devices to the agent's groups alone, never to everybody", () => {
    expect(rules.length).toBeGreaterThan(3);
    for (const rule of rules) {
      expect(rule).toMatch(/GROUP="(?:platen|lp)", MODE="0660"|chgrp/);
      expect(rule).not.toMatch(/MODE="0?666"|o\+|GROUP="(?!platen"|lp")/);
    }
  });

  it("is well-formed: keys with an operator and a quoted value, commas between", () => {
    const pair = String.raw`[A-Z_]+(?:\{[A-Za-z0-9_]+\})?(?:==|!=|\+=|-=|:=|=)"[^"]*"`;
    for (const rule of rules) expect(rule).toMatch(new RegExp(`^${pair}(?:, ${pair})*$`));
  });
});
