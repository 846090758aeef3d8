/**
 * The broker's clock. A machine without a battery may start in 1970: then the latest time in the ledger stands until
 * the real one is known, so that nothing is given a life that has long ended, or none at all.
 */
import type { BrokerDatabase } from "./database.ts";

/** No earlier time can be true: this code did not exist (2026-11-20). */
const BUILD_TIME_S = 1_795_132_800;
/**
 * A machine that keeps the time over a restart is behind by less. A ledger that is further ahead was written while the
 * clock was wrong: believed, it would stop time for years, and with it every certificate.
 */
const AHEAD_MAX_S = 30 * 24 * 3600;

/** @returns Unix seconds, never before the latest change the database knows, nor before this code */
export function openClock(database: BrokerDatabase, system: () => number): () => number {
  const latest = database
    .prepare(
      "SELECT max(coalesce((SELECT max(received_at) FROM events), 0), coalesce((SELECT max(at) FROM jobs), 0))",
    )
    .pluck()
    .get() as number;
  return () => {
    const now = system();
    const believed = now >= BUILD_TIME_S && latest - now > AHEAD_MAX_S;
    return believed ? now : Math.max(now, latest, BUILD_TIME_S);
  };
}
