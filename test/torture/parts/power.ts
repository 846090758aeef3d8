/**
 * Power cuts: agent and broker each on a disk of their own, of which after a cut only that is left which had reached the
 * disk. What was written and not synced is gone, as a kill alone would never show.
 */
import { type Part, type Plan, Rounds, type Tally } from "../part.ts";
import { PowerDisk } from "../power/power-disk.ts";
import type { Random } from "../random.ts";
import { LONG_SCENES } from "../scenes.ts";
import { OutOfTries, Stage } from "../stage.ts";

const ROUNDS_PER_STAGE = 12;
const MOMENT_MS = 900;
const HELD_BYTES = 60_000;

export const part: Part = {
  name: "power",
  about: "power cuts: what was not synced is lost (root, loop devices)",
  fullRounds: 300,
  needs: ["mkfs.ext4", "losetup"],
  run,
};

async function run(plan: Plan): Promise<Tally> {
  const { random } = plan;
  const tally = { rounds: 0, cuts: 0, fleets: 0 };
  const rounds = new Rounds(plan);
  let theatre: Theatre | null = null;
  try {
    while (rounds.next()) {
      if (theatre && theatre.rounds >= ROUNDS_PER_STAGE) {
        await closeTheatre(theatre);
        theatre = null;
      }
      if (!theatre) tally.fleets++;
      theatre ??= await openTheatre(random.fork());
      theatre.rounds++;
      tally.cuts += await cutOnce(theatre, random, (line) => plan.note(`${rounds.current}: ${line}`));
      tally.rounds++;
    }
  } catch (error) {
    const folder = theatre?.stage.fleet.root;
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`round ${rounds.current}: ${what}\n  was in ${folder}`, { cause: error });
  } finally {
    if (theatre) await closeTheatre(theatre);
  }
  return tally;
}

type Machine = "lobby" | "broker";

interface Theatre {
  readonly stage: Stage;
  readonly disks: Readonly<Record<Machine, PowerDisk>>;
  rounds: number;
}

async function openTheatre(random: Random): Promise<Theatre> {
  const stage = await Stage.open(random, { agents: ["lobby"], brokerSettings: "quota.freeBytes = 0" });
  const moved = async (name: Machine) => {
    await stage.stop(name);
    const disk = PowerDisk.take(stage.fleet.path(name));
    await stage.start(name);
    return disk;
  };
  return { stage, disks: { broker: await moved("broker"), lobby: await moved("lobby") }, rounds: 0 };
}

async function closeTheatre({ stage, disks }: Theatre): Promise<void> {
  await Promise.all([stage.stop("lobby"), stage.stop("broker")]);
  for (const disk of Object.values(disks)) disk.leave();
  await stage.close();
}

/** A scene with the power of one or both machines cut at a moment of it; how many were. */
async function cutOnce(theatre: Theatre, random: Random, note: (line: string) => void): Promise<number> {
  const { stage, disks } = theatre;
  const single = LONG_SCENES.filter(({ name }) => name !== "group");
  const scene = random.pick(single as unknown as typeof LONG_SCENES);
  const names = random.pick<readonly Machine[]>([["lobby"], ["broker"], ["lobby", "broker"]]);
  const cuts = names.map((name) => ({ name, afterMs: random.integer(0, MOMENT_MS) }));
  note(`${scene.name}: ${cuts.map(({ name, afterMs }) => `${name} after ${afterMs} ms`).join(", ")}`);
  const cut = () =>
    Promise.all(
      cuts.map(({ name, afterMs }) => stage.killAfter(name, afterMs, () => disks[name].cutPower())),
    );
  try {
    // However busy the machine: half of the cuts come when the document has just been promised.
    if (random.integer(0, 1) === 0) await cutWhileHeld(stage, cut);
    else await Promise.all([scene.play(stage, random), cut()]);
  } catch (error) {
    if (!(error instanceof OutOfTries)) throw error;
    theatre.rounds = ROUNDS_PER_STAGE;
  }
  await stage.rest(60_000);
  return cuts.length;
}

async function cutWhileHeld(stage: Stage, cut: () => Promise<unknown>): Promise<void> {
  const document = await stage.send("lobby", HELD_BYTES);
  await stage.awaitState(document, "held");
  await cut();
  await stage.release(document);
  await stage.awaitState(document, "delivered");
}
