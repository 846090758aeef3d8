/** A network that lies between sender, broker and agents: documents come through whole, once, and all settles. */
import { backlog } from "../network/backlog.ts";
import { outliveCertificates } from "../network/certificates.ts";
import { crowd } from "../network/crowd.ts";
import { Faults } from "../network/network-faults.ts";
import { stopInOrder } from "../network/orderly-stops.ts";
import { partition } from "../network/partition.ts";
import { removeUsers } from "../network/removed-user.ts";
import { AGENTS, GROUP, Site } from "../network/site.ts";
import { twins } from "../network/twins.ts";
import { type Part, type Plan, Rounds, type Tally } from "../part.ts";
import type { Random } from "../random.ts";

/** A fleet serves so many rounds: its books grow, and every rest reads all of them. */
const ROUNDS_PER_SITE = 25;
/** From here on a run has time for some of the pieces, and from there on for all. */
const MIDDLING_ROUNDS = 10;
const LONG_ROUNDS = 50;
const SIZES = [1, 300, 120_000, 400_000, 2_000_000] as const;

export const part: Part = {
  name: "network",
  about: "cuts, stalls, halves and restarts between sender, broker and agents",
  fullRounds: 100,
  needs: ["mkfifo"],
  run: async (plan) => {
    const rounds = new Rounds(plan);
    const counts = new Map<string, number>();
    const pieces = await playPieces(plan);
    while (rounds.next()) await runSite(plan, rounds, counts);
    return { ...pieces, ...tell(rounds, counts) };
  },
};

/** What is tried once a run; the long ones only where the run is long. */
async function playPieces(plan: Plan): Promise<Tally> {
  const isLong = plan.rounds >= LONG_ROUNDS;
  const tallies: Tally[] = [];
  const play = async (name: string, piece: (site: Site, random: Random) => Promise<Tally>): Promise<void> => {
    plan.note(name);
    const site = await Site.open(plan.random, plan.note);
    try {
      tallies.push(await piece(site, plan.random.fork()));
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      throw new Error(`${name} of seed ${plan.seed}: ${what}`, { cause: error });
    } finally {
      await site.close();
    }
  };
  if (plan.rounds < MIDDLING_ROUNDS) return {};
  await play("crowd", (site, random) => crowd(site, random, isLong ? 400 : 20));
  await play("users removed", (site, random) => removeUsers(site, random, plan.note));
  await play("certificates", (site, random) => outliveCertificates(site, random, plan.note));
  if (isLong) {
    await play("backlog", (site, random) => backlog(site, random, 10_000));
    await play("orderly stops", (site, random) => stopInOrder(site, random, plan.note));
    await play("twins", twins);
    plan.note("partition");
    tallies.push(await partition(plan.random.fork()));
  }
  return Object.assign({}, ...tallies) as Tally;
}

function tell(rounds: Rounds, counts: ReadonlyMap<string, number>): Tally {
  const faults = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return { rounds: rounds.current, faults, ...Object.fromEntries(counts) };
}

/** Rounds on one fleet; the first was taken from `rounds` already. */
async function runSite(plan: Plan, rounds: Rounds, counts: Map<string, number>): Promise<void> {
  const site = await Site.open(plan.random, plan.note);
  const faults = new Faults(site, plan.note);
  try {
    do {
      const { current } = rounds;
      plan.note(`round ${current}`);
      try {
        await runRound(site, faults, plan.random.fork());
      } catch (error) {
        const what = error instanceof Error ? error.message : String(error);
        throw new Error(`round ${current} of seed ${plan.seed}: ${what}`, { cause: error });
      }
    } while (rounds.current % ROUNDS_PER_SITE !== 0 && rounds.next());
    for (const [name, count] of faults.counts) counts.set(name, (counts.get(name) ?? 0) + count);
  } finally {
    await site.close();
  }
}

/** One document, sent and printed amid faults; then everything settles. */
async function runRound(site: Site, faults: Faults, random: Random): Promise<void> {
  const target = random.pick([...AGENTS, GROUP, GROUP]);
  const body = random.bytes(Math.max(16, random.integer(0, random.pick(SIZES))));
  const lines = ["sender", ...AGENTS] as const;
  const [document] = await Promise.all([
    site.send(target, body),
    faults.let(random.fork(), random.integer(1, 3), lines, 1000),
  ]);
  site.heal();
  await site.untilHeld(document);
  await Promise.all([
    site.print(document, random.fork()),
    faults.let(random.fork(), random.integer(1, 3), AGENTS, 300).then(() => site.heal()),
  ]);
  await site.rest();
  const out = site.countOut(document);
  if (out !== 1) throw new Error(`${document.job} came out ${out} times, and no printer failed`);
}
