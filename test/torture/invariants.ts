/**
 * What must hold of a fleet at rest, whatever was done to it: nothing lost, nothing printed unasked, nothing told that
 * is not so, nothing left behind. Pure; `rest.ts` waits for it.
 */
import { jobKey } from "../../wire/name.ts";
import { isEnd, type JobState } from "../../wire/state.ts";
import type { AgentBooks, AgentJob, BrokerBooks } from "./books.ts";
import { findPaper, findStrangers, type Piece } from "./paper.ts";
import { nameDocument, type SentDocument } from "./sent-document.ts";

export interface World {
  readonly broker: BrokerBooks;
  readonly agents: readonly AgentBooks[];
  readonly documents: readonly SentDocument[];
  readonly pieces: readonly Piece[];
  /** Agents that are off or cut off: what they were not told of yet waits. */
  readonly away?: readonly string[];
  /** An end told again is no second row of the ledger: so many events need not be in it. */
  readonly retoldMax?: number;
  /** What was stored may not end as one of {@link LOSSES}. */
  readonly losesNothing?: boolean;
  /** Agents whose database was lost: they count their events from 1 again. */
  readonly renumbered?: readonly string[];
}

/** States a job may rest in; `delivered` may stay open for its grace time. */
const AT_REST: ReadonlySet<string> = new Set(["held", "interrupted", "delivered"]);
const LOSSES: ReadonlySet<string | null> = new Set(["lost", "damaged", "internal", "incomplete"]);
/** Of these a reason is told. */
const WITH_REASON: ReadonlySet<string> = new Set(["expired", "cancelled", "rejected", "interrupted"]);

/** One line for each thing that does not hold. */
export function findFaults(world: World): string[] {
  return [
    ...world.documents.flatMap((document) => judgeDocument(document, world)),
    ...judgeStrangers(world),
    ...world.agents.flatMap((books) => judgeAgent(books, world)),
    ...judgeBroker(world),
  ];
}

/** Paper against what was asked for and what was told. */
function judgeDocument(document: SentDocument, world: World): string[] {
  const { broker, agents, pieces, losesNothing = false } = world;
  const name = nameDocument(document);
  const { begun, whole } = findPaper(pieces, document);
  const job = broker.jobs.find((row) => jobKey(row) === jobKey(document));
  const rows = agents.flatMap(({ jobs }) => jobs.filter((row) => jobKey(row) === jobKey(document)));
  const told = broker.ledger.filter((row) => row.agent !== null && jobKey(row) === jobKey(document));
  const faults: string[] = [];
  const most = document.entries * document.copies;
  if (begun.length > most)
    faults.push(`${name}: came out ${begun.length} times, asked for ${most} times at most`);
  if (document.isStored && !job) faults.push(`${name}: was stored, and the broker does not know it`);
  if (losesNothing && document.isStored && job?.state === "rejected" && LOSSES.has(job.reason))
    faults.push(`${name}: was stored, and is lost (${job.reason})`);
  const came = told.find(({ state }) => state === "delivered" || state === "printed");
  if (came && whole.length < document.copies)
    faults.push(`${name}: told as ${came.state}, came out whole ${whole.length} times`);
  if (told.some(({ state }) => state === "printed") && !begun.some(({ isConfirmed }) => isConfirmed))
    faults.push(`${name}: told as printed, and no printer confirmed it`);
  const denied = rows.every(
    ({ again, state }) => again === 0 && !/^(printed|delivered|printing)$/.test(state),
  );
  if (begun.length > 0 && denied)
    faults.push(
      `${name}: paper came out, the agent says ${rows.map(({ state }) => state).join() || "nothing"}`,
    );
  const broadcast = broker.ledger.filter((row) => jobKey(row) === jobKey(document) && row.agent === null);
  const stored = broadcast.filter(({ state }) => state === "stored").length;
  if (job && document.isStored && stored !== 1)
    faults.push(`${name}: ${stored} rows of the ledger say stored`);
  return faults;
}

function judgeStrangers({ pieces, documents }: World): string[] {
  return findStrangers(pieces, documents).map(
    ({ printer, bytes }) => `${printer}: ${bytes.length} bytes came out that are of no document`,
  );
}

