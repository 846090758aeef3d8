/** ENOSPC instead of a write, EIO instead of a sync, at each such step of a scene; and then the disk is well again. */
import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../random.ts";
import type { ProgramName } from "../stage.ts";
import { type Lane, type Spoiling, type Step, Strace } from "../strace.ts";
import { type Ailment, SMALL_BYTES, sendIfTaken } from "./ailment.ts";

/** How long the disk is unwell. */
const UNWELL_MS = 1500;

interface Spoilt {
  readonly program: ProgramName;
  readonly lane: Lane;
  readonly step: Step;
  readonly error: "ENOSPC" | "EIO";
  /** About as many of these steps as there are in a document's life. */
  readonly steps: number;
}

/** What only files know: an error at `write` would hit sockets and pipes too. */
const SPOILT: readonly [Spoilt, ...Spoilt[]] = [
  { program: "lobby", lane: "main", step: "pwrite64", error: "ENOSPC", steps: 80 },
  { program: "lobby", lane: "main", step: "fsync", error: "EIO", steps: 10 },
  { program: "lobby", lane: "pool", step: "fsync", error: "EIO", steps: 2 },
  { program: "broker", lane: "main", step: "pwrite64", error: "ENOSPC", steps: 100 },
  { program: "broker", lane: "main", step: "pwritev", error: "ENOSPC", steps: 1 },
  { program: "broker", lane: "main", step: "fsync", error: "EIO", steps: 8 },
  { program: "broker", lane: "pool", step: "fdatasync", error: "EIO", steps: 2 },
];

/** One step, or all from it on for a while. */
export function drawSpoilt(random: Random): Ailment {
  const { program, lane, step, error, steps } = random.pick(SPOILT);
  const from = random.integer(1, steps);
  const isOne = random.integer(0, 1) === 0;
  const bytes = random.pick([SMALL_BYTES, 200_000] as const);
  const spoiling: Spoiling = { step, with: `error=${error}`, when: isOne ? from : { from } };
  return {
    name: `${program}: ${error} at ${step} ${from}${isOne ? "" : " and all after it"} (${lane}), ${bytes} bytes`,
    suffer: async (stage) => {
      const strace = await Strace.spoil(stage.pidOf(program), lane, [spoiling]);
      const well = delay(UNWELL_MS).then(() => strace.detach());
      try {
        const document = await sendIfTaken(stage, "lobby", bytes);
        if (!document) return;
        const { endedAt } = await stage.awaitState(document, "held");
        if (endedAt !== null) return;
        await stage.release(document);
      } finally {
        await well;
      }
    },
  };
}
