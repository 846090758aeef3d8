import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  EMPTY_ENTRY,
  ENTRY_MAX_DIGITS,
  type EntryEffect,
  type EntryPolicy,
  type EntryState,
  entryDeadline,
  stepKey,
  stepTime,
} from "../../keypad/entry.ts";
import type { Key } from "../../keypad/keypad.ts";

const policy: EntryPolicy = { lengths: [4, 6], warnMs: 20_000, clearMs: 30_000 };

function keyOf(character: string): Key {
  switch (character) {
    case "E":
      return { kind: "enter" };
    case "B":
      return { kind: "backspace" };
    case "C":
      return { kind: "clear" };
    default:
      return { kind: "digit", digit: character };
  }
}

/** Types a script; `+` lets ten seconds pass. */
function type(script: string): { state: EntryState; effects: EntryEffect[] } {
  let state = EMPTY_ENTRY;
  const effects: EntryEffect[] = [];
  let nowMs = 1000;
  for (const character of script) {
    if (character === "+") nowMs += 10_000;
    const step =
      character === "+" ? stepTime(state, nowMs, policy) : stepKey(state, keyOf(character), nowMs, policy);
    state = step.state;
    effects.push(...step.effects);
  }
  return { state, effects };
}

function name(effect: EntryEffect): string {
  switch (effect.kind) {
    case "show":
      return effect.isIdle ? "idle" : "";
    case "complete":
    case "submit":
      return `${effect.kind} ${effect.digits}`;
    case "wrong-length":
      return `wrong-length ${effect.entered}`;
    case "cleared":
      return `cleared by ${effect.by}`;
  }
}

/** The effects that are more than a count on the panel. */
function told(script: string): string {
  const names = type(script).effects.map(name);
  return names.filter((text) => text !== "").join(", ");
}

describe("an entry", () => {
  it.each([
    ["", ""],
    ["E", ""],
    ["123", ""],
    ["0012", "complete 0012"],
    ["0012E", "complete 0012, submit 0012"],
    ["123E", "wrong-length 3"],
    ["12345E", "complete 1234, wrong-length 5"],
    ["123456E", "complete 1234, complete 123456, submit 123456"],
    ["1234567E", "complete 1234, complete 123456, wrong-length 7"],
    ["12345BE", "complete 1234, complete 1234, submit 1234"],
    ["1239B4E", "complete 1239, complete 1234, submit 1234"],
    ["12B", ""],
    ["1B", "cleared by key"],
    ["1BB", "cleared by key"],
    ["12C34C", "cleared by key, cleared by key"],
    ["CB", ""],
    ["1234E5678E", "complete 1234, submit 1234, complete 5678, submit 5678"],
    ["1+", ""],
    ["1++", "idle"],
    ["1+++", "idle, cleared by idle"],
    ["1++++++", "idle, cleared by idle"],
    ["1++234E", "idle, complete 1234, submit 1234"],
    ["1++2++3", "idle, idle"],
    ["12+++34E", "idle, cleared by idle, wrong-length 2"],
    ["++++", ""],
    ["1234+++E", "complete 1234, idle, cleared by idle"],
  ])("%j does %j", (script, effects) => {
    expect(told(script)).toBe(effects);
  });

  it("shows the count with every digit", () => {
    const shown = type("12B3").effects.map((effect) =>
      effect.kind === "show" ? effect.entered : effect.kind,
    );
    expect(shown).toEqual([1, 2, 1, 2]);
  });

  it("clears a stale entry even if nobody called in time", () => {
    const { state } = stepKey(EMPTY_ENTRY, keyOf("9"), 0, policy);
    const late = stepKey(state, keyOf("1"), 60_000, policy);
    expect(late.effects[0]).toEqual({ kind: "cleared", by: "idle" });
    expect(late.state.digits).toBe("1");
  });
});

describe("properties", () => {
  const action = fc.oneof(
    fc.constantFrom(..."0123456789").map((digit): Key => ({ kind: "digit", digit })),
    fc.constantFrom<Key>({ kind: "enter" }, { kind: "backspace" }, { kind: "clear" }),
  );
  const actions = fc.array(fc.record({ key: action, waitMs: fc.nat(35_000) }), { maxLength: 120 });

  it("submits only what was typed since it was empty, of a length that exists", () => {
    fc.assert(
      fc.property(actions, (typed) => {
        let state = EMPTY_ENTRY;
        let nowMs = 0;
        let model = "";
        let keyAtMs = 0;
        for (const { key, waitMs } of typed) {
          nowMs += waitMs;
          if (nowMs - keyAtMs >= policy.clearMs) model = "";
          const { state: next, effects } = stepKey(state, key, nowMs, policy);
          if (key.kind === "enter") {
            const submitted = effects.find((effect) => effect.kind === "submit");
            expect(submitted?.digits).toBe(policy.lengths.includes(model.length) ? model : undefined);
            model = "";
          }
          if (key.kind === "digit") model = (model + key.digit).slice(0, ENTRY_MAX_DIGITS);
          if (key.kind === "backspace") model = model.slice(0, -1);
          if (key.kind === "clear") model = "";
          keyAtMs = nowMs;
          expect(next.digits).toBe(model);
          state = next;
        }
      }),
    );
  });

  it("has nothing to do before its deadline, and something at it", () => {
    fc.assert(
      fc.property(actions, fc.nat(40_000), (typed, waitMs) => {
        let state = EMPTY_ENTRY;
        let nowMs = 0;
        for (const { key, waitMs: pause } of typed) {
          nowMs += pause;
          state = stepKey(state, key, nowMs, policy).state;
        }
        const deadline = entryDeadline(state, policy);
        expect(deadline === null).toBe(state.digits === "");
        if (deadline === null) return;
        expect(stepTime(state, Math.min(nowMs + waitMs, deadline - 1), policy).effects).toEqual([]);
        expect(stepTime(state, deadline, policy).effects).toHaveLength(1);
      }),
    );
  });
});
