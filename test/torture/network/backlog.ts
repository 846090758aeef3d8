/** Ten thousand events wait at an agent that was away for weeks: they go out in order, and neither side grows. */
import { randomUUID } from "node:crypto";
import Database from "better-sqlite3";
import type { Tally } from "../part.ts";
import type { Random } from "../random.ts";
import type { SentDocument } from "../sent-document.ts";
import { readMemory } from "./crowd.ts";
import type { Site } from "./site.ts";

const AGENT = "east";
const JOBS = 10;
const GROWTH_MB_MAX = 64;

/** @throws Error when an event is lost or counted twice, or a program grows */
export async function backlog(site: Site, random: Random, size: number): Promise<Tally> {
  const documents: SentDocument[] = [];
  for (let n = 0; n < JOBS; n++) documents.push(await site.send(AGENT, random.bytes(500)));
  for (const document of documents) await site.untilHeld(document);
  await site.fleet.stop(AGENT);
  const before = readMemory(site.fleet.program("broker").pid).rss;
  fill(site, documents, size);
  const begunMs = performance.now();
  await site.fleet.startAgent(AGENT);
  await site.until("all told", () => site.ask<number>(AGENT, "SELECT count(*) FROM outbox") === 0);
  const seconds = Math.round((performance.now() - begunMs) / 1000);
  const [agent, broker] = [AGENT, "broker"].map((name) => readMemory(site.fleet.program(name).pid).peak);
  if ((broker ?? 0) - before > GROWTH_MB_MAX)
    throw new Error(`the broker grew from ${before} to ${broker} MB`);
  await site.rest();
  for (const document of documents) await site.print(document, random);
  await site.rest();
  return {
    "events waited": size,
    "s to tell them": seconds,
    "MB agent": agent ?? 0,
    "MB broker": broker ?? 0,
  };
}

/** As if released and given back again and again: what a printer without paper and a patient person make. */
function fill(site: Site, documents: readonly SentDocument[], size: number): void {
  const database = new Database(site.fleet.path(AGENT, "jobs", "jobs.db"));
  try {
    const insert = database.prepare<[string, string]>("INSERT INTO outbox (id, event) VALUES (?, ?)");
    database.transaction(() => {
      for (let n = 0; n < size; n++) {
        const { user, job } = documents[Math.floor(n / 2) % documents.length] ?? { user: "", job: "" };
        const id = randomUUID();
        const state = n % 2 === 0 ? "releasing" : "held";
        const rest = { reason: null, printer: AGENT, at: 1_795_000_000, bytes: null, final: false };
        insert.run(id, JSON.stringify({ id, user, job, state, ...rest }));
      }
    })();
  } finally {
    database.close();
  }
}
