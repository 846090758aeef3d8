/**
 * Fuzzing guided by coverage: `npm run fuzz -- manifest --minutes 10`; without a target all, one after another.
 * `--list` names them. Of what it finds, the smallest set that covers the same is kept in corpus/, which the tests
 * replay; what breaks a promise is left in a folder it names. The fuzzer's binary needs glibc 2.38: where the system's
 * is older, FUZZ_NODE may name another way to start Node.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { readCorpus, writeCorpus } from "./corpus.ts";
import { selectInputs } from "./coverage.ts";
import type { FuzzTarget } from "./target.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const NAMES = readdirSync(new URL("targets/", import.meta.url))
  .map((file) => file.replace(/\.ts$/, ""))
  .sort();
/** Not bundled, and so not looked into: packages that bring data or binaries, and nobody's decoders of ours. */
const EXTERNAL = ["uqr", "fast-png", "zod", "cctv-age", "onoff", "usb", "serialport", "node-hid"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: "string", default: "6" }, list: { type: "boolean", default: false } },
});

interface Program {
  readonly file: string;
  readonly isAsync: boolean;
}

async function loadTarget(name: string): Promise<FuzzTarget> {
  return (await import(`./targets/${name}.ts`)).target;
}

/** Whether every promise was kept. */
async function fuzz(name: string, seconds: number): Promise<boolean> {
  const target = await loadTarget(name);
  const work = mkdtempSync(join(tmpdir(), `platen-fuzz-${name}-`));
  const inputs = join(work, "inputs");
  mkdirSync(inputs);
  const known = [...(await target.seeds()), ...readCorpus(name)];
  for (const [at, input] of known.entries()) writeFileSync(join(inputs, `known-${at}`), input);
  const program = {
    file: await bundle(name, work),
    isAsync: target.run.constructor.name === "AsyncFunction",
  };
  const dictionary = join(work, "words");
  writeFileSync(dictionary, target.words.map(quote).join("\n"));
  const limits = [`-max_len=${target.maxBytes}`, "-rss_limit_mb=2000", `-dict=${dictionary}`];
  const found = run(program, [inputs], [...limits, `-max_total_time=${seconds}`, "-print_final_stats=1"]);
  if (found !== 0) {
    console.log(`${name}: BROKEN, or not to be run (status ${found}); what broke it is in ${work}`);
    return false;
  }
  const all = readdirSync(inputs).map((file) => readFileSync(join(inputs, file)));
  const kept = await selectInputs(target, all);
  writeCorpus(name, kept);
  console.log(`${name}: held for ${seconds} s; ${kept.length} of ${all.length} inputs kept`);
  rmSync(work, { recursive: true });
  return true;
}

/** One file that the fuzzer can look into. */
async function bundle(name: string, work: string): Promise<string> {
  const outfile = join(work, "target.cjs");
  const folder = new URL("targets/", import.meta.url);
  const stdin = {
    contents: `import { target } from "./${name}.ts"; export const fuzz = (data: Uint8Array) => target.run(data);`,
    resolveDir: folder.pathname,
    loader: "ts",
  } as const;
  const define = { "import.meta.url": JSON.stringify(new URL(`${name}.ts`, folder).href) };
  await build({ stdin, bundle: true, platform: "node", format: "cjs", outfile, external: EXTERNAL, define });
  return outfile;
}

function run(program: Program, corpora: readonly string[], limits: readonly string[]): number {
  const [node = process.execPath, ...prefix] = (process.env.FUZZ_NODE ?? process.execPath).split(" ");
  const jazzer = createRequire(import.meta.url)
    .resolve("@jazzer.js/core")
    .replace(/core\.js$/, "cli.js");
  const own = [
    ...(program.isAsync ? [] : ["--sync"]),
    "-i",
    "target",
    "-e",
    "node_modules",
    "--timeout=20000",
    // It takes the paths that settings name for an attack.
    "--disableBugDetectors=path-traversal",
  ];
  const { status } = spawnSync(node, [...prefix, jazzer, program.file, ...corpora, ...own, "--", ...limits], {
    stdio: "inherit",
    cwd: join(program.file, ".."),
    env: { ...process.env, NODE_PATH: join(ROOT, "node_modules") },
  });
  return status ?? 1;
}

/** As libFuzzer's dictionaries want it. */
function quote(word: string): string {
  const bytes = [...Buffer.from(word, "latin1")];
  const text = bytes.map((byte) =>
    byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, "0")}`,
  );
  return `"${text.join("")}"`;
}

const chosen = positionals.length > 0 ? positionals : NAMES;
const stranger = chosen.find((name) => !NAMES.includes(name));
if (stranger !== undefined) {
  console.error(`There is no target named “${stranger}”. There are: ${NAMES.join(", ")}.`);
  process.exit(64);
}
if (values.list) {
  for (const name of NAMES) console.log(`${name.padEnd(16)} ${(await loadTarget(name)).about}`);
  process.exit(0);
}
let held = true;
for (const name of chosen) held = (await fuzz(name, Number(values.minutes) * 60)) && held;
process.exitCode = held ? 0 : 1;
