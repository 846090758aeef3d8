import { expect, it } from "vitest";
import { buildTimeline, layoutTimeline, type Moments } from "../../cli/demo/timeline.ts";

const moments: Moments = {
  start: 1000,
  stored: 1100,
  held: 1180,
  enter: 9000,
  firstByte: 9007.5,
  lastByte: 9020,
  destroyed: 9031,
};

it("measures each step from what it waited for, the person's own time left out", () => {
  expect(buildTimeline(10, moments).map(({ tookMs }) => tookMs)).toEqual([10, 100, 80, 7.5, 12.5, 11]);
});

it("shows a step nobody told of as unknown, never as nothing", () => {
  const steps = buildTimeline(10, { ...moments, firstByte: null });
  expect(steps.map(({ tookMs }) => tookMs)).toEqual([10, 100, 80, null, null, 11]);
  expect(layoutTimeline(steps, 100).split("\n")[4]).toMatch(/^first byte {2,}- /);
});
