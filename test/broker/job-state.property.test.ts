/** Whatever copies agents tell of, what their job is follows from them alone. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type CopyState,
  cameOut,
  foldCopies,
  isAtAgent,
  needsParts,
  spreadEnd,
} from "../../broker/job-state.ts";
import { REASONS } from "../../wire/reason.ts";
import { isEnd, JOB_STATES } from "../../wire/state.ts";

const reason = fc.option(fc.constantFrom(...REASONS));
const copy: fc.Arbitrary<CopyState> = fc
  .record({ state: fc.constantFrom(...JOB_STATES), reason, isClosed: fc.boolean() })
  // Every end but `delivered`, which may be printed once more, is final.
  .map(({ state, reason, isClosed }) => ({
    state,
    reason,
    final: (isEnd(state) && state !== "delivered") || (isClosed && cameOut(state)),
  }));
const copies = fc.array(copy, { minLength: 1, maxLength: 6 });

test("nobody is told what no copy is", () => {
  fc.assert(
    fc.property(copies, reason, (all, wish) => {
      const { state } = foldCopies(all, wish);
      if (cameOut(state)) expect(all.some((one) => one.state === state)).toBe(true);
    }),
  );
});

test("an end is told only when no copy can print any more, or one came out", () => {
  fc.assert(
    fc.property(copies, reason, (all, wish) => {
      const { state, ended } = foldCopies(all, wish);
      if (ended && !cameOut(state)) expect(all.some(isAtAgent)).toBe(false);
      if (ended && wish === null && !cameOut(state)) expect(all.some(needsParts)).toBe(false);
    }),
  );
});

test("whether it ended, and whether paper came out, does not depend on who told first", () => {
  fc.assert(
    fc.property(copies, reason, (all, wish) => {
      const [one, other] = [foldCopies(all, wish), foldCopies(all.toReversed(), wish)];
      expect([other.ended, cameOut(other.state)]).toEqual([one.ended, cameOut(one.state)]);
    }),
  );
});

test("a copy is needed, held or over, never two of them; only an end spreads", () => {
  fc.assert(
    fc.property(copy, (one) => {
      expect([needsParts(one), isAtAgent(one), one.final].filter(Boolean).length).toBe(1);
      if (spreadEnd(one) !== null) expect(one.final).toBe(true);
    }),
  );
});
