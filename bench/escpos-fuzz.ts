/**
 * Fuzzes what reads a stranger's ESC/POS (test/escpos/fuzz.ts), guided by coverage, for so many seconds:
 * `node bench/escpos-fuzz.ts 1200`. Of what it finds, a small set that shows every command in every neighbourhood is
 * kept in test/vectors/escpos/fuzz-corpus.gz, which the unit tests replay. FUZZ_NODE may name another way to start
 * Node 24: the fuzzer's binary needs glibc 2.38.
 */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { decode } from "../escpos/decoder.ts";
import { FUZZ_DIALECTS } from "../test/escpos/fuzz.ts";

const root = new URL("..", import.meta.url).pathname;
const packed = join(root, "test/vectors/escpos/fuzz-corpus.gz");
const [secondsText = "60", seed] = process.argv.slice(2);
const seconds = Number(secondsText);
const work = mkdtempSync(join(tmpdir(), "escpos-fuzz-"));
const corpus = join(work, "corpus");
mkdirSync(corpus);

function fillCorpus(): void {
  for (const folder of ["test/vectors/escpos", "test/vectors/escpos/escpos-php"]) {
    for (const name of readdirSync(join(root, folder)).filter((file) => file.endsWith(".bin"))) {
      cpSync(join(root, folder, name), join(corpus, name));
    }
  }
  if (existsSync(packed)) {
    const lines = gunzipSync(readFileSync(packed)).toString("latin1").split("\n").filter(Boolean);
    for (const [index, line] of lines.entries())
      writeFileSync(join(corpus, `kept-${index}`), Buffer.from(line, "base64"));
  }
  if (seed !== undefined) cpSync(seed, corpus, { recursive: true });
}

/** @returns the exit status; 0 when nothing was found */
async function runFuzzer(): Promise<number> {
  const target = join(work, "target.cjs");
  const entryPoints = [join(root, "test/escpos/fuzz.ts")];
  const external = ["uqr", "fast-png", "zod"];
  await build({ entryPoints, bundle: true, platform: "node", format: "cjs", outfile: target, external });
  const [program = process.execPath, ...prefix] = (process.env.FUZZ_NODE ?? process.execPath).split(" ");
  const jazzer = createRequire(import.meta.url)
    .resolve("@jazzer.js/core")
    .replace(/core\.js$/, "cli.js");
  const own = ["--sync", "-i", "target", "-e", "node_modules", "--timeout=10000", "--"];
  const dictionary = join(root, "test/escpos/fuzz.dict");
  const limits = [
    `-max_total_time=${seconds}`,
    "-max_len=4096",
    "-rss_limit_mb=1500",
    "-print_final_stats=1",
  ];
  const run = spawnSync(
    program,
    [...prefix, jazzer, target, corpus, ...own, ...limits, `-dict=${dictionary}`],
    {
      stdio: "inherit",
      cwd: work,
      env: { ...process.env, NODE_PATH: join(root, "node_modules") },
    },
  );
  return run.status ?? 1;
}

/** What an input shows: each kind of command, and what it stands next to, by dialect. */
function featuresOf(input: Uint8Array): Set<string> {
  const dialect = FUZZ_DIALECTS[(input[0] ?? 0) & 3] ?? "epson";
  const features = new Set<string>();
  let previous = "";
  for (const { kind } of decode(input.slice(1), { dialect })) {
    features.add(`${dialect} ${kind}`).add(`${previous} ${kind}`);
    previous = kind;
  }
  return features;
}

/** Short inputs that together show everything the corpus shows. */
function selectInputs(): Buffer[] {
  const inputs = readdirSync(corpus)
    .sort()
    .map((name) => readFileSync(join(corpus, name)))
    .filter(({ length }) => length > 1 && length <= 512);
  const seen = new Set<string>();
  const kept: Buffer[] = [];
  for (const input of inputs.sort((a, b) => featuresOf(b).size / b.length - featuresOf(a).size / a.length)) {
    const fresh = [...featuresOf(input)].filter((feature) => !seen.has(feature));
    if (fresh.length < 2) continue;
    for (const feature of fresh) seen.add(feature);
    kept.push(input);
  }
  return kept;
}

fillCorpus();
const started = Date.now();
const status = seconds > 0 ? await runFuzzer() : 0;
console.log(`fuzzed for ${Math.round((Date.now() - started) / 1000)} s, exit ${status}`);
if (status === 0) {
  const kept = selectInputs();
  writeFileSync(packed, gzipSync(kept.map((input) => input.toString("base64")).join("\n"), { level: 9 }));
  console.log(`${kept.length} inputs kept`);
  rmSync(work, { recursive: true });
} else console.log(`what it found is in ${work}`);
process.exitCode = status;
