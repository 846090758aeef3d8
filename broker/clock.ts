/**
 * The broker's clock. A machine without a battery may start in 1970: then the latest time in the ledger stands until
 * the real one is known, so that nothing is given a life that has long ended, or none at all.
 */
import type { BrokerDatabase } from "./database.ts";

/** @returns Unix seconds, never before the latest change the database knows */
export function openClock(database: BrokerDatabase, system: () => number): () => number {
  const latest = database
    .prepare(
      "SELECT max(coalesce((SELECT max(received_at) FROM events), 0), coalesce((SELECT max(at) FROM jobs), 0))",
    )
    .pluck()
    .get() as number;
  return () => Math.max(system(), latest);
}
