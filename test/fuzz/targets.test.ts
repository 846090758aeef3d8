/** Every target keeps its promises on honest input, on what the fuzzer found, and on both with a little damage. */
import { readdirSync, statSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCorpus } from "./corpus.ts";
import type { FuzzTarget } from "./target.ts";

const NAMES = readdirSync(new URL("targets/", import.meta.url)).map((file) => file.replace(/\.ts$/, ""));
const CORPUS = new URL("corpus/", import.meta.url);

async function load(name: string): Promise<FuzzTarget> {
  return (await import(`./targets/${name}.ts`)).target;
}

/** Bytes taken out and put in: any, or such as stand in texts. */
const put = fc.oneof(
  fc.uint8Array({ maxLength: 6 }),
  fc.stringMatching(/^[A-Za-z0-9/"{]{1,3}$/).map((text) => Buffer.from(text)),
);
const damage = fc.array(fc.record({ at: fc.nat(4096), cut: fc.nat(4), put }), { maxLength: 5 });

function apply(input: Uint8Array, changes: readonly { at: number; cut: number; put: Uint8Array }[]): Buffer {
  let bytes = Buffer.from(input);
  for (const { at, cut, put } of changes) {
    const from = at % (bytes.length + 1);
    bytes = Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + cut)]);
  }
  return bytes;
}

describe.each(NAMES)("%s", (name) => {
  test("what the fuzzer found keeps the promises", async () => {
    const target = await load(name);
    const known = readCorpus(name);
    expect(known.length).toBeGreaterThan(0);
    for (const input of known) await target.run(input);
  });

  test("honest input keeps them, damaged or not, and so does any", async () => {
    const target = await load(name);
    const honest = (await target.seeds()).filter(({ length }) => length <= 2000);
    for (const input of honest) await target.run(input);
    const damaged = fc.tuple(fc.constantFrom(...honest), damage).map(([seed, by]) => apply(seed, by));
    const bytes = fc.oneof({ weight: 3, arbitrary: damaged }, fc.uint8Array({ maxLength: 300 }));
    await fc.assert(
      fc.asyncProperty(bytes, async (input) => target.run(input)),
      { numRuns: 400 },
    );
  });
});

test("the corpus stays small", () => {
  const sizes = readdirSync(CORPUS).map((file) => statSync(new URL(file, CORPUS)).size);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(1_000_000);
});
