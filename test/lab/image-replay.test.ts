/**
 * A day of the image's card, recorded write by write. Its power is cut at every flush: whatever lay on the card then,
 * the agent's own start-up code brings it to rest, with nothing lost that was told as held, and nothing to print twice.
 */
import { copyFile, rm, stat } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Card } from "./card.ts";
import { readAgentData } from "./data-partition.ts";
import { documentOf } from "./document.ts";
import { IMAGE, missingForImage } from "./image-file.ts";
import { NativeStart, type StartedJob } from "./native-start.ts";
import { PATIENCE_MS } from "./patience.ts";
import { type SentJob, Site } from "./site.ts";
import { type FlushPoint, replayFlushes } from "./write-log.ts";

const SETUP = 'keypads = ["hid:13ba:0001"]\n[printer.lobby]\nuri = "usb:"\n';
const textOf = (sizeBytes: number): Buffer =>
  Buffer.from(documentOf(sizeBytes / 2).toString("hex"), "latin1");

/** What somebody outside was told when the log was so long: from there on the card must agree. */
interface Told {
  readonly logBytes: number;
  readonly what: string;
  readonly job: string;
  readonly states: readonly string[];
}

vi.setConfig({ testTimeout: 3 * PATIENCE_MS, hookTimeout: 3 * PATIENCE_MS });

describe.skipIf(missingForImage().length > 0)("the power cut at every flush of a recorded run", () => {
  let site: Site;
  let log: string;
  const told: Told[] = [];
  const kept = textOf(30_000);
  let held: SentJob;

  async function tell(what: string, job: string, ...states: readonly string[]): Promise<void> {
    told.push({ logBytes: (await stat(log)).size, what, job, states });
  }

  beforeAll(async () => {
    site = await Site.open(IMAGE);
    log = site.fleet.path("writes.log");
    const claim = await site.claim("lobby");
    await site.card.writeBoot("platen.toml", `claim = "${claim}"\n${SETUP}`);
    const blank = await site.card.copy(site.fleet.root);
    await site.powerOn({ recordWrites: log });
    await site.plugIn();
    await site.enrolled("lobby");

    held = await site.hold("lobby", kept);
    await tell("held", held.job, "held");
    const printed = await site.hold("lobby", textOf(50_000));
    await tell("the second held", printed.job, "held", "printing", "interrupted", "delivered");
    site.printer.once("taken", () => void tell("bytes came out", printed.job, "interrupted", "delivered"));
    await site.enter(printed.otp);
    await site.follow(printed.job, "delivered");
    await tell("delivered", printed.job, "delivered");
    const broken = await site.hold("lobby", textOf(80_000));
    site.printer.outOfPaperAfter(site.printer.received.length + 20_000);
    await site.enter(broken.otp);
    await site.printer.holds();
    await tell("half of it came out", broken.job, "interrupted");
    // And one that is on its way when the power goes.
    await site.send("lobby", textOf(400_000));
    await site.cutPower();
    blanks.push(blank);
  });
  const blanks: Card[] = [];
  afterAll(() => site?.close());

  it("comes to rest from each", async () => {
    const [blank] = blanks;
    if (blank === undefined) throw new Error("nothing was recorded");
    // It grew at the first start.
    const partition = await site.card.partition("data");
    const image = site.fleet.path("data.img");
    await blank.extract(partition, image);
    let points = 0;
    let released = 0;
    for await (const point of replayFlushes(log, image, partition)) {
      points += 1;
      released += await judge(site, { image, point, told, held, kept });
    }
    console.log(`${points} flushes, ${released} times the held document came out`);
    expect(points).toBeGreaterThan(50);
    expect(released).toBeGreaterThan(20);
  });
});

interface Case {
  readonly image: string;
  readonly point: FlushPoint;
  readonly told: readonly Told[];
  readonly held: SentJob;
  readonly kept: Buffer;
}

/** @returns how often the held document was released */
async function judge(site: Site, { image, point, told, held, kept }: Case): Promise<number> {
  const copy = site.fleet.path("point.img");
  const folder = site.fleet.path("point", "agent");
  await copyFile(image, copy);
  const isThere = await readAgentData(copy, folder);
  const due = told.filter(({ logBytes }) => logBytes <= point.logBytes);
  try {
    if (!isThere) {
      expect(due, `flush ${point.number}: told, and nothing is on the card`).toEqual([]);
      return 0;
    }
    return await judgeStart(site, { folder, point, due, held, kept });
  } finally {
    await rm(site.fleet.path("point"), { recursive: true, force: true });
  }
}

async function judgeStart(
  site: Site,
  { folder, point, due, held, kept }: Omit<Case, "image" | "told"> & { folder: string; due: readonly Told[] },
): Promise<number> {
  const start = await NativeStart.begin({
    agentFolder: folder,
    brokerFolder: site.fleet.path("broker"),
    tray: site.fleet.path("point", "tray"),
    agent: "lobby",
  });
  try {
    const jobs = start.jobs();
    const where = `flush ${point.number}`;
    expect(start.faults(), where).toEqual([]);
    expect(
      due.filter((one) => !agrees(one, jobs)),
      `${where}: ${JSON.stringify(jobs)}`,
    ).toEqual([]);
    if (!due.some(({ job }) => job === held.job)) return 0;
    expect((await start.release(held.job, held.otp))?.equals(kept), where).toBe(true);
    return 1;
  } finally {
    await start.end();
  }
}

function agrees({ job, states }: Told, jobs: readonly StartedJob[]): boolean {
  return states.includes(jobs.find((row) => row.job === job)?.state ?? "gone");
}