function judgeAgent(books: AgentBooks, world: World): string[] {
  const { agent, jobs, outbox, told, spool, integrity, strays } = books;
  const { broker, away = [], retoldMax = 0, renumbered = [] } = world;
  const isAway = away.includes(agent);
  const faults: string[] = [];
  if (integrity !== "ok") faults.push(`integrity: ${integrity}`);
  for (const stray of strays) faults.push(`left behind: ${stray}`);
  if (!isAway && outbox.length > 0) faults.push(`${outbox.length} events wait`);
  const counted = broker.ledger.filter((row) => row.agent === agent).length;
  const inLedger = new Set(broker.ledger.map(({ id }) => id));
  const open = outbox.filter(({ id }) => !inLedger.has(id)).length;
  const isNumbered = !renumbered.includes(agent);
  if (isNumbered && counted > told - open) faults.push(`${told - open} events told, ${counted} counted`);
  if (isNumbered && counted < told - open - retoldMax)
    faults.push(`${told - open} events told, only ${counted} counted`);
  const live = new Map(jobs.filter(({ final }) => !final).map((job) => [`${job.attempt}.sealed`, job]));
  for (const [file, bytes] of spool) {
    const job = live.get(file);
    if (!job) faults.push(`orphan in the spool: ${file}`);
    else if (job.state !== "arriving" && bytes !== job.sealedBytes)
      faults.push(`${file}: ${bytes} bytes, not ${job.sealedBytes}`);
  }
  for (const [file, job] of live) {
    if (!spool.has(file)) faults.push(`${nameDocument(job)} is ${job.state} and its file is gone`);
    if (!isAway && !AT_REST.has(job.state)) faults.push(`${nameDocument(job)} rests as ${job.state}`);
  }
  for (const job of jobs) faults.push(...compareCopy(agent, job, world, isAway));
  return faults.map((fault) => `agent ${agent}: ${fault}`);
}

/** What the agent holds and what the broker believes it holds. */
function compareCopy(agent: string, job: AgentJob, { broker }: World, isAway: boolean): string[] {
  const name = nameDocument(job);
  if (job.final && job.state !== "interrupted" && !isEnd(job.state as JobState))
    return [`${name} ended as ${job.state}`];
  if (WITH_REASON.has(job.state) && job.reason === null) return [`${name} is ${job.state} without a reason`];
  if (isAway) return [];
  const copy = broker.copies.find((row) => row.agent === agent && jobKey(row) === jobKey(job));
  if (!copy) return job.final ? [] : [`${name} is ${job.state}, and the broker knows no copy`];
  if (copy.final === job.final && (copy.final || copy.state === job.state)) return [];
  return [`${name} is ${job.state} (final ${job.final}), the broker says ${copy.state} (${copy.final})`];
}

function judgeBroker({ broker, agents, away = [] }: World): string[] {
  const { jobs, copies, ledger, parts, shares, integrity, strays } = broker;
  const faults: string[] = [];
  if (integrity !== "ok") faults.push(`integrity: ${integrity}`);
  for (const stray of strays) faults.push(`left behind: ${stray}`);
  if (new Set(ledger.map(({ id }) => id)).size !== ledger.length) faults.push("an event counted twice");
  const needed = new Set<string>();
  for (const job of jobs) {
    const mine = copies.filter((copy) => jobKey(copy) === jobKey(job));
    const waits = mine.some(({ agent, final }) => !final && away.includes(agent));
    const name = nameDocument(job);
    if (job.endedAt === null) {
      if (job.state === "receiving" || waits) needed.add(jobKey(job));
      else if (!AT_REST.has(job.state)) faults.push(`${name} rests as ${job.state}`);
    }
    if (job.endedAt === null && job.state !== "receiving" && mine.every(({ final }) => final))
      faults.push(`${name}: every copy ended, the job has not`);
    if (job.endedAt !== null && !waits && mine.some(({ final }) => !final))
      faults.push(`${name} ended as ${job.state}, and a copy has not`);
    if (WITH_REASON.has(job.state) && job.endedAt !== null && job.reason === null)
      faults.push(`${name} ended as ${job.state} without a reason`);
  }
  for (const file of parts) if (!needed.has(file)) faults.push(`orphan among the parts: ${file}`);
  for (const share of shares) {
    const copy = copies.find((row) => row.agent === share.agent && jobKey(row) === jobKey(share));
    if (!copy || copy.final) faults.push(`a share is left of ${nameDocument(share)} at ${share.agent}`);
  }
  for (const { agent, jobs: rows } of agents) {
    for (const job of rows.filter(({ final, state }) => !final && AT_REST.has(state))) {
      const share = shares.find((row) => row.agent === agent && jobKey(row) === jobKey(job));
      if (!away.includes(agent) && !share) faults.push(`no share of ${nameDocument(job)} at ${agent}`);
    }
  }
  return faults.map((fault) => `broker: ${fault}`);
}
