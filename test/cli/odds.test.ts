/** The published odds, against people who guess: a Monte Carlo of them, and the bucket of tries that slows them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDatabase } from "../../agent/database.ts";
import { REFILL_MS, TRIES_MAX, Tries } from "../../agent/tries.ts";
import { countOtps, countTries, oddsOfGuessing } from "../../cli/odds.ts";
import { formatOdds, TRIES_PER_DAY_MAX } from "../../cli/odds-command.ts";
import { isTrivialOtp } from "../../wire/otp.ts";
import { Random } from "../torture/random.ts";

const BRAKE = { burst: TRIES_MAX, refillMs: REFILL_MS };
const DAY_MS = 86_400_000;

/** Every OTP of four digits that could be drawn. */
const OTPS = Array.from({ length: 10_000 }, (_, i) => String(i).padStart(4, "0")).filter(
  (otp) => !isTrivialOtp(otp),
);

/** The share of rounds that `isHit`, and how far chance alone may carry it: five standard deviations. */
function simulate(rounds: number, expected: number, isHit: () => boolean) {
  let hits = 0;
  for (let round = 0; round < rounds; round++) if (isHit()) hits++;
  return { share: hits / rounds, chance: 5 * Math.sqrt((expected * (1 - expected)) / rounds) };
}

describe("the odds of guessing", () => {
  it("count the OTPs that can be drawn", () => {
    expect(OTPS.length).toBe(countOtps(4));
  });

  it.each([
    { jobs: 1, tries: 725 },
    { jobs: 3, tries: 725 },
    { jobs: 20, tries: 725 },
    { jobs: 5, tries: 5045 },
  ])("are what a Monte Carlo finds: $jobs jobs, $tries tries", ({ jobs, tries }) => {
    const random = new Random(jobs * tries);
    const expected = oddsOfGuessing({ digits: 4, jobs, agents: 1, tries });
    const { share, chance } = simulate(10_000, expected, () => {
      const first = random.integer(0, OTPS.length - 1);
      // In any order, none twice: as good as every other way of choosing them.
      const distance = (otp: number) => (otp - first + OTPS.length) % OTPS.length;
      return Array.from({ length: jobs }).some(() => distance(random.integer(0, OTPS.length - 1)) < tries);
    });
    expect(Math.abs(share - expected)).toBeLessThan(chance);
  });

  it("are an upper bound for jobs that come and go, and for tries made twice", () => {
    const random = new Random(6);
    const [jobs, tries] = [3, 725];
    const expected = oddsOfGuessing({ digits: 4, jobs, agents: 1, tries });
    const draw = () => random.integer(0, OTPS.length - 1);
    const { share, chance } = simulate(3000, expected, () => {
      const waiting = Array.from({ length: jobs }, draw);
      for (let at = 0; at < tries; at++) {
        if (at % 50 === 0) waiting[random.integer(0, jobs - 1)] = draw();
        if (waiting.includes(draw())) return true;
      }
      return false;
    });
    expect(share).toBeLessThan(expected + chance);
    expect(share).toBeGreaterThan(expected / 2);
  });

  it("of a group's jobs are those of all its keypads' tries together", () => {
    const random = new Random(7);
    const [agents, tries] = [4, 725];
    const expected = oddsOfGuessing({ digits: 4, jobs: 2, agents, tries });
    expect(expected).toBeGreaterThan(oddsOfGuessing({ digits: 4, jobs: 2 * agents, agents: 1, tries }));
    const { share, chance } = simulate(10_000, expected, () =>
      Array.from({ length: 2 }).some(() => random.integer(0, OTPS.length - 1) < agents * tries),
    );
    expect(Math.abs(share - expected)).toBeLessThan(chance);
  });

  it("are never less than none nor more than certain, and keep what is small", () => {
    expect(oddsOfGuessing({ digits: 12, jobs: 1, agents: 1, tries: 1 })).toBeCloseTo(1e-12, 20);
    expect(oddsOfGuessing({ digits: 6, jobs: 50, agents: 10_000, tries: 725 })).toBe(1);
    expect(oddsOfGuessing({ digits: 8, jobs: 50, agents: 1, tries: 725 })).toBeCloseTo(3.624e-4, 7);
  });

  it("are told in three digits, rounded towards the guesser", () => {
    expect([0.5, 0.25, 1 / 2758.9, 1 / 137_930, 1].map(formatOdds)).toEqual([
      "50 %",
      "25 %",
      "1 in 2,750",
      "1 in 137,000",
      "100 %",
    ]);
  });
});

describe("the tries that the odds count", () => {
  /** A guesser who never sleeps, at the real bucket with a clock of our own; wrong entries within `days`. */
  function guess(days: number, between: (tries: Tries, reopen: () => Tries) => Tries): number {
    const dir = mkdtempSync(join(tmpdir(), "odds-"));
    const db = openDatabase(join(dir, "jobs.db"));
    let nowMs = 0;
    const open = () =>
      new Tries(
        db,
        () => nowMs,
        () => undefined,
      );
    let tries = open();
    let guesses = 0;
    for (; nowMs <= days * DAY_MS; nowMs += 20_000) {
      tries = between(tries, open);
      while (tries.left > 0) {
        tries.charge();
        tries.fail();
        guesses++;
      }
    }
    db.close();
    rmSync(dir, { recursive: true });
    return guesses;
  }

  it("are exactly what the bucket gives: 725 in the first day", () => {
    expect(guess(1, (tries) => tries)).toBe(725);
    expect(countTries(BRAKE, 1)).toBe(725);
    expect(TRIES_PER_DAY_MAX).toBe(725);
    expect(countTries(BRAKE, 7)).toBe(5045);
  });

  it("are not more by switching it off and on all the time, nor by a right OTP in between", () => {
    const restarted = guess(0.5, (_, reopen) => reopen());
    expect(restarted).toBeLessThanOrEqual(countTries(BRAKE, 0.5));
    const right = guess(0.5, (tries) => {
      if (tries.left > 0) {
        tries.charge();
        tries.giveBack();
      }
      return tries;
    });
    expect(right).toBe(countTries(BRAKE, 0.5));
  });
});
