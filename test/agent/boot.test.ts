import { expect, test } from "vitest";
import { pauseAfter } from "../../agent/boot.ts";
import { PlatenError } from "../../wire/error.ts";

const refused = (why: string, retryAfter?: number) =>
  new PlatenError("call-refused", { call: "boot", why, ...(retryAfter === undefined ? {} : { retryAfter }) });

test.each([
  ["what the broker said", refused("throttled", 30), 30_000],
  ["no more than ten minutes, whatever it said", refused("throttled", 86_400), 600_000],
  ["never no time at all", refused("throttled", 0), 1000],
  ["long, where a person has to act", refused("revoked"), 600_000],
  ["soon, where it passes", refused("busy"), 5000],
  ["soon, where no answer came", new PlatenError("timeout", { who: "broker" }), 5000],
])("asks again after %s", (_what, error, ms) => {
  expect(pauseAfter(error)).toBe(ms);
});
