/**
 * SIGKILL before every step that changes something durable or tells somebody something, found from outside, and at any
 * moment; also while a program starts again. After each kill the document is brought to its end and everything checked.
 */
import {
  describePoint,
  drawMoment,
  drawStep,
  findPoints,
  type KillPoint,
  openStage,
  playStart,
} from "../kill-points.ts";
import { type Part, type Plan, Rounds, type Tally } from "../part.ts";
import type { Random } from "../random.ts";
import { LONG_SCENES, SCENES } from "../scenes.ts";
import { OutOfTries, type ProgramName, type Stage } from "../stage.ts";
import { type Lane, Strace } from "../strace.ts";

/** A kill between the charge and the verdict uses up a try, as it must: with a new fleet there are new ones. */
const ROUNDS_PER_STAGE = 30;
const BLOCK = 2 * ROUNDS_PER_STAGE;
/** An agent gets ten boot shares in a row; a fleet that has seen so many ends is not waited for. */
const ENDS_PER_STAGE = 12;
/** With fewer rounds it is not worth finding every step first: some are guessed. */
const COUNTED_FROM = 50;
/** From its process to its service, on a busy machine. */
const AGAIN_MAX = 3;
const START_MS = { least: 200, most: 1500 } as const;

export const part: Part = {
  name: "crash",
  about: "SIGKILL before every durable step of agent and broker, and at any moment",
  fullRounds: 2000,
  needs: ["strace"],
  run,
};

async function run(plan: Plan): Promise<Tally> {
  const { random } = plan;
  const points =
    plan.rounds < COUNTED_FROM ? [] : choosePoints(await findPoints(SCENES, random.fork()), plan);
  const tally = {
    rounds: 0,
    kills: 0,
    "kills in a start": 0,
    "not reached": 0,
    steps: points.length,
    fleets: 0,
  };
  const rounds = new Rounds(plan);
  let theatre: Theatre | null = null;
  try {
    while (rounds.next()) {
      const point = points[rounds.current - 1] ?? drawPoint(random);
      const lane = point.kind === "step" ? point.lane : "main";
      if (theatre && (theatre.lane !== lane || theatre.rounds >= ROUNDS_PER_STAGE)) {
        await theatre.stage.close();
        theatre = null;
      }
      if (!theatre) tally.fleets++;
      theatre ??= { lane, rounds: 0, stage: await openStage(lane, random.fork()) };
      theatre.rounds++;
      plan.note(`${rounds.current}: ${describePoint(point)}`);
      const before = theatre.stage.ends;
      const isSpent = await playPoint(theatre.stage, point, random.fork());
      const kills = theatre.stage.ends - before;
      tally.rounds++;
      tally.kills += kills;
      if (point.kind === "step" && point.phase === "start")
        tally["kills in a start"] += Math.max(0, kills - 1);
      if (kills === 0) tally["not reached"]++;
      if (isSpent || theatre.stage.ends >= ENDS_PER_STAGE) theatre.rounds = ROUNDS_PER_STAGE;
    }
  } catch (error) {
    const folder = theatre?.stage.fleet.root;
    await theatre?.stage.close(true);
    theatre = null;
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`round ${rounds.current}: ${what}\n  left in ${folder}`, { cause: error });
  } finally {
    await theatre?.stage.close();
  }
  return tally;
}

function drawPoint(random: Random): KillPoint {
  return random.integer(0, 1) === 0 ? drawMoment(LONG_SCENES, random) : drawStep(SCENES, random);
}

interface Theatre {
  readonly lane: Lane;
  readonly stage: Stage;
  rounds: number;
}

/**
 * All of them where there are rounds enough, else a sample. A fleet sees one lane only, so they come in blocks; small
 * enough that a run that the clock ends has seen both.
 */
function choosePoints(all: readonly KillPoint[], { rounds, random }: Plan): KillPoint[] {
  const shuffled = all
    .map((point) => ({ point, at: random.fraction() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ point }) => point);
  const laneOf = (point: KillPoint) => (point.kind === "step" ? point.lane : "main");
  // Some rounds are left to moments.
  const chosen = shuffled.slice(0, Math.ceil(rounds * 0.85));
  const blocks = Array.from({ length: Math.ceil(chosen.length / BLOCK) }, (_, block) =>
    chosen.slice(block * BLOCK, (block + 1) * BLOCK),
  );
  return blocks.flatMap((block) => block.toSorted((a, b) => laneOf(a).localeCompare(laneOf(b))));
}

/** True when the keypad takes no more: the fleet is spent. */
async function playPoint(stage: Stage, point: KillPoint, random: Random): Promise<boolean> {
  let isSpent = false;
  try {
    await spoil(stage, point, random);
  } catch (error) {
    if (!(error instanceof OutOfTries)) throw error;
    isSpent = true;
  }
  stage.onStart = null;
  await stage.rest();
  return isSpent;
}

async function spoil(stage: Stage, point: KillPoint, random: Random): Promise<void> {
  const { scene } = point;
  if (point.kind === "moment") {
    await scene.prepare?.(stage);
    const kills = point.kills.map(({ program, afterMs }) => stage.killAfter(program, afterMs));
    await Promise.all([scene.play(stage, random), ...kills]);
    return;
  }
  const { program, lane, step, n } = point;
  const spoilings = [{ step, with: "signal=SIGKILL", when: n }] as const;
  if (point.phase === "start") {
    const attached: Promise<Strace>[] = [];
    await playStart(stage, scene, program, random, (pid) => {
      attached.push(Strace.spoil(pid, lane, spoilings));
    }).finally(async () => {
      for (const strace of await Promise.all(attached)) await strace.detach();
    });
    return;
  }
  await scene.prepare?.(stage);
  const strace = await Strace.spoil(stage.pidOf(program), lane, spoilings);
  const second = killInStart(stage, program, random);
  await scene.play(stage, random).finally(() => strace.detach());
  await second();
}

/** Most programs that come back are killed again on their way, some of them twice; the result waits for that. */
function killInStart(stage: Stage, program: ProgramName, random: Random): () => Promise<void> {
  const kills: Promise<void>[] = [];
  let left = random.integer(0, AGAIN_MAX);
  stage.onStart = (name) => {
    if (name !== program || left-- <= 0) return;
    kills.push(stage.killAfter(program, random.integer(START_MS.least, START_MS.most)));
  };
  return async () => {
    left = 0;
    stage.onStart = null;
    await Promise.all(kills);
  };
}
