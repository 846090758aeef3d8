import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { createProgram, walkCommands } from "../../cli/program.ts";

const commands = [...walkCommands(createProgram())];

/** Runs the command as people do; no broker, no terminal. */
function run(...args: string[]) {
  const main = new URL("../../cli/platen.mjs", import.meta.url).pathname;
  const env = { PATH: process.env.PATH, HOME: "/nonexistent", PLATEN_DATA: "/nonexistent" };
  return spawnSync(process.execPath, [main, ...args], { encoding: "utf8", env, input: "" });
}

describe("the tree of commands", () => {
  it.each(commands.map((command) => [command.name(), command] as const))(
    "%s says what it does and what each argument and option is",
    (_, command) => {
      expect(command.description()).not.toBe("");
      for (const option of command.options) expect(option.description).not.toBe("");
      for (const argument of command.registeredArguments) expect(argument.description).not.toBe("");
    },
  );

  it("has no option twice on one line, the global ones included", () => {
    const globals = commands[0]?.options.map(({ long }) => long) ?? [];
    for (const command of commands.slice(1)) {
      const names = [...globals, ...command.options.map(({ long }) => long)];
      expect(names).toEqual([...new Set(names)]);
    }
  });
});

describe("platen", () => {
  it("shows help with examples on stdout and ends with 0", () => {
    const { status, stdout, stderr } = run("send", "--help");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("Examples:");
    expect(stdout).toContain("--json");
    expect(stdout).not.toContain("\u001B");
  });

  it("words a mistake as one sentence on stderr and ends with 64", () => {
    const { status, stdout, stderr } = run("pinter", "list");
    expect({ status, stdout, stderr }).toEqual({
      status: 64,
      stdout: "",
      stderr: "platen: Unknown command “pinter”. Did you mean “printer”?\n",
    });
  });

  it("tells a failure in JSON too where JSON is asked for", () => {
    const { status, stdout } = run("jobs", "--json");
    expect(status).toBe(78);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "not-joined", exit: 78 } });
  });

  it("takes an invite from stdin, and none for a usage error", () => {
    expect(run("join", "-")).toMatchObject({
      status: 64,
      stderr: "platen: No invite came. Nothing was changed.\n",
    });
  });
});
