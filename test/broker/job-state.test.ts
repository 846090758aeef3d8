import { describe, expect, test } from "vitest";
import { type CopyState, foldCopies, isAtAgent, needsParts, spreadEnd } from "../../broker/job-state.ts";
import type { Reason } from "../../wire/reason.ts";
import type { JobState } from "../../wire/state.ts";

/** `held`, `printed!` (final), `rejected:damaged!`. */
function copy(text: string): CopyState {
  const [state = "", reason] = text.replace("!", "").split(":");
  return { state: state as JobState, reason: (reason ?? null) as Reason | null, final: text.endsWith("!") };
}

const table: readonly [copies: string, wish: Reason | null, becomes: string][] = [
  // one copy: the job is what it is
  ["stored", null, "stored"],
  ["arriving", null, "arriving"],
  ["held", null, "held"],
  ["interrupted:cable", null, "interrupted:cable"],
  ["printed!", null, "printed!"],
  ["delivered!", null, "delivered!"],
  ["interrupted:power!", null, "interrupted:power!"],
  ["delivered", null, "delivered"],
  ["rejected:damaged!", null, "rejected:damaged!"],
  ["expired:expired!", null, "expired:expired!"],
  // a group: the furthest live one, until one came out or all ended
  ["stored held", null, "held"],
  ["held releasing", null, "releasing"],
  ["printing held", null, "printing"],
  ["interrupted:paper held", null, "interrupted:paper"],
  ["held printed!", null, "printed!"],
  ["delivered! rejected:damaged!", null, "delivered!"],
  ["rejected:damaged! held", null, "held"],
  ["rejected:damaged! stored", null, "stored"],
  ["rejected:revoked! expired:expired!", null, "expired:expired!"],
  ["rejected:language! rejected:damaged!", null, "rejected:language!"],
  // came out, and may be printed once more
  ["delivered held", null, "delivered"],
  ["delivered cancelled:printed-elsewhere!", null, "delivered"],
  ["delivered", "by-sender", "delivered"],
  ["delivered held", "expired", "delivered"],
  ["delivered!", "by-sender", "delivered!"],
  // wished ended: only when nobody can print it any more
  ["stored", "by-sender", "cancelled:by-sender!"],
  ["arriving stored", "by-sender", "cancelled:by-sender!"],
  ["held", "by-sender", "held:by-sender"],
  ["held cancelled:by-sender!", "by-sender", "held:by-sender"],
  ["printing", "by-sender", "printing:by-sender"],
  ["printed!", "by-sender", "printed!"],
  ["cancelled:by-sender!", "by-sender", "cancelled:by-sender!"],
  ["held", "expired", "held:expired"],
  ["stored", "expired", "expired:expired!"],
  ["stored", "revoked", "rejected:revoked!"],
  ["cancelled:otp-collision!", "otp-collision", "cancelled:otp-collision!"],
  ["", "by-sender", "cancelled:by-sender!"],
  ["", null, "rejected:lost!"],
];

test.each(table)("[%s] with wish %s is %s", (copies, wish, becomes) => {
  const expected = copy(becomes);
  const folded = foldCopies(copies === "" ? [] : copies.split(" ").map(copy), wish);
  expect(folded).toEqual({ state: expected.state, reason: expected.reason, ended: expected.final });
});

describe("a copy", () => {
  test.each([
    ["stored", true, false],
    ["arriving", true, false],
    ["held", false, true],
    ["releasing", false, true],
    ["printing", false, true],
    ["interrupted:paper", false, true],
    ["delivered", false, true],
    ["rejected:damaged!", false, false],
    ["printed!", false, false],
  ])("%s needs its parts: %s; can be printed unasked: %s", (text, needs, holds) => {
    expect([needsParts(copy(text)), isAtAgent(copy(text))]).toEqual([needs, holds]);
  });

  test.each([
    ["held", null],
    ["printed!", "printed-elsewhere"],
    ["delivered", null],
    ["delivered!", "printed-elsewhere"],
    ["interrupted:power!", "printed-elsewhere"],
    ["cancelled:otp-collision!", "otp-collision"],
    ["cancelled!", "by-administrator"],
    ["rejected:damaged!", null],
    ["expired:expired!", null],
  ])("%s makes the others drop it: %s", (text, reason) => {
    expect(spreadEnd(copy(text))).toBe(reason);
  });
});
