import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { learn, NOTHING_KNOWN } from "../../agent/printer-status.ts";
import { StatusDamper } from "../../agent/status-damper.ts";

beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => vi.useRealTimers());

test("a sensor that flaps is told a few times a second, and its last word always; other printers at once", () => {
  const told: [string, boolean | null][] = [];
  const damper = new StatusDamper((printer, status) => told.push([printer, status["cover-open"].holds]));
  const say = (printer: string, isOpen: boolean) =>
    damper.take(printer, learn(NOTHING_KNOWN, { "cover-open": isOpen }, "asb", 1));
  for (let ms = 0; ms < 950; ms++) {
    say("lobby", ms % 2 === 0);
    vi.advanceTimersByTime(1);
  }
  say("attic", true);
  expect(told.length).toBeLessThanOrEqual(7);
  expect(told.at(-1)).toEqual(["attic", true]);
  vi.advanceTimersByTime(1000);
  expect(told.at(-1)).toEqual(["lobby", false]);
  say("lobby", true);
  expect(told.at(-1)).toEqual(["lobby", true]);
});
