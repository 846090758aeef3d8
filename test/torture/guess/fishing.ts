/**
 * A sender who fishes: many jobs of their own, hoping that one of them has a victim's password. Arriving tells them
 * nothing, typing releases nothing of anybody else's, and costs a try where it met one. Real keeper, cheap derivation.
 */
import { TRIES_MAX } from "../../../agent/tries.ts";
import { Keeping } from "../../agent/keeping.ts";
import type { Random } from "../random.ts";

const VICTIM = "victim";

export interface FishingTally {
  readonly own: number;
  readonly collisions: number;
}

/** @throws Error where an arrival differs, the victim's document is printed, or a try is gained */
export async function attackByFishing(random: Random, jobs: number): Promise<FishingTally> {
  // What was printed is destroyed at once: the next entry starts with nothing left of it.
  const keeping = await Keeping.open({ lobby: "raw" }, { deliveredGraceMs: 0 });
  try {
    const otps = drawOtps(random, jobs);
    const caught = random.integer(0, jobs - 1);
    await submit(keeping, "alice", "victim-01", otps[caught] as string, VICTIM);
    const held: string[][] = [];
    for (const [i, otp] of otps.entries()) {
      await submit(keeping, "mallory", `fish-${i}-00`, otp, "mallory's");
      held.push(keeping.states(`fish-${i}-00`));
    }
    if (new Set(held.map((states) => states.join())).size !== 1)
      throw new Error("an arrival told that its password was taken");
    return await typeAll(keeping, otps, caught);
  } finally {
    await keeping.close();
  }
}

async function typeAll(keeping: Keeping, otps: readonly string[], caught: number): Promise<FishingTally> {
  let collisions = 0;
  let wrong = 0;
  for (const [i, otp] of otps.entries()) {
    const printed = keeping.timings.filter(({ step }) => step === "destroyed").length;
    const verdict = await keeping.enter(otp);
    if (verdict.kind === "released") await keeping.destroyed(printed + 1);
    else if (verdict.kind === "not-accepted") wrong++;
    if ((verdict.kind === "not-accepted") !== (i === caught))
      throw new Error(`own job ${i} was ${verdict.kind}; the victim's password is that of ${caught}`);
    if (i === caught) collisions++;
  }
  const victim = keeping.last("victim-01");
  if (victim?.state !== "cancelled" || victim.reason !== "otp-collision")
    throw new Error(`the victim's job is ${victim?.state} (${victim?.reason})`);
  if (keeping.printer.jobs.some((job) => Buffer.from(job).includes(VICTIM)))
    throw new Error("the victim's document was printed");
  // What was right gave back its own try and no other: the bucket lacks the collision's, and empties after the rest.
  let left = 0;
  while ((await keeping.enter("31415926")).kind === "not-accepted") left++;
  if (left !== TRIES_MAX - wrong) throw new Error(`${left} tries were left after ${wrong} wrong entries`);
  return { own: otps.length, collisions };
}

async function submit(keeping: Keeping, user: string, job: string, otp: string, text: string): Promise<void> {
  const state = await keeping.submit({ user, job, document: Buffer.from(text), manifest: { otp } });
  if (state !== "held") throw new Error(`${job} is ${state}`);
}

function drawOtps(random: Random, count: number): string[] {
  const drawn = new Set<string>();
  while (drawn.size < count) drawn.add(String(random.integer(40_000_000, 89_999_999)));
  return [...drawn];
}
