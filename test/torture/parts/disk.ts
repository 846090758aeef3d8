/**
 * Disks and clocks that lie: writes refused and syncs failed at each step, full disks, files cut, changed and gone,
 * time in 1970, ahead, behind and jumping. Each ends in a state with a reason, harms no other job, and is served after.
 */
import { sufferOnce } from "../disk/ailment.ts";
import { CLOCKS } from "../disk/clocks.ts";
import { DAMAGE } from "../disk/damage.ts";
import { drawFull, mayMount } from "../disk/full-disk.ts";
import { drawSpoilt } from "../disk/spoilt-writes.ts";
import { FAKETIME } from "../lying-clock.ts";
import { type Part, type Plan, Rounds, type Tally } from "../part.ts";
import type { Random } from "../random.ts";

const FEW_ROUNDS = 20;

export const part: Part = {
  name: "disk",
  about: "ENOSPC, EIO, damaged and missing files, wrong clocks",
  fullRounds: 300,
  needs: ["strace", "faketime"],
  run,
};

async function run(plan: Plan): Promise<Tally> {
  const { random } = plan;
  if (!FAKETIME) throw new Error("libfaketime is not where Debian puts it");
  const tally = { damage: 0, clocks: 0, "spoilt writes": 0, "full disks": 0 };
  const kinds = [
    { count: "damage", draw: () => random.pick(DAMAGE) },
    { count: "clocks", draw: () => random.pick(CLOCKS) },
    { count: "spoilt writes", draw: () => drawSpoilt(random) },
    { count: "full disks", draw: () => drawFull(random) },
  ] as const;
  const possible = kinds.filter(({ count }) => count !== "full disks" || mayMount());
  // Each named one once, then whatever is drawn; of a few rounds, every second one is drawn.
  const named = shuffle(
    [
      ...DAMAGE.map((ailment) => ({ count: "damage", ailment }) as const),
      ...CLOCKS.map((ailment) => ({ count: "clocks", ailment }) as const),
    ].filter(({ ailment }) => plan.rounds >= FEW_ROUNDS || ailment.isSlow !== true),
    random,
  );
  const isDrawn = (round: number) => plan.rounds < FEW_ROUNDS && round % 2 === 0;
  const rounds = new Rounds(plan);
  while (rounds.next()) {
    const drawn = plan.rounds < FEW_ROUNDS ? possible.slice(2) : possible;
    const kind = drawn[(rounds.current >> 1) % drawn.length] ?? kinds[0];
    const next = isDrawn(rounds.current) ? undefined : named.shift();
    const { count, ailment } = next ?? { count: kind.count, ailment: kind.draw() };
    plan.note(`${rounds.current}: ${ailment.name}`);
    try {
      await sufferOnce(ailment, random.fork());
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      throw new Error(`round ${rounds.current}, ${ailment.name}: ${what}`, { cause: error });
    }
    tally[count]++;
  }
  return tally;
}

function shuffle<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, at: random.fraction() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
