/** Does anything grow? Three windows of the hour, compared. Pure. */
import type { Holdings, ProcessSample, Sample } from "./sampler.ts";

export const WINDOWS = ["start", "middle", "end"] as const;
export type WindowName = (typeof WINDOWS)[number];

/** Shares of the time of load. What comes before the first is warming up: caches, the compiler, the heap's first size. */
const SPANS: Readonly<Record<WindowName, readonly [number, number]>> = {
  start: [0.25, 0.45],
  middle: [0.5, 0.7],
  end: [0.8, 1],
};

/** What may be added from the start to the end, beyond noise. */
const BOUNDS = {
  rssShare: 0.2,
  rssKiB: 24 * 1024,
  files: 8,
  /** Listeners, standard streams, a connection that is just being closed. */
  spareSockets: 10,
  threads: 2,
  /** Rows of the database a job leaves: itself, its copies, its events, its tombstones. */
  brokerRowsAJob: 20,
  /** One row a job and its hash. */
  agentRowsAJob: 2.5,
  databaseBytesAJob: 12 * 1024,
} as const;

export interface Usage {
  readonly rssKiB: number;
  readonly files: number;
  readonly sockets: number;
  readonly threads: number;
}

export function samplesOf(samples: readonly Sample[], window: WindowName, loadS: number): Sample[] {
  const [from, until] = SPANS[window];
  return samples.filter(({ atS }) => atS >= from * loadS && atS <= until * loadS);
}

/** Medians of one process over one window; null when it was not there. */
export function usageOf(samples: readonly Sample[], name: string): Usage | null {
  const mine = samples.flatMap(({ processes }) => processes.filter((process) => process.name === name));
  if (mine.length === 0) return null;
  const median = (of: (sample: ProcessSample) => number) => percentile(mine.map(of), 50);
  return {
    rssKiB: median((one) => one.rssKiB),
    files: median((one) => one.files),
    sockets: median((one) => one.sockets),
    threads: median((one) => one.threads),
  };
}

/** Of a process that lived through all three windows. */
export function findGrowth(samples: readonly Sample[], name: string, loadS: number): string[] {
  const [start, , end] = WINDOWS.map((window) => usageOf(samplesOf(samples, window, loadS), name));
  if (!start || !end) return [];
  const faults: string[] = [];
  const rssMax = start.rssKiB * (1 + BOUNDS.rssShare) + BOUNDS.rssKiB;
  if (end.rssKiB > rssMax) faults.push(`memory from ${mib(start.rssKiB)} to ${mib(end.rssKiB)}`);
  if (end.files > start.files + BOUNDS.files) faults.push(`open files from ${start.files} to ${end.files}`);
  if (end.threads > start.threads + BOUNDS.threads)
    faults.push(`threads from ${start.threads} to ${end.threads}`);
  return faults.map((fault) => `${name}: ${fault}`);
}

/**
 * Sockets of a broker that only agents are connected to. Amid the load their number says how many people send just then;
 * afterwards what is too much was forgotten.
 */
export function findForgottenSockets({ processes }: Sample, agents: number): string[] {
  const sockets = processes.find(({ name }) => name === "broker")?.sockets ?? 0;
  return sockets > agents + BOUNDS.spareSockets ? [`broker: ${sockets} sockets for ${agents} agents`] : [];
}

/** What is on disk once everything ended, against the number of jobs there were. */
export function findHoarding(broker: Holdings, agents: Holdings, jobs: number, copies: number): string[] {
  const faults: string[] = [];
  const rowsOf = ({ rows }: Holdings, tables: readonly string[]) =>
    tables.reduce((total, table) => total + (rows[table] ?? 0), 0);
  const brokerRows = rowsOf(broker, ["jobs", "copies", "events", "tombstones"]);
  const agentRows = rowsOf(agents, ["job", "seen"]);
  if (brokerRows > BOUNDS.brokerRowsAJob * jobs) faults.push(`broker: ${brokerRows} rows for ${jobs} jobs`);
  if (agentRows > BOUNDS.agentRowsAJob * copies)
    faults.push(`agents: ${agentRows} rows for ${copies} copies`);
  if ((agents.rows.outbox ?? 0) > 0) faults.push(`agents: ${agents.rows.outbox} events were never confirmed`);
  for (const [who, held, count] of [
    ["broker", broker, jobs],
    ["agents", agents, copies],
  ] as const) {
    // An empty database and a write-ahead log at its usual size are no hoard.
    const spare = 8 * 1024 ** 2 * (who === "agents" ? 20 : 1);
    if (held.databaseBytes > BOUNDS.databaseBytesAJob * count + spare)
      faults.push(`${who}: databases of ${held.databaseBytes} bytes for ${count} jobs`);
  }
  return faults;
}

/** Nearest rank; NaN of nothing. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}

function mib(kib: number): string {
  return `${Math.round(kib / 1024)} MiB`;
}
