/** What the launcher sees to before a line of the programs runs. The limits of a running one: e2e, torture-thief. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const MAIN = new URL("../../cli/platen.mjs", import.meta.url).pathname;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "platen-launcher-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A start that ends by itself: nobody is enrolled in that folder. */
function start(words: readonly string[], env: Readonly<Record<string, string>>) {
  const base = { PATH: process.env.PATH, HOME: folder };
  const options = { encoding: "utf8", env: { ...base, ...env }, cwd: folder, input: "" } as const;
  return spawnSync(process.execPath, [MAIN, ...words], options);
}

const agent = () => ["--data", join(folder, "data"), "agent"];

test("a service takes nothing from the environment that shows or writes out memory, and says so", () => {
  const { status, stderr } = start(agent(), {
    NODE_OPTIONS: "--heapsnapshot-signal=SIGUSR2 --max-old-space-size=300 --report-on-signal",
    DEBUG: "mqttjs*",
    NODE_DEBUG: "tls",
  });
  expect(status).toBe(78);
  expect(stderr).toContain(": --heapsnapshot-signal, --report-on-signal, DEBUG, NODE_DEBUG.\n");
  expect(stderr).not.toContain("mqttjs:");
});

test("what is harmless stays, and nothing is said where nothing was", () => {
  const quiet = start(agent(), { NODE_OPTIONS: "--max-old-space-size=300" });
  expect(quiet).toMatchObject({ status: 78 });
  expect(quiet.stderr).not.toContain("Ignored");
  expect(start(agent(), {}).stderr).not.toContain("Ignored");
});

test.skipIf(process.platform !== "linux")("no command leaves memory in a core file", () => {
  const look = `data:text/javascript,${encodeURIComponent(
    "import {readFileSync as r} from 'node:fs'; process.on('exit', () => process.stderr.write('filter ' + r('/proc/self/coredump_filter', 'utf8')));",
  )}`;
  const { stderr } = start(["--version"], { NODE_OPTIONS: `--import=${look}` });
  expect(readFileSync("/proc/self/coredump_filter", "utf8").trim()).toMatch(/^[0-9a-f]{8}$/);
  expect(stderr).toContain("filter 00000000");
});
