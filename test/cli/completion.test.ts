import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listPlaces, SHELLS, writeCompletion } from "../../cli/completion.ts";
import { createProgram } from "../../cli/program.ts";
import { lacks } from "../agent/pty.ts";

const program = createProgram();
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "platen-completion-"));
  for (const shell of SHELLS) writeFileSync(join(folder, shell), writeCompletion(shell, program));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What bash would offer at the end of `line`. */
function completeInBash(line: string): string[] {
  const words = line.split(" ").map((word) => `'${word}'`);
  const script = `source ${folder}/bash; COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}; _platen; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const text = execFileSync("bash", ["--norc", "-c", script], { encoding: "utf8" });
  return text.split("\n").filter((word) => word !== "");
}

describe("completion in bash", () => {
  it("offers commands, then subcommands", () => {
    expect(completeInBash("platen pri")).toEqual(["printer"]);
    expect(completeInBash("platen completion ")).toEqual(["bash", "zsh", "fish"]);
    expect(completeInBash("platen printer ")).toEqual([
      "add",
      "list",
      "replace",
      "revoke",
      "remove",
      "probe",
      "test",
    ]);
  });

  it("offers a command's own options and the global ones, and steps over options with values", () => {
    expect(completeInBash("platen printer add --a")).toEqual(["--agent"]);
    expect(completeInBash("platen --data /tmp --json user add --st")).toEqual(["--standard"]);
    expect(completeInBash("platen audit --j")).toEqual(["--json"]);
    expect(completeInBash("platen --data printer user add --st")).toEqual(["--standard"]);
  });

  it("leaves arguments and option values to file names", () => {
    expect(completeInBash("platen send rep")).toEqual([]);
    expect(completeInBash("platen broker --config ")).toEqual([]);
  });

  it("does not take an argument for a command", () => {
    expect(completeInBash("platen user add list --s")).toEqual(["--standard"]);
  });
});

describe("completion scripts", () => {
  it("name every command and option there is", () => {
    const places = listPlaces(program);
    expect(places.length).toBeGreaterThan(20);
    for (const shell of SHELLS) {
      const script = writeCompletion(shell, program);
      for (const { path, options } of places) {
        expect(script).toContain(path);
        for (const { word } of options) expect(script).toContain(shell === "fish" ? word.slice(2) : word);
      }
    }
  });

  for (const shell of SHELLS) {
    it.skipIf(lacks(shell))(`are sound to ${shell} itself`, () => {
      expect(spawnSync(shell, ["-n", join(folder, shell)], { encoding: "utf8" })).toMatchObject({
        status: 0,
        stderr: "",
      });
    });
  }
});
