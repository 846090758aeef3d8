/**
 * Years pass while programs run (libfaketime), and each time a certificate is due for renewal its line lies: afterwards
 * there is one new certificate, for the same key. An agent whose certificate ended is told so, prints what it holds, and
 * is let in again once a clock that was wrong is right. The broker's own certificate is replaced under way.
 */
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { FAKETIME, LyingClock } from "../lying-clock.ts";
import type { Tally } from "../part.ts";
import type { Random } from "../random.ts";
import type { SentDocument } from "../sent-document.ts";
import { type AgentName, type Site, untilNews } from "./site.ts";

const DAY_S = 86_400;
/** Renewed when a third of a year is left; so long before its end it is due, and the agent of it still let in. */
const DUE_DAYS = 100;
/** A call or an answer of a renewal takes a third of a second: time to cut it in two. */
const SLOW = { kind: "slow", bytesPerSecond: 4000 } as const;
const BODY_BYTES = 3000;

interface Renewing {
  readonly site: Site;
  readonly random: Random;
  /** The broker has made the new certificate, and the answer is on its way. */
  readonly answered: () => Promise<void>;
}

/** Begun when the agent is about to ask. */
type Lie = (renewing: Renewing) => Promise<void>;

const LIES = {
  "the request is lost": async ({ site }) => site.lines.east.cut(),
  "the answer is lost": async ({ site, random, answered }) => {
    await answered();
    await delay(random.integer(0, 150));
    site.lines.east.cut();
  },
  "the answer is lost, and its repetitions": async ({ site, random, answered }) => {
    await answered();
    for (let time = 0; time < 3; time++) {
      const next = aboutToAsk(site);
      site.lines.east.cut();
      await next;
      await delay(random.integer(100, 300));
    }
    site.lines.east.cut();
  },
  "the answer is torn, and one way closed": async ({ site, random }) => {
    site.lines.east.doom({ way: "down", afterBytes: random.integer(1, 900), kind: "half" });
    await untilDown(site);
  },
  "the answer stops halfway, without a word": async ({ site, random }) => {
    site.lines.east.doom({ way: "down", afterBytes: random.integer(1, 900), kind: "mute" });
    await untilDown(site);
  },
  "the broker goes away": async ({ site, random }) => {
    site.lines.east.setAway(true);
    await delay(random.integer(500, 2500));
  },
  "the broker is killed once it has made it": async ({ site, answered }) => {
    await answered();
    await site.restart("broker", "SIGKILL");
  },
  "the agent is killed before it has it": async ({ site, answered }) => {
    await answered();
    await site.restart("east", "SIGKILL");
  },
} as const satisfies Record<string, Lie>;

