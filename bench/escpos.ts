/**
 * Figures for escpos/README.md, ours and others' in one run: `node bench/escpos.ts`. Every trial has its own process;
 * of five rounds the median is given, and the best and worst beside it.
 */
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { TRIALS } from "./escpos-trials.ts";

const ROUNDS = 5;
const ROUND_MS = 600;

async function runTrial(name: string): Promise<void> {
  const trial = TRIALS[name]?.();
  if (trial === undefined) throw new Error(`no trial ${name}`);
  const warmUntil = performance.now() + ROUND_MS;
  do await trial.run();
  while (performance.now() < warmUntil);
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    let done = 0;
    do {
      await trial.run();
      done += trial.amount;
    } while (performance.now() - start < ROUND_MS);
    rates.push(done / ((performance.now() - start) / 1000));
  }
  console.log(JSON.stringify({ unit: trial.unit, rates: rates.sort((a, b) => a - b) }));
}

async function bundleBytes(code: string): Promise<string> {
  const result = await build({
    stdin: { contents: code, resolveDir: fileURLToPath(new URL("..", import.meta.url)), loader: "ts" },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    charset: "utf8",
    // What only Node has is left out of a browser's bundle, by these libraries' own account.
    external: [
      "fs",
      "net",
      "path",
      "util",
      "zlib",
      "stream",
      "assert",
      "buffer",
      "os",
      "events",
      "string_decoder",
    ],
    logLevel: "silent",
  });
  const file = result.outputFiles[0];
  const bytes = file?.contents ?? new Uint8Array();
  return `${(bytes.length / 1000).toFixed(1)} kB (${(gzipSync(bytes).length / 1000).toFixed(1)} kB gzip)`;
}

const figure = (rate: number): string =>
  rate < 100 ? rate.toFixed(1) : Math.round(rate).toLocaleString("en");

async function runAll(): Promise<void> {
  console.log(`${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}\n`);
  console.log("| trial | median | worst to best | |\n| --- | --- | --- | --- |");
  for (const name of Object.keys(TRIALS)) {
    const { stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), name], {
      encoding: "utf8",
    });
    const line = stdout.trim().split("\n").at(-1) ?? "";
    if (!line.startsWith("{")) {
      console.log(`| ${name} | failed: ${stderr.trim().split("\n").at(-1)} | | |`);
      continue;
    }
    const { unit, rates } = JSON.parse(line) as { unit: string; rates: number[] };
    const [worst = 0, , median = 0, , best = 0] = rates;
    console.log(`| ${name} | ${figure(median)} | ${figure(worst)} to ${figure(best)} | ${unit} |`);
  }
  console.log("\n| bundle, minified | size |\n| --- | --- |");
  for (const [name, code] of [
    ["encoder, with code pages", 'export { encoderFor } from "./escpos/encoder.ts"'],
    ["decoder", 'export { Decoder } from "./escpos/decoder.ts"'],
    ["status", 'export { StatusReader } from "./escpos/status.ts"'],
    ["profiles", 'export { profileOf, chooseProfile } from "./escpos/profiles.ts"'],
    ["all, with font and PNG", 'export * from "./escpos/index.ts"'],
    ["receipt-printer-encoder", 'export { default } from "@point-of-sale/receipt-printer-encoder"'],
    ["node-thermal-printer", 'export * from "node-thermal-printer"'],
    ["receiptline", 'export * from "receiptline"'],
  ] as const) {
    console.log(
      `| ${name} | ${await bundleBytes(code).catch((error: Error) => error.message.split("\n")[0])} |`,
    );
  }
}

const [trial] = process.argv.slice(2);
await (trial === undefined ? runAll() : runTrial(trial));
