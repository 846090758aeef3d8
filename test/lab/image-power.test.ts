/**
 * The image's power is cut at random moments of receiving, holding and printing, and it starts again from its card.
 * Each time the place comes to rest with the invariants of the torture run. `PLATEN_CUTS` rounds, 20 by default.
 */
import { copyFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { EscposPrinter } from "../agent/escpos-printer.ts";
import { findFaults } from "../torture/invariants.ts";
import type { Piece } from "../torture/paper.ts";
import { Random } from "../torture/random.ts";
import { readWorld } from "../torture/rest.ts";
import type { SentDocument } from "../torture/sent-document.ts";
import { readAgentData } from "./data-partition.ts";
import { IMAGE, missingForImage } from "./image-file.ts";
import { PATIENCE_MS, until } from "./patience.ts";
import { Site } from "./site.ts";

/** Whoever sees nothing come of it types again. */
const NO_ANSWER_MS = 60_000;
const ROUNDS = Number(process.env.PLATEN_CUTS ?? 20);
const SEED = Number(process.env.PLATEN_SEED ?? 6);
const SETUP = 'keypads = ["hid:13ba:0001"]\n[printer.lobby]\nuri = "usb:"\nprofile = "escpos"\n';
/** ESC @: every opening of the printer begins with it, and no document of ours has it. */
const INIT = Buffer.from("\x1b@");
/** GS ( H: the printer confirms what comes before. */
const FENCE = Buffer.from("\x1d(H");

vi.setConfig({ testTimeout: 3 * PATIENCE_MS, hookTimeout: 3 * PATIENCE_MS });

describe.skipIf(missingForImage().length > 0)("power cuts", () => {
  let site: Site;
  const model = new EscposPrinter();
  const random = new Random(SEED);
  const documents: SentDocument[] = [];

  beforeAll(async () => {
    site = await Site.open(IMAGE);
    model.open((bytes) => site.printer.say(bytes));
    site.printer.on("data", (bytes: Buffer) => model.take(bytes));
    const claim = await site.claim("lobby");
    await site.card.writeBoot("platen.toml", `claim = "${claim}"\n${SETUP}`);
    await site.powerOn();
    await site.plugIn();
    await site.enrolled("lobby");
  });
  afterAll(() => site?.close());

  it("pulled as soon as the broker calls it enrolled: it starts as what it is, and the claim code goes", async () => {
    await site.cutPower();
    await site.powerOn();
    await site.plugIn();
    await site.ready();
    await until("the end of the claim code", async () =>
      (await site.card.readBoot("platen.toml"))?.includes("platen-claim-") ? null : true,
    );
  });

  const rounds = Array.from({ length: ROUNDS }, (_, round) => ({
    round,
    moment: random.pick(["receiving", "holding", "printing"]),
    fraction: random.fraction(),
    sizeBytes: 2 * random.integer(1000, 200_000),
  }));

  it.each(rounds)("round $round: while $moment, at $fraction", async ({ moment, fraction, sizeBytes }) => {
    const document = await send(sizeBytes);
    switch (moment) {
      case "receiving":
        await pause(fraction * 8000);
        break;
      case "holding":
        await site.follow(document.job, "held");
        await pause(fraction * 3000);
        break;
      case "printing":
        await site.follow(document.job, "held");
        await printUntil(document, fraction);
        break;
    }
    await site.cutPower();
    model.reset();
    await site.powerOn();
    await site.plugIn();
    await restore(document);
    expect(await faults()).toEqual([]);
  });

  async function send(sizeBytes: number): Promise<SentDocument> {
    const body = Buffer.from(random.bytes(sizeBytes / 2).toString("hex"), "latin1");
    const { job, otp } = await site.send("lobby", body);
    const document = { user: "ada", job, target: "lobby", body, copies: 1, otp, isStored: true, entries: 0 };
    documents.push(document);
    return document;
  }

  /** Until that part of it came out. */
  async function printUntil(document: SentDocument, fraction: number): Promise<void> {
    const from = site.printer.received.length;
    const enough = Promise.withResolvers<void>();
    const count = (total: number): void => {
      if (total - from >= fraction * document.body.length) enough.resolve();
    };
    site.printer.on("taken", count);
    document.entries += 1;
    await site.enter(document.otp ?? "");
    await enough.promise;
    site.printer.off("taken", count);
  }

  /** The person comes back and types again, until it is out whole. */
  async function restore(document: SentDocument): Promise<void> {
    const { state } = await site.follow(document.job, "held", "interrupted", "delivered", "printed");
    if (state === "delivered" || state === "printed") return;
    await site.ready();
    for (;;) {
      document.entries += 1;
      await site.enter(document.otp ?? "");
      const after = site.follow(document.job, "printed", "delivered");
      if (await Promise.race([after, pause(NO_ANSWER_MS, null)])) return;
      after.catch(() => undefined);
      console.log((await site.pi.run("journalctl -b -o cat -u platen-agent -n 12")).output);
    }
  }

  /** The card as it is at rest, beside what the broker wrote down and what came out. */
  async function faults(): Promise<string[]> {
    const image = site.fleet.path("data.img");
    return await until(
      "rest",
      async () => {
        await site.pi.qmp.ask("stop");
        try {
          await site.card.extract(await site.card.partition("data"), `${image}.now`);
        } finally {
          await site.pi.qmp.ask("cont");
        }
        await copyFile(`${image}.now`, image);
        await readAgentData(image, site.fleet.path("lobby"));
        const world = readWorld(site.fleet, { agents: ["lobby"], documents, pieces });
        return findFaults(world).length === 0 ? [] : null;
      },
      () => findFaults(readWorld(site.fleet, { agents: ["lobby"], documents, pieces })).join("\n"),
    );
  }

  function pieces(): Piece[] {
    const { received } = site.printer;
    const found: Piece[] = [];
    for (let at = received.indexOf(INIT); at >= 0; ) {
      const next = received.indexOf(INIT, at + 1);
      const bytes = received.subarray(at, next < 0 ? undefined : next);
      found.push({ printer: "lobby", bytes, isConfirmed: bytes.includes(FENCE), aroundBytes: 64 });
      at = next;
    }
    return found;
  }
});
