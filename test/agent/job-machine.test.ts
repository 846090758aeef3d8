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
  { kind: "finished", confirmed: false },
  { kind: "broke", reason: "paper" },
  { kind: "grace-over" },
  { kind: "lost" },
];

/** What follows, `!` where it is final; a dash where the event means nothing. One column per event, in the order above. */
const TABLE: Readonly<Partial<Record<AgentState, readonly string[]>>> = {
  //           sealed refused     dropped       time-over  entered      returned started     finished      broke          grace-over      lost
  arriving: ["held", "rejected!", "cancelled!", "expired!", "-", "-", "-", "-", "-", "-", "-"],
  held: ["-", "-", "cancelled!", "expired!", "releasing", "-", "-", "-", "-", "-", "rejected!"],
  releasing: ["-", "-", "cancelled!", "-", "-", "held", "printing", "-", "-", "-", "rejected!"],
  printing: ["-", "-", "-", "-", "-", "-", "-", "delivered!", "interrupted", "-", "-"],
  interrupted: ["-", "-", "cancelled!", "-", "releasing", "-", "-", "-", "-", "interrupted!", "rejected!"],
};

function show(phase: Phase | null): string {
  return phase ? phase.state + (phase.final ? "!" : "") : "-";
}

const live = AGENT_STATES.filter((state) => !isEnd(state));

test.each(live.flatMap((state) => EVENTS.map((event, i) => [state, event.kind, i] as const)))(
  "%s, %s",
  (state, _, i) => {
    const phase: Phase = { state, reason: null, final: false, again: false };
    expect(show(next(phase, EVENTS[i] as MachineEvent))).toBe(TABLE[state]?.[i]);
  },
);

test.each(AGENT_STATES)("after its end, %s, nothing means anything", (state) => {
  const phase: Phase = { state, reason: null, final: true, again: false };
  expect(EVENTS.map((event) => next(phase, event))).toEqual(EVENTS.map(() => null));
});

test("an end of the contract is never live, and every state is the contract's", () => {
  expect(AGENT_STATES.every((state) => (JOB_STATES as readonly string[]).includes(state))).toBe(true);
  const ends = AGENT_STATES.filter(isEnd).flatMap((state) =>
    EVENTS.map((event) => next({ state, reason: null, final: false, again: false }, event)),
  );
  expect(ends.every((phase) => phase === null || isEnd(phase.state))).toBe(true);
});

test("what was interrupted goes back to interrupted, and its reason stays until its grace is over", () => {
  const interrupted = next(
    { ...FIRST_PHASE, state: "printing" },
    { kind: "broke", reason: "cable" },
  ) as Phase;
  expect(interrupted).toEqual({ state: "interrupted", reason: "cable", final: false, again: true });
  const released = next(interrupted, { kind: "entered" }) as Phase;
  expect(next(released, { kind: "returned" })).toEqual({
    state: "interrupted",
    reason: null,
    final: false,
    again: true,
  });
  expect(next(interrupted, { kind: "grace-over" })).toEqual({ ...interrupted, final: true });
});

test("`printed` is said only when a printer confirmed", () => {
  const printing: Phase = { ...FIRST_PHASE, state: "printing" };
  expect(next(printing, { kind: "finished", confirmed: true })?.state).toBe("printed");
  expect(next(printing, { kind: "finished", confirmed: false })?.state).toBe("delivered");
});

test("whatever happens: no byte goes out before `printing`, nothing follows an end, nothing prints twice by itself", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 60 }), (events) => {
      let phase: Phase = FIRST_PHASE;
      let entries = 0;
      let printings = 0;
      for (const event of events) {
        const after = next(phase, event);
        if (!after) continue;
        expect(phase.final).toBe(false);
        if (event.kind === "entered") entries += 1;
        if (after.state === "printing") printings += 1;
        if (after.state === "delivered" || after.state === "interrupted")
          expect(printings).toBeGreaterThan(0);
        phase = after;
      }
      expect(printings).toBeLessThanOrEqual(entries);
    }),
  );
});
