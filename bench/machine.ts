/** What a figure was measured on, and how figures are said: median, spread, number of runs. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";

export function describeMachine(): string {
  const [cpu] = cpus();
  const storage = execFileSync("df", ["--output=source,fstype", tmpdir()], { encoding: "utf8" }).split(
    "\n",
  )[1];
  const memory = Math.round(totalmem() / 1024 ** 3);
  return `${cpus().length} x ${cpu?.model.trim()}, ${memory} GiB, temporary files on ${storage?.replace(/\s+/g, " ")}, Node ${process.version}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** `median (least to most, n runs)` */
export function formatFigure(values: readonly number[], unit: string, digits = 1): string {
  const show = (value: number) => value.toFixed(digits);
  return `${show(median(values))} ${unit} (${show(Math.min(...values))} to ${show(Math.max(...values))}, ${values.length} runs)`;
}

/** Peak resident memory of a process so far, in MiB. */
export function readPeakMib(pid: number): number {
  const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1] ?? 0) / 1024;
}
