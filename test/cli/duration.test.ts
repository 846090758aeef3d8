import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, formatMs, parseDuration } from "../../cli/duration.ts";
import { formatBytes } from "../../cli/size.ts";

describe("durations", () => {
  it.each([
    ["2h", 7200],
    ["90m", 5400],
    ["1h30m", 5400],
    ["7d", 604_800],
    ["1d2h3m4s", 93_784],
    [" 45s ", 45],
  ])("reads %s", (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  it.each(["", " ", "2", "h", "2 h", "30m2h", "-1h", "1.5h", "2hours", "1h1h", "99999999h"])(
    "refuses “%s”",
    (text) => {
      expect(parseDuration(text)).toBeNull();
    },
  );

  it.each([
    [0, "0 s"],
    [59.6, "1 m"],
    [7200, "2 h"],
    [7205, "2 h"],
    [5400, "1 h 30 m"],
    [93_784, "1 d 2 h"],
  ])("shows %d seconds as %s", (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it("shows what it can read again, to the two largest units", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 604_800 }), (seconds) => {
        const again = parseDuration(formatDuration(seconds).replaceAll(" ", ""));
        expect(again).not.toBeNull();
        expect(Math.abs((again as number) - seconds)).toBeLessThan(3600);
      }),
    );
  });

  it.each([
    [3.42, "3.4 ms"],
    [812.2, "812 ms"],
    [2310, "2.31 s"],
  ])("shows a measured %d ms as %s", (ms, text) => {
    expect(formatMs(ms)).toBe(text);
  });
});

describe("sizes", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 KB"],
    [212_296, "212 KB"],
    [999_600, "1.0 MB"],
    [1_400_000, "1.4 MB"],
    [2e15, "2000 TB"],
  ])("shows %d bytes as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
