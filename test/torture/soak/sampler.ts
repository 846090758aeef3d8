/** What the programs of the soak take of the machine, looked at from outside. Node tells nobody of its timers and handles: threads and open files stand for them. */
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";

export interface ProcessSample {
  readonly name: string;
  readonly pid: number;
  readonly rssKiB: number;
  /** Open files that are no sockets. */
  readonly files: number;
  readonly sockets: number;
  readonly threads: number;
  /** Of all its life, in seconds. */
  readonly cpuS: number;
}

export interface Sample {
  /** Seconds since the load began. */
  readonly atS: number;
  readonly load: number;
  /** Share of all processors that had nothing to do since the machine started: of use as a difference. */
  readonly idleS: number;
  readonly processes: readonly ProcessSample[];
}

const TICKS_PER_S = 100;

/** Null when there is no such process (any more). */
function readProcess(name: string, pid: number): ProcessSample | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    return {
      name,
      pid,
      rssKiB: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0),
      ...countOpen(`/proc/${pid}/fd`),
      threads: Number(/Threads:\s+(\d+)/.exec(status)?.[1] ?? 0),
      // proc(5): utime and stime are fields 14 and 15, that is 11 and 12 after the name.
      cpuS: (Number(stat[11]) + Number(stat[12])) / TICKS_PER_S,
    };
  } catch {
    return null;
  }
}

function countOpen(folder: string): Pick<ProcessSample, "files" | "sockets"> {
  const open = readdirSync(folder).flatMap((name) => {
    try {
      return readlinkSync(join(folder, name));
    } catch {
      // Closed since.
      return [];
    }
  });
  const sockets = open.filter((target) => target.startsWith("socket:")).length;
  return { files: open.length - sockets, sockets };
}

export function takeSample(atS: number, pids: ReadonlyMap<string, number>): Sample {
  const idle = /^cpu +(?:\d+ ){3}(\d+)/.exec(readFileSync("/proc/stat", "utf8"))?.[1];
  return {
    atS,
    load: loadavg()[0] ?? 0,
    idleS: Number(idle) / TICKS_PER_S,
    processes: [...pids].flatMap(([name, pid]) => readProcess(name, pid) ?? []),
  };
}

export interface Holdings {
  readonly files: number;
  readonly bytes: number;
  /** Of the databases alone, their journals included. */
  readonly databaseBytes: number;
  /** Rows of each table. */
  readonly rows: Readonly<Record<string, number>>;
}

/** Of one program's folder; `database` as a path below it. */
export function readHoldings(folder: string, database: string): Holdings {
  const sizes = [...listFiles(folder)].map(
    (path) => [path, statSync(path, { throwIfNoEntry: false })?.size ?? 0] as const,
  );
  const sum = (of: readonly (readonly [string, number])[]) => of.reduce((total, [, size]) => total + size, 0);
  return {
    files: sizes.length,
    bytes: sum(sizes),
    databaseBytes: sum(sizes.filter(([path]) => path.startsWith(join(folder, database)))),
    rows: countRows(join(folder, database)),
  };
}

function* listFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* listFiles(path);
    else if (entry.isFile()) yield path;
  }
}

function countRows(path: string): Record<string, number> {
  const database = new Database(path, { readonly: true, timeout: 5000 });
  try {
    const tables = database
      .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .pluck()
      .all();
    const rows: Record<string, number> = {};
    for (const table of tables) {
      rows[table] = database.prepare<[], number>(`SELECT count(*) FROM "${table}"`).pluck().get() ?? 0;
    }
    return rows;
  } finally {
    database.close();
  }
}

/** Of several programs' folders together. */
export function addHoldings(all: readonly Holdings[]): Holdings {
  const rows: Record<string, number> = {};
  for (const held of all) {
    for (const [table, count] of Object.entries(held.rows)) rows[table] = (rows[table] ?? 0) + count;
  }
  const sum = (of: (held: Holdings) => number) => all.reduce((total, held) => total + of(held), 0);
  return {
    files: sum(({ files }) => files),
    bytes: sum(({ bytes }) => bytes),
    databaseBytes: sum(({ databaseBytes }) => databaseBytes),
    rows,
  };
}
