/** What happens to a document while programs are killed: each scene plays it to its end, however often that takes. */
import { enrolUnderKills } from "./claimant.ts";
import type { Random } from "./random.ts";
import type { SentDocument } from "./sent-document.ts";
import type { AgentName, ProgramName, Stage } from "./stage.ts";

export interface Scene {
  readonly name: string;
  /** The programs that have a part in it. */
  readonly programs: readonly [ProgramName, ...ProgramName[]];
  /** Before anything is spoiled. Absent: nothing. */
  readonly prepare?: (stage: Stage) => Promise<void>;
  /** Worth killing a program again while it starts. */
  readonly restarts: boolean;
  /** It kills its first program itself, at the moment that matters. */
  readonly killsItself?: boolean;
  readonly play: (stage: Stage, random: Random) => Promise<void>;
}

const SMALL_BYTES = 800;
const PARTS_BYTES = 260_000;
const EXPIRES_S = 3;
const LARGE_BYTES = 3_000_000;

async function printAt(stage: Stage, target: string, agent: AgentName, bytes: number): Promise<void> {
  const document = await stage.send(target, bytes);
  await stage.awaitState(document, "held");
  await stage.release(document, agent);
  await awaitEnd(stage, document, ["delivered", "printed"]);
}

async function awaitEnd(stage: Stage, document: SentDocument, ends: readonly string[]): Promise<void> {
  const { state, reason } = await stage.awaitState(document, ...ends);
  if (ends.includes(state)) return;
  throw new Error(`${document.job} should be ${ends.join(" or ")}, and is ${state} (${reason})`);
}

/** To a folder: told as `delivered`. */
const file: Scene = {
  name: "file",
  programs: ["lobby", "broker"],
  restarts: true,
  play: (stage) => printAt(stage, "lobby", "lobby", SMALL_BYTES),
};

/** To a printer that confirms: told as `printed`. */
const confirmed: Scene = {
  name: "confirmed",
  programs: ["lobby", "broker"],
  restarts: false,
  play: (stage) => printAt(stage, "till", "lobby", SMALL_BYTES),
};

/** In several parts. */
const parts: Scene = {
  name: "parts",
  programs: ["lobby", "broker"],
  restarts: true,
  play: (stage) => printAt(stage, "lobby", "lobby", PARTS_BYTES),
};

/** Held at two agents, claimed by one. */
const group: Scene = {
  name: "group",
  programs: ["lobby", "cellar", "broker"],
  restarts: false,
  play: (stage, random) => printAt(stage, "hall", random.pick(["lobby", "cellar"] as const), SMALL_BYTES),
};

/** Withdrawn while it waits. */
const withdrawn: Scene = {
  name: "withdrawn",
  programs: ["lobby", "broker"],
  restarts: true,
  play: async (stage) => {
    const document = await stage.send("lobby", SMALL_BYTES);
    await stage.awaitState(document, "held");
    await stage.cancel(document);
    await awaitEnd(stage, document, ["cancelled"]);
  },
};

/** Nobody comes: it is over when its agent starts the next time, and looks. */
const expired: Scene = {
  name: "expired",
  programs: ["lobby", "broker"],
  restarts: true,
  killsItself: true,
  play: async (stage) => {
    let [expires, inS] = [0, EXPIRES_S];
    const document = await stage.send("lobby", SMALL_BYTES, () => {
      const now = Math.floor(Date.now() / 1000);
      // Stale before it was sent: it may take as long again. A broker that is just away costs nothing.
      if (expires > 0 && now >= expires) inS *= 2;
      expires = now + inS;
      return { expires };
    });
    await stage.awaitState(document, "held", "expired");
    await stage.killAfter("lobby", expires * 1000 + 100 - Date.now());
    await awaitEnd(stage, document, ["expired"]);
  },
};

/** A new agent, its claim cut short somewhere, is enrolled with the same code all the same, and serves. */
const enrolled: Scene = {
  name: "enrolled",
  programs: ["broker"],
  restarts: false,
  play: async (stage, random) => {
    const agent = await enrolUnderKills(stage, random);
    await stage.fleet.startAgent(agent);
    const document = await stage.send(agent, SMALL_BYTES);
    await stage.awaitState(document, "held");
    await stage.cancel(document);
    await awaitEnd(stage, document, ["cancelled"]);
    await stage.fleet.stop(agent);
  },
};

/** Long enough on the way, and on paper, to be cut in the middle. */
const large: Scene = {
  name: "large",
  programs: ["lobby", "broker"],
  restarts: false,
  play: (stage) => printAt(stage, "lobby", "lobby", LARGE_BYTES),
};

export const LONG_SCENES: readonly [Scene, ...Scene[]] = [
  large,
  confirmed,
  parts,
  group,
  withdrawn,
  expired,
  enrolled,
];
export const SCENES: readonly [Scene, ...Scene[]] = [
  file,
  confirmed,
  parts,
  group,
  withdrawn,
  expired,
  enrolled,
];
