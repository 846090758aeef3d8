/**
 * The guesser: whatever they do at keypads, at the escrow or as a sender, they have the tries that were published and
 * not one more (`platen odds`); and how long a refusal takes does not say whether an OTP is wrong, expired or used.
 */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { attackEscrow } from "../guess/escrow-attack.ts";
import { attackByFishing } from "../guess/fishing.ts";
import { type AttackTally, KeypadAttack } from "../guess/keypad-attack.ts";
import type { Comparison } from "../guess/timing-child.ts";
import { T_THRESHOLD } from "../guess/welch.ts";
import type { Part, Plan, Tally } from "../part.ts";

const CHILD = fileURLToPath(new URL("../guess/timing-child.ts", import.meta.url));
const FULL_ROUNDS = 10_000;
const DAY_S = 86_400;
/** What must be found where it is planted, on a fifth of the tries. */
const PLANTED_MS = 1;

export const part: Part = {
  name: "guess",
  about: "guessing at keypads, escrow and as a sender; 10,000 refusals told apart by time",
  fullRounds: FULL_ROUNDS,
  needs: ["faketime"],
  run,
};

async function run(plan: Plan): Promise<Tally> {
  const { random, rounds, note } = plan;
  note("a sender who fishes");
  const fishing = await attackByFishing(random.fork(), Math.max(20, Math.min(500, rounds / 20)));
  note("a thief at the escrow");
  const escrow = await attackEscrow(random.fork(), Math.min(DAY_S, Math.max(3600, rounds * 9)));
  const steps = Math.max(20, Math.min(200, rounds / 50));
  const keypads = await attackKeypads(plan, steps, false);
  const rewound = await attackKeypads(plan, steps, true);
  return {
    "own jobs fished with": fishing.own,
    "escrow calls": escrow.calls,
    "guesses answered there": escrow.answered,
    "allowed there": escrow.allowed,
    "entries at keypads": keypads.entries,
    "judged there": keypads.judged,
    "allowed at keypads": keypads.allowed,
    "entries with the card put back": rewound.entries,
    "judged with it": rewound.judged,
    "allowed with it": rewound.allowed,
    ...(await compareTimes(plan)),
  };
}

async function attackKeypads(
  { random, note }: Plan,
  steps: number,
  rewindsCard: boolean,
): Promise<AttackTally> {
  const attack = await KeypadAttack.open(random.fork(), note, { ownJobs: 5, rewindsCard });
  try {
    for (let step = 0; step < steps; step++) await attack.step();
    return await attack.judge();
  } finally {
    await attack.close();
  }
}

/** In a process of its own, in which a derivation can be waited for, and before others where that is allowed. */
async function compareTimes({ random, rounds, seconds, note }: Plan): Promise<Tally> {
  const words = [
    CHILD,
    String(random.integer(0, 0x7fffffff)),
    String(rounds),
    String(seconds),
    String(PLANTED_MS),
  ];
  const env = { ...process.env, UV_THREADPOOL_SIZE: "1" };
  const { stdout } = await promisify(execFile)(process.execPath, words, { env, maxBuffer: 1024 ** 2 });
  const { tries, medians, t, planted } = JSON.parse(stdout) as Comparison;
  note(`medians ${JSON.stringify(medians)} ms; |t| ${t}; with ${PLANTED_MS} ms planted |t| ${planted}`);
  if (planted <= T_THRESHOLD)
    throw new Error(
      `a planted difference of ${PLANTED_MS} ms was not seen: |t| ${planted}; is this machine busy?`,
    );
  if (t > T_THRESHOLD) throw new Error(`refusals can be told apart by time: |t| ${t}`);
  return {
    refusals: tries,
    "largest |t| x 100": Math.round(t * 100),
    "planted |t| x 100": Math.round(planted * 100),
  };
}
