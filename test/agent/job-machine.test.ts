import fc from "fast-check";
import { expect, test } from "vitest";
import {
  AGENT_STATES,
  type AgentState,
  FIRST_PHASE,
  type MachineEvent,
  next,
  type Phase,
} from "../../agent/job-machine.ts";
import { isEnd, JOB_STATES } from "../../wire/state.ts";

const EVENTS: readonly MachineEvent[] = [
  { kind: "sealed" },
  { kind: "refused", reason: "language" },
  { kind: "dropped", state: "cancelled", reason: "by-sender" },
  { kind: "time-over" },
  { kind: "entered" },
  { kind: "returned" },
  { kind: "started" },
  { kind: "finished", confirmed: false, keeps: true },
  { kind: "broke", reason: "paper" },
  { kind: "grace-over" },
  { kind: "lost" },
];

/** What follows, `!` where it is final; a dash where the event means nothing. One column per event, in the order above. */
const TABLE: readonly (readonly [AgentState, Phase["again"], readonly string[]])[] = [
  //                      sealed refused     dropped       time-over  entered      returned started     finished      broke          grace-over      lost
  ["arriving", null, ["held", "rejected!", "cancelled!", "expired!", "-", "-", "-", "-", "-", "-", "-"]],
  ["held", null, ["-", "-", "cancelled!", "expired!", "releasing", "-", "-", "-", "-", "-", "rejected!"]],
  ["releasing", null, ["-", "-", "cancelled!", "-", "-", "held", "printing", "-", "-", "-", "rejected!"]],
  ["printing", null, ["-", "-", "-", "-", "-", "-", "-", "delivered", "interrupted", "-", "-"]],
  // a second copy after an interruption
  [
    "interrupted",
    "interrupted",
    ["-", "-", "cancelled!", "-", "releasing", "-", "-", "-", "-", "interrupted!", "rejected!"],
  ],
  [
    "releasing",
    "interrupted",
    ["-", "-", "cancelled!", "-", "-", "interrupted", "printing", "-", "-", "-", "rejected!"],
  ],
  ["printing", "interrupted", ["-", "-", "-", "-", "-", "-", "-", "delivered", "interrupted", "-", "-"]],
  // a second copy of what was delivered: whatever ends it, it was delivered
  [
    "delivered",
    "delivered",
    ["-", "-", "delivered!", "-", "releasing", "-", "-", "-", "-", "delivered!", "delivered!"],
  ],
  [
    "releasing",
    "delivered",
    ["-", "-", "delivered!", "-", "-", "delivered", "printing", "-", "-", "-", "delivered!"],
  ],
  ["printing", "delivered", ["-", "-", "-", "-", "-", "-", "-", "delivered!", "interrupted", "-", "-"]],
  // that second copy was cut short: one more, and then it is over as well
  [
    "interrupted",
    "cut-short",
    ["-", "-", "delivered!", "-", "releasing", "-", "-", "-", "-", "interrupted!", "delivered!"],
  ],
  [
    "releasing",
    "cut-short",
    ["-", "-", "delivered!", "-", "-", "interrupted", "printing", "-", "-", "-", "delivered!"],
  ],
  ["printing", "cut-short", ["-", "-", "-", "-", "-", "-", "-", "delivered!", "interrupted", "-", "-"]],
];

function show(phase: Phase | null): string {
  return phase ? phase.state + (phase.final ? "!" : "") : "-";
}

test.each(
  TABLE.flatMap(([state, again, row]) =>
    EVENTS.map((event, i) => [state, again, event.kind, row[i], i] as const),
  ),
)("%s (again: %s), %s: %s", (state, again, _, follows, i) => {
  const phase: Phase = { state, reason: null, final: false, again };
  expect(show(next(phase, EVENTS[i] as MachineEvent))).toBe(follows);
});

test.each(AGENT_STATES)("after its end, %s, nothing means anything", (state) => {
  const phase: Phase = { state, reason: null, final: true, again: null };
  expect(EVENTS.map((event) => next(phase, event))).toEqual(EVENTS.map(() => null));
});

test("an end of the contract is never live but an open `delivered`, and every state is the contract's", () => {
  expect(AGENT_STATES.every((state) => (JOB_STATES as readonly string[]).includes(state))).toBe(true);
  const ends = AGENT_STATES.filter((state) => isEnd(state) && state !== "delivered").flatMap((state) =>
    EVENTS.map((event) => next({ state, reason: null, final: false, again: null }, event)),
  );
  expect(ends.every((phase) => phase === null || isEnd(phase.state))).toBe(true);
});

test("what was interrupted goes back to interrupted, and its reason stays until its grace is over", () => {
  const interrupted = next(
    { ...FIRST_PHASE, state: "printing" },
    { kind: "broke", reason: "cable" },
  ) as Phase;
  expect(interrupted).toEqual({ state: "interrupted", reason: "cable", final: false, again: "interrupted" });
  const released = next(interrupted, { kind: "entered" }) as Phase;
  expect(next(released, { kind: "returned" })).toEqual({
    state: "interrupted",
    reason: null,
    final: false,
    again: "interrupted",
  });
  expect(next(interrupted, { kind: "grace-over" })).toEqual({ ...interrupted, final: true });
});

test("`printed` is said only when a printer confirmed", () => {
  const printing: Phase = { ...FIRST_PHASE, state: "printing" };
  expect(next(printing, { kind: "finished", confirmed: true, keeps: true })?.state).toBe("printed");
  expect(next(printing, { kind: "finished", confirmed: false, keeps: true })?.state).toBe("delivered");
});

test("`printed` is final at once, of a second copy too; `delivered` is where nothing is to be kept", () => {
  const printing: Phase = { ...FIRST_PHASE, state: "printing" };
  for (const again of [null, "interrupted", "delivered", "cut-short"] as const) {
    const printed = next({ ...printing, again }, { kind: "finished", confirmed: true, keeps: true });
    expect(printed).toMatchObject({ state: "printed", final: true });
    const gone = next({ ...printing, again }, { kind: "finished", confirmed: false, keeps: false });
    expect(gone).toMatchObject({ state: "delivered", final: true });
  }
});

test("whatever happens: no byte goes out before `printing`, nothing follows an end, nothing prints twice by itself", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 60 }), (events) => {
      let phase: Phase = FIRST_PHASE;
      let entries = 0;
      let printings = 0;
      let wholes = 0;
      for (const event of events) {
        const after = next(phase, event);
        if (!after) continue;
        expect(phase.final).toBe(false);
        if (event.kind === "entered") entries += 1;
        if (after.state === "printing") printings += 1;
        if (event.kind === "finished") wholes += 1;
        if (phase.again === "delivered" && after.final)
          expect(["printed", "delivered"]).toContain(after.state);
        if (after.state === "delivered" || after.state === "interrupted")
          expect(printings).toBeGreaterThan(0);
        phase = after;
      }
      expect(printings).toBeLessThanOrEqual(entries);
      expect(wholes).toBeLessThanOrEqual(2);
    }),
  );
});
