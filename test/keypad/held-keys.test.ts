import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { HeldKeys } from "../../keypad/held-keys.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watch(): { held: HeldKeys; told: boolean[] } {
  const told: boolean[] = [];
  return { held: new HeldKeys((isStuck) => told.push(isStuck), 1000), told };
}

it("alarms of a key that stays down, and when it came up", () => {
  const { held, told } = watch();
  held.see([0x59]);
  vi.advanceTimersByTime(999);
  // Reports that repeat what is known do not put it off.
  held.see([0x59]);
  vi.advanceTimersByTime(1);
  expect(told).toEqual([true]);
  held.see([]);
  expect(told).toEqual([true, false]);
});

it("is no alarm while somebody types, also with fingers that overlap", () => {
  const { held, told } = watch();
  for (let count = 0; count < 20; count += 1) {
    held.see([0x59 + (count % 10)]);
    vi.advanceTimersByTime(300);
    held.see([0x59 + (count % 10), 0x59 + ((count + 1) % 10)]);
    vi.advanceTimersByTime(300);
  }
  held.see([]);
  vi.advanceTimersByTime(5000);
  expect(told).toEqual([]);
});

it("alarms also while other keys are typed, and once for several", () => {
  const { held, told } = watch();
  for (let count = 0; count < 5; count += 1) {
    held.see([0x60, 0x61, 0x59 + count]);
    vi.advanceTimersByTime(300);
  }
  expect(told).toEqual([true]);
  held.see([0x61]);
  expect(told).toEqual([true]);
  held.see([]);
  expect(told).toEqual([true, false]);
});

it("forgets what was down when the keypad goes", () => {
  const { held, told } = watch();
  held.see([0x59]);
  held.end();
  vi.advanceTimersByTime(5000);
  expect(told).toEqual([]);
});
