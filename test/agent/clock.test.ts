import { expect, test } from "vitest";
import { BUILD_TIME_S, Clock } from "../../agent/clock.ts";
import { HandTime, NOW_S } from "./keeping.ts";

test("1970 is no time: nobody knows it", () => {
  const time = new HandTime();
  time.wallS = 17;
  const clock = new Clock(time, 0);
  expect(clock.now()).toBeNull();
  expect(clock.stamp()).toBe(17);
  time.wallS = NOW_S;
  expect(clock.now()).toBe(NOW_S);
});

test("the floor is the later of build time and the highest time seen", () => {
  const time = new HandTime();
  time.wallS = BUILD_TIME_S + 1000;
  expect(new Clock(time, 0).now()).toBe(BUILD_TIME_S + 1000);
  expect(new Clock(time, NOW_S).now()).toBeNull();
});

test("a clock set back a little stands still, set back far is unknown", () => {
  const time = new HandTime();
  const clock = new Clock(time, 0);
  expect(clock.now()).toBe(NOW_S);
  time.wallS = NOW_S - 60;
  expect(clock.now()).toBe(NOW_S);
  time.wallS = NOW_S - 4000;
  expect(clock.now()).toBeNull();
});

test("the broker's time counts more than the machine's, and goes on by the monotonic clock", () => {
  const time = new HandTime();
  time.wallS = 0;
  const clock = new Clock(time, 0);
  clock.learn(NOW_S);
  time.monotonicMs += 90_500;
  expect(clock.now()).toBe(NOW_S + 90);
  clock.learn(12);
  expect(clock.now()).toBe(NOW_S + 90);
});
