/** The house rules that no linter knows: sizes, names, and that nobody writes down where this was made. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";

const tracked = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
  encoding: "utf8",
})
  .split("\0")
  .filter((file) => file.endsWith(".ts") || file.endsWith(".mjs"));
const exempt = (file: string) => /\.table\.ts$|vectors\//.test(file);

function countLines(file: string): number {
  return readFileSync(file, "utf8").split("\n").length - 1;
}

test("no source file is past 400 lines, no test past 500", () => {
  const long = tracked
    .filter((file) => !exempt(file))
    .filter((file) => countLines(file) > (file.startsWith("test/") ? 500 : 400));
  expect(long).toEqual([]);
});

test("the median source file is at most 120 lines", () => {
  const sizes = tracked
    .filter((file) => !exempt(file) && !/^(test|bench)\//.test(file))
    .map(countLines)
    .sort((a, b) => a - b);
  expect(sizes[Math.floor(sizes.length / 2)]).toBeLessThanOrEqual(120);
});

test("no file is named for nothing", () => {
  const vague = /^(utils?|helpers?|common|manager|base|misc|index)\b/;
  // The entry of what is published by itself.
  const published = ["escpos/index.ts"];
  expect(tracked.filter((file) => vague.test(basename(file)) && !published.includes(file))).toEqual([]);
});