/** @throws Error where an agent is locked out that must not be, has a second identity, or loses a document */
export async function outliveCertificates(
  site: Site,
  random: Random,
  note: (line: string) => void,
): Promise<Tally> {
  if (!FAKETIME) return { "renewals lied to (no libfaketime here)": 0 };
  const clock = new LyingClock(site.fleet.path("clock"));
  const startedS = Math.floor(Date.now() / 1000);
  /** Time passes until the newest certificate is due. */
  const passTime = (agent: AgentName) => clock.set(endOf(site, agent) - DUE_DAYS * DAY_S - startedS);
  await startUnder(site, clock);
  const before = readIdentities(site);
  const held = await site.send("west", random.bytes(BODY_BYTES));
  await site.untilHeld(held);
  site.lines.west.setAway(true);
  site.takeAway();
  let lost = 0;
  for (const [name, lie] of shuffle(Object.entries(LIES), random)) {
    note(`due for renewal, ${name}`);
    const served = readServed(site);
    passTime("east");
    lost += await renewAmid(site, random, lie).catch((cause: unknown) => {
      throw new Error(`${name}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    });
    await site.until("the broker has a new certificate", () => readServed(site) !== served);
    await printOne(site, random, "east");
    await site.rest({ agents: ["east"], away: ["west"], renumbered: ["east"] });
    site.takeAway();
  }
  await meetEnd(site, random, held);
  note("the clock was wrong, and is put right");
  site.lines.west.setAway(true);
  clock.set(30 * DAY_S);
  await site.restart("broker", "SIGTERM");
  site.heal();
  await printOne(site, random, "west");
  site.takeAway();
  passTime("west");
  site.lines.west.cut();
  await untilRenewed(site, "west", 2);
  await printOne(site, random, "west");
  await site.rest({ renumbered: ["east", "west"] });
  if (readIdentities(site) !== before) throw new Error(`identities: ${readIdentities(site)}, were ${before}`);
  return { "renewals lied to": Object.keys(LIES).length, "answers lost": lost, "certificates ended": 1 };
}

/** Agents have their own running time, so that what they hold lives on; it is the world that is years ahead. */
async function startUnder(site: Site, clock: LyingClock): Promise<void> {
  await site.restart("broker", "SIGTERM", clock.environment("both"));
  for (const agent of ["east", "west"] as const)
    await site.restart(agent, "SIGTERM", clock.environment("wall"));
}

/** One renewal, lied to; then the line is well. How many answers were lost: 0 or 1. */
async function renewAmid(site: Site, random: Random, lie: Lie): Promise<number> {
  const count = countCertificates(site, "east");
  const asks = aboutToAsk(site);
  site.lines.east.setManner(SLOW);
  site.lines.east.cut();
  await asks;
  const answered = () => site.until("it is made", () => countCertificates(site, "east") > count);
  await lie({ site, random, answered });
  const isLost = countCertificates(site, "east") > count && !isInHand(site, "east");
  site.heal();
  site.lines.west.setAway(true);
  await untilRenewed(site, "east", count + 1);
  return isLost ? 1 : 0;
}

/** It has just heard what time it is. */
async function aboutToAsk(site: Site): Promise<void> {
  await untilNews(site.fleet.program("east"), ({ event }) => event === "clock-learned");
}

async function untilDown(site: Site): Promise<void> {
  await untilNews(site.fleet.program("east"), ({ event }) => event === "link-down");
}

/** The certificate of `west` has long ended: it is told so, and so is the administrator; what it holds it prints. */
async function meetEnd(site: Site, random: Random, held: SentDocument): Promise<void> {
  const program = site.fleet.program("west");
  const refused = untilNews(program, ({ code }) => code === "login-refused");
  site.lines.west.setAway(false);
  const { why } = await refused;
  if (!/ended on .* can still be printed.*platen printer replace/.test(String(why)))
    throw new Error(`the agent is told: ${why}`);
  const { warnings } = await site.fleet.admin("status", {});
  const told = warnings.find(({ subject }) => subject === "west")?.sentence ?? "nothing";
  if (!/ended on .*platen printer replace/.test(told)) throw new Error(`the administrator is told: ${told}`);
  await site.print(held, random);
  const out = site.countOut(held);
  if (out !== 1) throw new Error(`what it held came out ${out} times`);
  site.takeAway();
}

async function printOne(site: Site, random: Random, agent: AgentName): Promise<void> {
  const document = await site.send(agent, random.bytes(BODY_BYTES));
  await site.untilHeld(document);
  await site.print(document, random);
}

/** Key and chain that the broker serves: running time passes for it, too, and its hourly care for them comes round. */
function readServed(site: Site): string {
  return readFileSync(site.fleet.path("broker", "ca", "server.pem"), "utf8");
}

async function untilRenewed(site: Site, agent: AgentName, count: number): Promise<void> {
  const isThere = () => countCertificates(site, agent) >= count && isInHand(site, agent);
  await site.until(`${agent} has its new certificate`, isThere);
  const made = countCertificates(site, agent);
  if (made !== count) throw new Error(`${agent} was given ${made} certificates, not ${count}`);
}

function isInHand(site: Site, agent: AgentName): boolean {
  const newest = site.askBroker(
    "SELECT pem FROM agent_certificates WHERE agent = ? ORDER BY not_after DESC LIMIT 1",
    agent,
  );
  return readFileSync(site.fleet.path(agent, "certificate.pem"), "utf8") === newest;
}

function countCertificates(site: Site, agent: AgentName): number {
  return site.askBroker<number>("SELECT count(*) FROM agent_certificates WHERE agent = ?", agent) ?? 0;
}

/** Unix seconds. */
function endOf(site: Site, agent: AgentName): number {
  const sql = "SELECT max(not_after) FROM agent_certificates WHERE agent = ?";
  return site.askBroker<number>(sql, agent) ?? 0;
}

/** Every key that ever had a certificate, by whose it is. */
function readIdentities(site: Site): string {
  const sql = `SELECT group_concat(line, ' ') FROM
    (SELECT DISTINCT agent || ' ' || recipient || ' ' || hex(key_hash) AS line FROM agent_certificates ORDER BY line)`;
  return site.askBroker(sql) ?? "";
}

function shuffle<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, at: random.fraction() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
