/** What came of the soak: a table for people, the same for programs. */
import type { SoakJob } from "./job.ts";
import { nameEnd } from "./job.ts";
import type { Holdings, Sample } from "./sampler.ts";
import { percentile, samplesOf, usageOf, WINDOWS, type WindowName } from "./trend.ts";

export interface SoakRecord {
  readonly seed: number;
  readonly loadS: number;
  readonly drainS: number;
  readonly samples: readonly Sample[];
  readonly jobs: readonly SoakJob[];
  /** Unix milliseconds of the begin of the load. */
  readonly beganMs: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly holdings: readonly {
    readonly when: string;
    readonly broker: Holdings;
    readonly agents: Holdings;
  }[];
  /** Of processes that lived through all of it. */
  readonly steady: readonly string[];
  readonly broken: readonly string[];
}

const MB = 1_000_000;
const THIRDS: Readonly<Record<WindowName, readonly [number, number]>> = {
  start: [0, 1 / 3],
  middle: [1 / 3, 2 / 3],
  end: [2 / 3, 1],
};

export function summarize(record: SoakRecord): Record<string, unknown> {
  const { seed, loadS, drainS, jobs, faults, holdings, broken } = record;
  return {
    seed,
    loadS,
    drainS,
    jobs: jobs.length,
    bytes: jobs.reduce((sum, { order }) => sum + order.bytes * order.copies, 0),
    ends: Object.fromEntries(countEnds(jobs)),
    faults: Object.fromEntries(faults),
    latency: WINDOWS.map((window) => latencyOf(record, window)),
    usage: WINDOWS.map((window) => usageIn(record, window)),
    holdings,
    broken,
  };
}

export function writeTable(record: SoakRecord): string {
  const { loadS, drainS, jobs, faults, holdings, broken } = record;
  const bytes = jobs.reduce((sum, { order }) => sum + order.bytes * order.copies, 0);
  const rows = [
    `${jobs.length} jobs, ${Math.round(bytes / MB)} MB, ${Math.round(loadS / 60)} min of load, drained in ${Math.round(drainS)} s`,
    `ends: ${[...countEnds(jobs)].map(([end, count]) => `${end} ${count}`).join(", ")}`,
    `faults: ${[...faults].map(([kind, count]) => `${kind} ${count}`).join(", ")}`,
    "",
    ["", ...WINDOWS].map((cell, at) => cell.padEnd(at === 0 ? 34 : 22)).join(""),
    ...compareWindows(WINDOWS.map((window) => latencyOf(record, window))),
    ...compareWindows(WINDOWS.map((window) => usageIn(record, window))),
    "",
    ...holdings.flatMap(({ when, broker, agents }) => [
      `on disk, ${when}: broker ${writeHoldings(broker)}`,
      `on disk, ${when}: agents ${writeHoldings(agents)}`,
    ]),
    "",
    broken.length === 0 ? "nothing broken" : `BROKEN:\n${broken.join("\n")}`,
  ];
  return rows.join("\n");
}

function countEnds(jobs: readonly SoakJob[]): Map<string, number> {
  const groups = Map.groupBy(jobs, nameEnd);
  return new Map(
    [...groups].map(([end, of]): [string, number] => [end, of.length]).sort((a, b) => b[1] - a[1]),
  );
}

type Row = Readonly<Record<string, string>>;

function compareWindows(windows: readonly Row[]): string[] {
  return Object.keys(windows[0] ?? {}).map(
    (name) => name.padEnd(34) + windows.map((row) => (row[name] ?? "").padEnd(22)).join(""),
  );
}

function latencyOf({ jobs, loadS, beganMs }: SoakRecord, window: WindowName): Row {
  const [from, until] = THIRDS[window];
  const mine = jobs.filter(({ beganMs: at }) => {
    const share = at === null ? -1 : (at - beganMs) / 1000 / loadS;
    return share >= from && share < until;
  });
  const held = (least: number, most: number) =>
    mine.flatMap(({ order, beganMs: began, heldMs }) =>
      began !== null && heldMs !== null && order.bytes >= least && order.bytes < most ? [heldMs - began] : [],
    );
  return {
    "send to held, below 1 MB": writePercentiles(held(0, MB)),
    "send to held, 1 to 50 MB": writePercentiles(held(MB, 51 * MB)),
    "Enter to first byte": writePercentiles(mine.flatMap(({ releaseMs }) => releaseMs)),
  };
}

function usageIn({ samples, loadS, steady }: SoakRecord, window: WindowName): Row {
  const mine = samplesOf(samples, window, loadS);
  const [first, last] = [mine[0], mine.at(-1)];
  const broker = usageOf(mine, "broker");
  const agents = steady.flatMap((name) => (name === "broker" ? [] : (usageOf(mine, name) ?? [])));
  const cpu = (name: string) => {
    const seconds = (sample: Sample | undefined) =>
      sample?.processes.find((one) => one.name === name)?.cpuS ?? 0;
    return first && last ? (100 * (seconds(last) - seconds(first))) / (last.atS - first.atS) : 0;
  };
  const mib = (kib: number) => (kib / 1024).toFixed(0);
  const most = (of: readonly number[]) => Math.max(...of);
  return {
    "load average": percentile(
      mine.map(({ load }) => load),
      50,
    ).toFixed(1),
    "broker: MiB, files, sockets, threads": broker
      ? `${mib(broker.rssKiB)}, ${broker.files}, ${broker.sockets}, ${broker.threads}`
      : "-",
    "broker: % of one processor": cpu("broker").toFixed(0),
    "steady agents: MiB median, most": `${mib(
      percentile(
        agents.map((one) => one.rssKiB),
        50,
      ),
    )}, ${mib(most(agents.map((one) => one.rssKiB)))}`,
    "steady agents: files, sockets, threads most": [
      agents.map(({ files }) => files),
      agents.map(({ sockets }) => sockets),
      agents.map(({ threads }) => threads),
    ]
      .map(most)
      .join(", "),
  };
}

function writePercentiles(values: readonly number[]): string {
  if (values.length === 0) return "-";
  const ms = [50, 95, 99].map((percent) => Math.round(percentile(values, percent)));
  return `${ms.join(" / ")} ms`;
}

function writeHoldings({ files, bytes, databaseBytes, rows }: Holdings): string {
  const tables = Object.entries(rows)
    .filter(([, count]) => count > 0)
    .map(([table, count]) => `${table} ${count}`);
  return `${files} files, ${(bytes / MB).toFixed(1)} MB (databases ${(databaseBytes / MB).toFixed(1)}); rows: ${tables.join(", ")}`;
}
