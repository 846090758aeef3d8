/** A claim on a group's document whose answer never came keeps nobody else from it. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Site } from "../torture/network/site.ts";
import { Random } from "../torture/random.ts";
import type { SentDocument } from "../torture/sent-document.ts";

let site: Site;
beforeAll(async () => {
  site = await Site.open(new Random(1), () => {});
});
afterAll(() => site.close());

/** Claimed at east, which hears nothing of it; what its keypad says in the end. */
async function claimUnheard(): Promise<{ document: SentDocument; entered: Promise<string | null> }> {
  const document = await site.send("wards", randomBytes(3000));
  await site.untilHeld(document);
  // A claim goes out once the broker confirmed all that went before.
  await site.until("told", () => Number(site.ask("east", "SELECT count(*) FROM outbox")) === 0);
  site.lines.east.doom({ way: "down", afterBytes: 0, kind: "mute" });
  const entered = site.enter("east", document);
  await site.until("it is claimed", () => site.isClaimed(document));
  return { document, entered };
}

async function printAtWest(document: SentDocument): Promise<void> {
  await site.until("the claim is taken back", () => !site.isClaimed(document));
  expect(await site.enter("west", document)).toBe("entered");
  await site.until("it is out", () => site.isOut(document));
  expect(site.countOut(document)).toBe(1);
}

test("claimed at one printer, the answer lost: it prints at the other", async () => {
  const { document, entered } = await claimUnheard();
  site.heal();
  expect(await entered).toBe("locked");
  await printAtWest(document);
});

test("claimed, and the power gone before it was used: it prints at the other once the first is back", async () => {
  const { document, entered } = await claimUnheard();
  await site.fleet.kill("east");
  expect(await entered).toBeNull();
  site.heal();
  await site.fleet.startAgent("east");
  await printAtWest(document);
});
