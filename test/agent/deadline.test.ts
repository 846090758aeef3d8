import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { setDeadline } from "../../agent/deadline.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("fires after its time, for a stall; not once it was cleared", () => {
  const kept = setDeadline(1000);
  const cleared = setDeadline(1000);
  cleared.clear();
  vi.advanceTimersByTime(999);
  expect(kept.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(kept.signal.reason).toMatchObject({ code: "device-aborted", reason: "stalled" });
  expect(cleared.signal.aborted).toBe(false);
});

test("begins anew as long as something moves", () => {
  let bytes = 0;
  const deadline = setDeadline(1000, undefined, () => bytes);
  for (let second = 0; second < 60; second += 1) {
    bytes += 1;
    vi.advanceTimersByTime(1000);
  }
  expect(deadline.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1000);
  expect(deadline.signal.aborted).toBe(true);
});

test("fires with the signal around it", () => {
  const outer = new AbortController();
  const deadline = setDeadline(1000, outer.signal);
  outer.abort("stop");
  expect(deadline.signal.reason).toBe("stop");
  deadline.clear();
});
