import { PassThrough } from "node:stream";
import { InvalidArgumentError } from "commander";
import { describe, expect, it } from "vitest";
import { describeBriefly, describeStatus } from "../../cli/job-words.ts";
import { formatMoment } from "../../cli/moment.ts";
import { duration, pastTime, wholeNumber } from "../../cli/number-option.ts";
import { readSecret } from "../../cli/secret-input.ts";
import type { Terminal } from "../../cli/terminal.ts";
import { JOB_STATES } from "../../wire/state.ts";

describe("option values", () => {
  it.each(["0", "100", "1.5", "-1", "x", "", "1e1", " 5"])("wholeNumber refuses “%s”", (text) => {
    expect(() => wholeNumber(1, 99)(text)).toThrow(InvalidArgumentError);
  });

  it("takes numbers and times within their bounds", () => {
    expect(wholeNumber(1, 99)("99")).toBe(99);
    expect(duration(60, 7200, "1m to 2h")("2h")).toBe(7200);
    expect(() => duration(60, 7200, "1m to 2h")("59s")).toThrow("Use 1m to 2h");
    expect(() => duration(60, 7200, "1m to 2h")("121m")).toThrow(InvalidArgumentError);
  });

  it("takes a day, a time, or how long ago", () => {
    expect(pastTime("2026-11-20")).toBe(Date.UTC(2026, 10, 20) / 1000);
    expect(pastTime("2026-11-20T14:00Z")).toBe(Date.UTC(2026, 10, 20, 14) / 1000);
    expect(Math.abs(pastTime("2h") - (Date.now() / 1000 - 7200))).toBeLessThan(5);
    expect(() => pastTime("yesterday")).toThrow(InvalidArgumentError);
    expect(() => pastTime("2026-99-99")).toThrow(InvalidArgumentError);
  });
});

describe("moments", () => {
  it("names the day only where it is another", () => {
    const now = new Date(2026, 10, 20, 9, 0);
    expect(formatMoment(new Date(2026, 10, 20, 16, 4).getTime() / 1000, now)).toBe("16:04");
    expect(formatMoment(new Date(2026, 10, 21, 8, 0).getTime() / 1000, now)).toBe("2026-11-21 08:00");
  });
});

describe("secrets", () => {
  function streams(text: string) {
    const stdin = new PassThrough();
    stdin.end(text);
    return { stdin, stderr: new PassThrough() } as unknown as Pick<Terminal, "stdin" | "stderr">;
  }

  it("come from the argument, or from stdin without the white space around", async () => {
    expect(await readSecret("platen-invite-x", "invite", streams(""))).toBe("platen-invite-x");
    expect(await readSecret("-", "invite", streams("  platen-invite-y\n\n"))).toBe("platen-invite-y");
    expect(await readSecret(undefined, "invite", streams("platen-invite-z\n"))).toBe("platen-invite-z");
  });

  it("are missed, and bounded", async () => {
    await expect(readSecret("-", "invite", streams(" \n"))).rejects.toMatchObject({ code: "usage" });
    expect(await readSecret("-", "invite", streams("x".repeat(1_000_000)))).toHaveLength(4096);
  });
});

it("has a sentence for every state", () => {
  for (const state of JOB_STATES)
    expect(describeStatus({ state, reason: null, at: 0 })).toMatch(/^[A-Z].*\.$/);
  expect(describeStatus({ state: "interrupted", reason: "paper", at: 0, taken: [12_000, 1_400_000] })).toBe(
    "It was cut short. The printer is out of paper. Refill it and type the one-time password again. The printer took 12 KB to 1.4 MB of it.",
  );
});

it("says until when it can be printed again, how much was taken, and that it is a second copy", () => {
  const now = Date.now() / 1000;
  const until = Math.floor(now) + 600;
  const open = { state: "delivered", reason: null, at: 0, until } as const;
  const words = `can be printed again until ${formatMoment(until)} with the same OTP`;
  expect(describeBriefly(open, now)).toBe(`delivered; it ${words}`);
  expect(describeStatus(open, now)).toContain(`It ${words}.`);
  expect(describeBriefly(open, until + 1)).toBe("delivered");
  const cut = { ...open, state: "interrupted", reason: "power", again: true } as const;
  expect(describeBriefly(cut, now)).toBe(
    `interrupted (power, second copy, took nobody knows how much); it ${words}`,
  );
});
