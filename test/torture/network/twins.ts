/**
 * Two agents with one certificate: a copied card. While the original lives the copy is locked out, with an alarm. Where
 * the original only seems dead, the copy comes in, and the original is locked out in its turn: no session ever has both.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Child } from "../../../cli/demo/child.ts";
import type { Tally } from "../part.ts";
import type { Random } from "../random.ts";
import type { SentDocument } from "../sent-document.ts";
import { GROUP, type Site, untilNews } from "./site.ts";

const START_MS = 60_000;

/** Leaves the site as no honest fleet is: two books of one agent. Nothing is to be done on it afterwards. */
export async function twins(site: Site, random: Random): Promise<Tally> {
  const { fleet } = site;
  const mine = await site.send("east", random.bytes(2000));
  const ours = await site.send(GROUP, random.bytes(2000));
  for (const document of [mine, ours]) await site.untilHeld(document);
  const twin = await startTwin(site);
  try {
    const broker = fleet.program("broker");
    const isAlarm = (line: { event?: string; fault?: unknown }) =>
      line.event === "login-refused" && line.fault === "second-session";
    await broker.waitFor(isAlarm, "the alarm", START_MS);
    await typeAtTwin(site, mine);
    await delay(1000);
    expectOut(site, mine, 0, "typed at the copy while the original lives");

    const original = fleet.program("east");
    const entered = untilNews(twin, ({ event }) => event === "ready");
    if (original.pid) process.kill(original.pid, "SIGSTOP");
    await entered;
    await typeAtTwin(site, mine);
    await site.until("it came out at the copy", () => countOut(site, mine) === 1);
    const alarm = untilNews(broker, isAlarm);
    if (original.pid) process.kill(original.pid, "SIGCONT");
    await alarm;
    // It cannot know better: what it holds it prints without the broker, for a person who types the OTP once more.
    const again = await site.enter("east", mine);
    await delay(1000);
    const twice = countOut(site, mine) - 1;
    if (twice > 1) throw new Error(`entered twice, out ${twice + 1} times`);
    // What needs the broker's word it has not.
    const verdict = await site.enter("east", ours);
    if (verdict !== "locked") throw new Error(`a group's document at the locked out original: ${verdict}`);
    expectOut(site, ours, 0, "a group's document at the locked out original");
    return { "copies of a card": 2, "second copy, typed at the original": again === "entered" ? twice : 0 };
  } finally {
    await twin.stop();
  }
}

async function startTwin(site: Site): Promise<Child> {
  const { fleet } = site;
  cpSync(fleet.path("east"), fleet.path("twin"), { recursive: true });
  mkdirSync(fleet.path("printed", "twin"), { recursive: true });
  const settings = readFileSync(fleet.path("east.toml"), "utf8")
    .replace(fleet.path("east.keypad"), fleet.path("twin.keypad"))
    .replace(fleet.path("printed", "east"), fleet.path("printed", "twin"));
  writeFileSync(fleet.path("twin.toml"), settings);
  const args = ["agent", "--data", fleet.path("twin"), "--config", fleet.path("twin.toml")];
  const twin = new Child("twin", args, fleet.path("logs", "twin.log"), false);
  await twin.waitFor(({ event }) => event === "link-down", "locked out", START_MS);
  return twin;
}

async function typeAtTwin(site: Site, document: SentDocument): Promise<void> {
  document.entries++;
  await site.fleet.type("twin", `${document.otp}\n`);
}

function countOut({ fleet }: Site, { body }: SentDocument): number {
  const papers = ["east", "west", "twin"].flatMap((name) =>
    readdirSync(fleet.path("printed", name)).map((file) => readFileSync(fleet.path("printed", name, file))),
  );
  return papers.filter((paper) => paper.includes(body)).length;
}

function expectOut(site: Site, document: SentDocument, count: number, what: string): void {
  const out = countOut(site, document);
  if (out !== count) throw new Error(`${what}: out ${out} times`);
}
