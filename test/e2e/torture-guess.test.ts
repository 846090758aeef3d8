/** The guesser, in short: without the comparison by time, of which only the statistics are tried here. */
import { describe, expect, it } from "vitest";
import { attackEscrow } from "../torture/guess/escrow-attack.ts";
import { attackByFishing } from "../torture/guess/fishing.ts";
import { KeypadAttack } from "../torture/guess/keypad-attack.ts";
import { largestT, T_THRESHOLD, welchT } from "../torture/guess/welch.ts";
import { Random } from "../torture/random.ts";

/** Times as a machine has them: about 2 ms, a slow tail. */
function drawTimes(random: Random, count: number, moreMs = 0): number[] {
  return Array.from({ length: count }, () => {
    const noise = random.fraction() + random.fraction() + random.fraction() - 1.5;
    const tail = random.fraction() < 0.05 ? 50 * random.fraction() : 0;
    return 2 + moreMs + noise + tail;
  });
}

describe("telling rows of times apart", () => {
  it("gives Welch's t", () => {
    // By hand: means 3 and 6, variances 2.5 and 10, five of each.
    expect(welchT([1, 2, 3, 4, 5], [2, 4, 6, 8, 10])).toBeCloseTo(-3 / Math.sqrt(2.5), 12);
    expect(welchT([1], [2, 3])).toBe(0);
    expect(welchT([2, 2], [2, 2])).toBe(0);
  });

  it("sees a millisecond, and none where there is none", () => {
    const random = new Random(11);
    const same = Array.from({ length: 50 }, () => largestT(drawTimes(random, 300), drawTimes(random, 300)));
    expect(Math.max(...same)).toBeLessThan(T_THRESHOLD);
    expect(largestT(drawTimes(random, 300), drawTimes(random, 300, 1))).toBeGreaterThan(T_THRESHOLD);
  });
});

describe("a guesser gains no try", () => {
  it("as a sender who fishes", async () => {
    expect(await attackByFishing(new Random(1), 30)).toEqual({ own: 30, collisions: 1 });
  });

  it("at the escrow with a stolen card", { timeout: 60_000 }, async () => {
    const { answered, allowed } = await attackEscrow(new Random(2), 1800);
    expect(answered).toBeLessThanOrEqual(allowed);
    // They did guess.
    expect(answered).toBeGreaterThan(20);
  });

  it.each([
    ["with the power cut and the clock moved", false],
    ["with the card put back from a copy each time", true],
  ])("at three keypads, %s", { timeout: 120_000 }, async (_, rewindsCard) => {
    const attack = await KeypadAttack.open(new Random(3), () => undefined, { ownJobs: 1, rewindsCard });
    try {
      for (let step = 0; step < 25; step++) await attack.step();
      const { entries, judged, allowed } = await attack.judge();
      expect(judged).toBeLessThanOrEqual(allowed);
      expect(entries).toBeGreaterThan(allowed);
      // On a machine without faketime its clock stays where it is.
      expect(KeypadAttack.movesClocks || !process.env.CI).toBe(true);
    } finally {
      await attack.close();
    }
  });
});
