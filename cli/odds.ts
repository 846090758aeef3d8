/**
 * The odds of guessing a one-time password at the keypads, as `platen odds` and docs/security.md give them. Pure.
 *
 * An OTP is one of M values, all equally likely. Of one job that waits while n different OTPs are tried, the guesser
 * hits with n/M, and misses k such jobs with (1 - n/M)^k, since their OTPs are drawn independently. This is exact for k
 * jobs that wait all the time at one keypad and a guesser who never tries the same twice, and an upper bound for all
 * else: the product of the misses is smallest where every try meets the same jobs. Jobs that come and go, a repeated
 * try, a collision (which opens nothing) only lower it. Jobs of a group wait at several keypads, each with tries of its
 * own: then n counts the tries of all of them.
 */

/** What keeps guessers slow: so many tries at once, one back per interval. */
export interface Brake {
  readonly burst: number;
  readonly refillMs: number;
}

export interface Guessing {
  readonly digits: number;
  /** Documents that wait, at every keypad, all the time. */
  readonly jobs: number;
  /** Machines with a keypad that are guessed at. */
  readonly agents: number;
  /** Entries made at each of them, all different. */
  readonly tries: number;
}

const DAY_MS = 86_400_000;
/** Rows that are never drawn: all digits equal, running up, running down; from each of ten digits. */
const TRIVIAL = 30;

/** How many OTPs of so many digits there are (wire/otp.ts). */
export function countOtps(digits: number): number {
  return 10 ** digits - TRIVIAL;
}

/** How many entries one machine takes in so many days from a full bucket on. */
export function countTries({ burst, refillMs }: Brake, days: number): number {
  return burst + Math.floor((days * DAY_MS) / refillMs);
}

/** The probability that at least one document is released to the guesser, or the least upper bound of it: 0 to 1. */
export function oddsOfGuessing({ digits, jobs, agents, tries }: Guessing): number {
  const otps = countOtps(digits);
  const tried = Math.min(otps, agents * tries);
  // 1 - (1 - x)^k, without losing a small x beside the 1.
  return -Math.expm1(jobs * Math.log1p(-tried / otps));
}
