/** An agent is away while hundreds of documents come for it; back again, it holds them all, and its memory stays flat. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { RawSender, sealAnything } from "../../e2e/raw-sender.ts";
import type { Tally } from "../part.ts";
import type { Random } from "../random.ts";
import type { SentDocument } from "../sent-document.ts";
import type { Site } from "./site.ts";

const AGENT = "west";
const BODY_BYTES = 4000;
const AT_ONCE = 20;
/** What a garbage collector may leave lying; hundreds of documents in memory would be more. */
const GROWTH_MB_MAX = 64;

/** @throws Error when one is lost, or the agent grows */
export async function crowd(site: Site, random: Random, size: number): Promise<Tally> {
  site.lines[AGENT].setAway(true);
  const { profile } = site.sender;
  const sender = await RawSender.open(profile);
  try {
    const documents = await sendAll(site, sender, random, size);
    const before = readMemory(site.fleet.program(AGENT).pid).rss;
    site.lines[AGENT].setAway(false);
    // Each costs a derivation; what counts is that the next one always comes.
    for (let held = 0; held < size; ) {
      const before = held;
      await site.until(`more held than ${before} of ${size}`, () => countHeld(site) > before);
      held = countHeld(site);
    }
    const { peak } = readMemory(site.fleet.program(AGENT).pid);
    if (peak - before > GROWTH_MB_MAX) throw new Error(`the agent grew from ${before} to ${peak} MB`);
    for (const document of [documents[0], documents.at(-1)]) if (document) await site.print(document, random);
    await Promise.all(documents.map(({ job }) => sender.publish(AGENT, job, "cancel", "")));
    await site.until("all ended", () => countHeld(site) === 0);
    await site.rest();
    return { "came while away": size, "MB before": before, "MB at most": peak };
  } finally {
    await sender.close();
  }
}

async function sendAll(site: Site, sender: RawSender, random: Random, size: number): Promise<SentDocument[]> {
  const recipients = await sender.recipients(AGENT);
  const documents: SentDocument[] = [];
  const first = random.integer(20_000_000, 80_000_000);
  const sendOne = async (n: number): Promise<void> => {
    const job = randomUUID();
    const otp = String(first + n * 7919);
    const body = random.bytes(BODY_BYTES);
    const manifest = Buffer.from(`${JSON.stringify({ v: 1, otp, raw: true })}\n`);
    await sender.publish(AGENT, job, "only", await sealAnything(recipients, Buffer.concat([manifest, body])));
    await sender.until(job, ({ state }) => state === "stored", "stored");
    documents[n] = site.add({ user: "alice", job, target: AGENT, body, otp, isStored: true });
  };
  for (let n = 0; n < size; n += AT_ONCE) {
    const count = Math.min(AT_ONCE, size - n);
    await Promise.all(Array.from({ length: count }, (_, i) => sendOne(n + i)));
  }
  return documents;
}

function countHeld(site: Site): number {
  return site.ask<number>(AGENT, "SELECT count(*) FROM job WHERE state = 'held' AND final = 0") ?? 0;
}

/** In MB: what a process has, and the most it ever had. */
export function readMemory(pid: number | undefined): { readonly rss: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const read = (field: string) =>
    Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
  return { rss: read("VmRSS"), peak: read("VmHWM") };
}
