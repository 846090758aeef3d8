/** The layering is executable: each forbidden import is planted once and must be refused by the linter. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";

const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  wire: ["escpos", "pcl", "keypad", "agent", "broker", "client", "cli"],
  escpos: ["wire", "pcl", "keypad", "agent", "broker", "client", "cli", "node:fs"],
  pcl: ["wire", "escpos", "keypad", "agent", "broker", "client", "cli", "node:fs"],
  keypad: ["wire", "escpos", "pcl", "agent", "broker", "client", "cli"],
  agent: ["broker", "client", "cli"],
  broker: ["escpos", "pcl", "keypad", "agent", "client", "cli"],
  client: ["escpos", "pcl", "keypad", "agent", "broker", "cli"],
};

const house = mkdtempSync(join(tmpdir(), "platen-rooms-"));
afterAll(() => rmSync(house, { recursive: true }));

test("no room imports what it may not", () => {
  const config = JSON.parse(readFileSync("biome.json", "utf8")) as Record<string, unknown>;
  writeFileSync(
    join(house, "biome.json"),
    JSON.stringify({ ...config, $schema: undefined, vcs: { enabled: false } }),
  );
  for (const [room, targets] of Object.entries(FORBIDDEN)) {
    const lines = targets.map((target) =>
      target.startsWith("node:") ? `import "${target}";` : `import "../${target}/anything.ts";`,
    );
    mkdirSync(join(house, room));
    writeFileSync(join(house, room, "planted.ts"), `${lines.join("\n")}\n`);
  }
  const run = spawnSync(
    resolve("node_modules/.bin/biome"),
    ["lint", "--only=style/noRestrictedImports", "--reporter=json", "--max-diagnostics=none", "."],
    { encoding: "utf8", cwd: house },
  );
  const report = JSON.parse(run.stdout) as { diagnostics: { category: string }[] };
  const refused = report.diagnostics.filter((d) => d.category === "lint/style/noRestrictedImports");
  const expected = Object.values(FORBIDDEN).flat().length;
  expect(refused.length).toBe(expected);
});
