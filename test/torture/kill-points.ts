/** Where a program can be killed: before each step it takes in a scene, while it runs or while it starts again. */
import type { Random } from "./random.ts";
import type { Scene } from "./scenes.ts";
import { type ProgramName, Stage } from "./stage.ts";
import { type Lane, STEPS, type Step, Strace } from "./strace.ts";

export interface StepPoint {
  readonly kind: "step";
  readonly scene: Scene;
  readonly program: ProgramName;
  readonly lane: Lane;
  readonly step: Step;
  /** Before which call of that step, from 1. */
  readonly n: number;
  /** `start`: in the start that follows a kill in the middle of the scene's first act. */
  readonly phase: "run" | "start";
}

/** At any moment: one or two programs, so long after the scene began. */
export interface MomentPoint {
  readonly kind: "moment";
  readonly scene: Scene;
  readonly kills: readonly { readonly program: ProgramName; readonly afterMs: number }[];
}

export type KillPoint = StepPoint | MomentPoint;

const MOMENT_MS = 450;
const SURE: readonly [Sure, ...Sure[]] = [
  { step: "pwrite64", most: 55 },
  { step: "fsync", most: 6 },
  { step: "write", most: 15 },
];

interface Sure {
  readonly step: Step;
  readonly most: number;
}

export function describePoint(point: KillPoint): string {
  if (point.kind === "moment") {
    const kills = point.kills.map(({ program, afterMs }) => `${program} after ${afterMs} ms`);
    return `${point.scene.name}: ${kills.join(", ")}`;
  }
  const { scene, program, lane, step, n, phase } = point;
  return `${scene.name}: ${program} ${phase === "start" ? "starting, " : ""}before ${step} ${n} (${lane})`;
}

export function drawMoment(scenes: readonly [Scene, ...Scene[]], random: Random): MomentPoint {
  const scene = random.pick(scenes);
  const draw = () => ({
    program: random.pick(scene.programs),
    afterMs: random.integer(0, MOMENT_MS),
  });
  return { kind: "moment", scene, kills: random.integer(0, 3) === 0 ? [draw(), draw()] : [draw()] };
}

/** A step there surely is: every scene has that many on the main thread of each program. */
export function drawStep(scenes: readonly [Scene, ...Scene[]], random: Random): StepPoint {
  const scene = random.pick(scenes);
  const program = random.pick(scene.programs);
  const { step, most } = random.pick(SURE);
  return { kind: "step", scene, program, lane: "main", step, n: random.integer(1, most), phase: "run" };
}

/** Plays every scene undisturbed and counts: all the points there are. */
export async function findPoints(scenes: readonly Scene[], random: Random): Promise<StepPoint[]> {
  const points: StepPoint[] = [];
  for (const lane of ["main", "pool"] as const) {
    const stage = await openStage(lane, random);
    try {
      for (const scene of scenes) {
        for (const program of scene.programs) {
          const running = await countScene(stage, scene, { program, lane }, random);
          points.push(...listPoints({ scene, program, lane, phase: "run" }, running));
          if (lane === "pool" || !scene.restarts) continue;
          const { counts, countsBefore } = await countStart(stage, scene, program, random);
          points.push(...listPoints({ scene, program, lane, phase: "start" }, counts, countsBefore));
        }
      }
    } finally {
      await stage.close();
    }
  }
  return points;
}

/** With one thread in the pool its calls come one after the other, and the n-th of them is the n-th in every run. */
export async function openStage(lane: Lane, random: Random): Promise<Stage> {
  const before = process.env.UV_THREADPOOL_SIZE;
  if (lane === "pool") process.env.UV_THREADPOOL_SIZE = "1";
  else delete process.env.UV_THREADPOOL_SIZE;
  try {
    return await Stage.open(random);
  } finally {
    if (before === undefined) delete process.env.UV_THREADPOOL_SIZE;
    else process.env.UV_THREADPOOL_SIZE = before;
  }
}

async function countScene(
  stage: Stage,
  scene: Scene,
  { program, lane }: { program: ProgramName; lane: Lane },
  random: Random,
): Promise<ReadonlyMap<string, number>> {
  await scene.prepare?.(stage);
  const strace = await Strace.count(stage.pidOf(program), lane);
  await scene.play(stage, random);
  await stage.rest();
  await strace.detach();
  return strace.counts;
}

async function countStart(stage: Stage, scene: Scene, program: ProgramName, random: Random): Promise<Strace> {
  const counting = Promise.withResolvers<Strace>();
  await playStart(stage, scene, program, random, (pid) => {
    Strace.count(pid, "main", stage.fleet.path(program)).then(counting.resolve, counting.reject);
  });
  await stage.rest();
  const strace = await counting.promise;
  await strace.detach();
  return strace;
}

/** The scene, with a kill at a random moment of it; `onPid` gets hold of the program that is started then. */
export async function playStart(
  stage: Stage,
  scene: Scene,
  program: ProgramName,
  random: Random,
  onPid: (pid: number) => void,
): Promise<void> {
  await scene.prepare?.(stage);
  stage.onStart = (name, pid) => {
    if (name !== program) return;
    stage.onStart = null;
    onPid(pid);
  };
  const afterMs = random.integer(0, MOMENT_MS / 2);
  const isKilled = scene.killsItself === true && scene.programs[0] === program;
  const kill = isKilled ? null : stage.killAfter(program, afterMs);
  await Promise.all([scene.play(stage, random), kill]);
}

function listPoints(
  where: Omit<StepPoint, "kind" | "step" | "n">,
  counts: ReadonlyMap<string, number>,
  before: ReadonlyMap<string, number> = new Map(),
): StepPoint[] {
  return STEPS.flatMap((step) => {
    const first = (before.get(step) ?? 0) + 1;
    const calls = (counts.get(step) ?? 0) - first + 1;
    return Array.from({ length: Math.max(0, calls) }, (_, i) => ({
      kind: "step" as const,
      ...where,
      step,
      n: first + i,
    }));
  });
}
