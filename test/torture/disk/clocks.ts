/** Clocks that are wrong, by libfaketime: at a start, and jumping while a program runs. Monotonic time stays true. */
import { setTimeout as delay } from "node:timers/promises";
import type { Environment } from "../environment.ts";
import { LyingClock } from "../lying-clock.ts";
import type { ProgramName, Stage } from "../stage.ts";
import { type Ailment, expectState, sendHeld } from "./ailment.ts";

const YEAR = 365 * 86_400;
/** A sweep of the agent's comes every 15 s, the broker's every 30: after this both had one under the wrong time. */
const SWEPT_MS = 31_000;

function setClock(stage: Stage, name: ProgramName, offsetS: number): Environment {
  const clock = new LyingClock(stage.fleet.path(`${name}.clock`));
  clock.set(offsetS);
  return clock.environment("wall");
}

const sinceEpoch = () => Math.floor(Date.now() / 1000);

/** Begun with a wrong clock it serves as ever: nothing expires, the held document prints. */
function wrongAtStart(name: ProgramName, how: string, offsetS: () => number): Ailment {
  return {
    name: `${name}: begun ${how}`,
    suffer: async (stage) => {
      const document = await sendHeld(stage);
      await stage.stop(name);
      await stage.start(name, setClock(stage, name, offsetS()));
      await stage.returned("lobby");
      await stage.release(document);
      await expectState(stage, document, "delivered");
      const next = await sendHeld(stage);
      await stage.release(next);
      await expectState(stage, next, "delivered");
      await stage.stop(name);
      await stage.start(name);
    },
  };
}

/** Nobody can connect, and that is told; nothing is lost, and with the right time all goes on. */
function lockedUntilRight(name: ProgramName, how: string, offsetS: () => number): Ailment {
  return {
    name: `${name}: begun ${how}`,
    isSlow: true,
    suffer: async (stage) => {
      const document = await sendHeld(stage);
      await stage.stop(name);
      await stage.start(name, setClock(stage, name, offsetS()));
      await delay(SWEPT_MS);
      await stage.stop(name);
      await stage.start(name);
      await stage.returned("lobby");
      await stage.release(document);
      await expectState(stage, document, "delivered");
    },
  };
}

/** Jumps while it runs, and back. */
function jumps(name: ProgramName, how: string, offsetS: () => number): Ailment {
  return {
    name: `${name}: jumps ${how} and back`,
    isSlow: true,
    suffer: async (stage) => {
      await stage.stop(name);
      await stage.start(name, setClock(stage, name, 0));
      await stage.returned("lobby");
      const document = await sendHeld(stage);
      setClock(stage, name, offsetS());
      await delay(SWEPT_MS);
      setClock(stage, name, 0);
      await stage.release(document);
      await expectState(stage, document, "delivered");
      await stage.stop(name);
      await stage.start(name);
    },
  };
}

export const CLOCKS: readonly [Ailment, ...Ailment[]] = [
  wrongAtStart("lobby", "in 1970", () => -sinceEpoch()),
  wrongAtStart("lobby", "a day behind", () => -86_400),
  wrongAtStart("lobby", "a day ahead", () => 86_400),
  lockedUntilRight("lobby", "ten years ahead", () => 10 * YEAR),
  wrongAtStart("broker", "in 1970", () => -sinceEpoch()),
  wrongAtStart("broker", "a day behind", () => -86_400),
  wrongAtStart("broker", "an hour ahead", () => 3600),
  lockedUntilRight("broker", "three years ahead", () => 3 * YEAR),
  jumps("lobby", "ten years ahead", () => 10 * YEAR),
  jumps("lobby", "to 1970", () => -sinceEpoch()),
  jumps("broker", "three years ahead", () => 3 * YEAR),
  jumps("broker", "to 1970", () => -sinceEpoch()),
];
