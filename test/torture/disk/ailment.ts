/** One way in which a disk or a clock lies, and what must come of it. */
import { isPlatenError } from "../../../wire/error.ts";
import type { Random } from "../random.ts";
import type { SentDocument } from "../sent-document.ts";
import { type AgentName, type ProgramName, Stage, type StageOptions } from "../stage.ts";

export interface Ailment {
  readonly name: string;
  readonly options?: StageOptions;
  /** Waits for sweeps: left out where there are few rounds. */
  readonly isSlow?: boolean;
  /** One agent, `lobby`, and the broker run; whatever is done, the stage comes to rest afterwards. */
  readonly suffer: (stage: Stage, random: Random) => Promise<void>;
}

export const SMALL_BYTES = 900;
/** Tries of the agent to get a document again come 15 s apart at first. */
const REST_MS = 60_000;

/** A fleet of its own: some ailments end one. */
export async function sufferOnce({ options, suffer }: Ailment, random: Random): Promise<void> {
  const stage = await Stage.open(random, { agents: ["lobby"], mayLose: true, ...options });
  let keeps = true;
  try {
    await suffer(stage, random);
    await stage.rest(REST_MS);
    // Whatever happened, the next document is served as ever.
    await printOne(stage, "lobby");
    await stage.rest(REST_MS);
    keeps = false;
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`${what}\n  left in ${stage.fleet.root}`, { cause: error });
  } finally {
    await stage.close(keeps);
  }
}

export async function sendHeld(stage: Stage, target = "lobby", bytes = SMALL_BYTES): Promise<SentDocument> {
  const document = await stage.send(target, bytes);
  await expectState(stage, document, "held");
  return document;
}

async function printOne(stage: Stage, agent: AgentName): Promise<void> {
  const document = await sendHeld(stage, agent);
  await stage.release(document, agent);
  await expectState(stage, document, "delivered");
}

/** @param ends `state` or `state reason` */
export async function expectState(stage: Stage, document: SentDocument, ...ends: string[]): Promise<void> {
  const states = ends.map((end) => end.split(" ")[0] ?? "");
  const { state, reason } = await stage.awaitState(document, ...states);
  if (ends.includes(state) || ends.includes(`${state} ${reason}`)) return;
  throw new Error(`${document.job} is ${state} (${reason}), expected ${ends.join(" or ")}`);
}

/** The program must not start, and say why with this code's sentence. */
export async function expectRefusal(stage: Stage, name: ProgramName, sentence: RegExp): Promise<void> {
  try {
    await stage.start(name);
  } catch (error) {
    if (error instanceof Error && sentence.test(error.message)) return;
    throw new Error(`${name} ended without saying ${sentence}`, { cause: error });
  }
  throw new Error(`${name} started, and should have said ${sentence}`);
}

/** Sends where the disk may refuse it: null, with a reason the sender can read. */
export async function sendIfTaken(stage: Stage, target: string, bytes: number): Promise<SentDocument | null> {
  try {
    return await stage.send(target, bytes);
  } catch (error) {
    if (isPlatenError(error, "job-rejected") || isPlatenError(error, "not-stored")) return null;
    throw error;
  }
}
