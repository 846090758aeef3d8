/** Inputs that together show all a target was seen to do: kept small, one compressed file a target. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";

function placeOf(name: string): URL {
  return new URL(`corpus/${name}.gz`, import.meta.url);
}

/** None where the target was never fuzzed. */
export function readCorpus(name: string): Buffer[] {
  if (!existsSync(placeOf(name))) return [];
  return gunzipSync(readFileSync(placeOf(name)))
    .toString("latin1")
    .split("\n")
    .filter(Boolean)
    .map((line) => Buffer.from(line, "base64"));
}

export function writeCorpus(name: string, inputs: readonly Uint8Array[]): void {
  const lines = inputs.map((input) => Buffer.from(input).toString("base64")).sort();
  writeFileSync(placeOf(name), gzipSync(lines.join("\n"), { level: 9 }));
}
