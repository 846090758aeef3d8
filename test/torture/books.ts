/**
 * What a fleet has written down, read from outside: databases, spools, part files, slots. Reads while the programs run
 * or after they ended, and changes nothing.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { decodeRecord } from "../../broker/escrow-record.ts";
import { SlotFile } from "../../broker/slot-file.ts";
import type { JobEvent } from "../../wire/agent-call.ts";
import type { JobRef } from "../../wire/name.ts";
import type { Fleet } from "../e2e/fleet.ts";

export interface AgentJob extends JobRef {
  readonly attempt: string;
  readonly state: string;
  readonly reason: string | null;
  readonly final: number;
  /** Truthy: some of it may be on paper. */
  readonly again: unknown;
  readonly sealedBytes: number;
}

export interface AgentBooks {
  readonly agent: string;
  readonly jobs: readonly AgentJob[];
  /** Events not yet confirmed. */
  readonly outbox: readonly JobEvent[];
  /** Events ever committed. */
  readonly told: number;
  /** Files of the spool by name, with their sizes. */
  readonly spool: ReadonlyMap<string, number>;
  readonly integrity: string;
  /** Files beside these that no finished write leaves. */
  readonly strays: readonly string[];
}

export interface BrokerJob extends JobRef {
  readonly state: string;
  readonly reason: string | null;
  readonly endedAt: number | null;
}

interface BrokerCopy extends JobRef {
  readonly agent: string;
  readonly state: string;
  readonly reason: string | null;
  readonly final: number;
}

/** One row of the ledger. `agent` is null for the broker's own. */
interface LedgerRow extends JobRef {
  readonly id: string;
  readonly agent: string | null;
  readonly state: string;
}

export interface BrokerBooks {
  readonly jobs: readonly BrokerJob[];
  readonly copies: readonly BrokerCopy[];
  readonly ledger: readonly LedgerRow[];
  /** Names in the folder of part files. */
  readonly parts: readonly string[];
  readonly shares: readonly (JobRef & { readonly agent: string; readonly attempt: string })[];
  readonly integrity: string;
  readonly strays: readonly string[];
}

export function readAgent(fleet: Fleet, agent: string): AgentBooks {
  const folder = fleet.path(agent, "jobs");
  const database = new Database(join(folder, "jobs.db"), { readonly: true });
  try {
    return database.transaction(() => ({
      agent,
      jobs: database
        .prepare<[], AgentJob>(
          "SELECT user, job, attempt, state, reason, final, again, sealed_bytes AS sealedBytes FROM job ORDER BY id",
        )
        .all(),
      outbox: database
        .prepare<[], string>("SELECT event FROM outbox ORDER BY seq")
        .pluck()
        .all()
        .map((text) => JSON.parse(text) as JobEvent),
      told:
        database.prepare<[], number>("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").pluck().get() ??
        0,
      spool: readSizes(join(folder, "spool")),
      integrity: String(database.pragma("integrity_check", { simple: true })),
      strays: findStrays(fleet.path(agent)),
    }))();
  } finally {
    database.close();
  }
}

export function readBroker(fleet: Fleet): BrokerBooks {
  const database = new Database(fleet.path("broker", "broker.db"), { readonly: true });
  try {
    return database.transaction(() => ({
      jobs: database
        .prepare<[], BrokerJob>("SELECT user, job, state, reason, ended_at AS endedAt FROM jobs")
        .all(),
      copies: database
        .prepare<[], BrokerCopy>("SELECT user, job, agent, state, reason, final FROM copies")
        .all(),
      ledger: database.prepare<[], LedgerRow>("SELECT id, agent, user, job, state FROM events").all(),
      parts: [...readSizes(fleet.path("broker", "jobs")).keys()],
      shares: readShares(fleet.path("broker", "escrow.slots")),
      integrity: String(database.pragma("integrity_check", { simple: true })),
      strays: findStrays(fleet.path("broker")),
    }))();
  } finally {
    database.close();
  }
}

function readShares(path: string): BrokerBooks["shares"] {
  if (!existsSync(path)) return [];
  const slots = new SlotFile(path);
  try {
    return [...slots.entries()].flatMap(({ record }) => decodeRecord(record) ?? []);
  } finally {
    slots.close();
  }
}

function readSizes(folder: string): Map<string, number> {
  if (!existsSync(folder)) return new Map();
  return new Map(
    readdirSync(folder).map((name) => [
      name,
      statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? -1,
    ]),
  );
}

/** What `writeDurably` leaves behind when it is cut short, and is to clean up the next time. */
function findStrays(folder: string): string[] {
  return readdirSync(folder).filter((name) => /^\..*\.new$/.test(name));
}
