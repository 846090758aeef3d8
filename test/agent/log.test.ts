import { describe, expect, test } from "vitest";
import { describeError, openLog } from "../../agent/log.ts";
import { LOG_EVENTS, type LogEventName } from "../../agent/log-events.table.ts";
import { openReadiness } from "../../agent/ready.ts";
import { PlatenError } from "../../wire/error.ts";

describe("log", () => {
  test("each line is JSON with its event, level, subject and fields", () => {
    const lines: string[] = [];
    const log = openLog("info", { write: (line: string) => lines.push(line) });
    log.child({ user: "alice", job: "job-00000001" }).write("held", { bytes: 5, ms: 1.5 });
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      event: "held",
      level: 30,
      user: "alice",
      job: "job-00000001",
      bytes: 5,
      ms: 1.5,
    });
  });

  test("every event of the catalogue has a level, a meaning, and no field named like a secret", () => {
    for (const [name, { level, fields, meaning }] of Object.entries(LOG_EVENTS)) {
      expect(["debug", "info", "warn", "error"]).toContain(level);
      expect(meaning.length, name).toBeGreaterThan(5);
      // pino's own would be there twice.
      for (const own of ["time", "level", "event"]) expect(fields, name).not.toContain(own);
      expect(fields.join(" ")).not.toMatch(/otp|secret|share|password|document|key\b/i);
    }
  });

  test("the level is kept", () => {
    const lines: string[] = [];
    const log = openLog("warn", { write: (line: string) => lines.push(line) });
    for (const event of Object.keys(LOG_EVENTS) as LogEventName[]) log.write(event);
    const expected = Object.values(LOG_EVENTS).filter(({ level }) => level === "warn" || level === "error");
    expect(lines.length).toBe(expected.length);
  });

  test("of errors only codes and safe details are logged, never a message", () => {
    expect(describeError(new Error("48213907"))).toEqual({ code: "internal", why: "Error" });
    expect(describeError(Object.assign(new Error("secret"), { code: "ENOSPC" }))).toEqual({
      code: "internal",
      why: "ENOSPC",
    });
    expect(describeError(new PlatenError("call-refused", { call: "boot", why: "throttled" }))).toEqual({
      code: "call-refused",
      why: "throttled",
    });
    expect(describeError(null)).toEqual({ code: "internal", why: "unknown" });
  });
});

describe("readiness", () => {
  const notifyOf = (env: Record<string, string>) => {
    const told: string[] = [];
    return { told, readiness: openReadiness(env, (args) => told.push(args.join(" "))) };
  };

  test("systemd is told where it asks, and nobody elsewhere", () => {
    const { told, readiness } = notifyOf({ NOTIFY_SOCKET: "/run/systemd/notify" });
    readiness.sayReady();
    readiness.sayStatus("serving");
    readiness.sayStopping();
    expect(told).toEqual(["--ready", "--status=serving", "STOPPING=1"]);
    const silent = notifyOf({});
    silent.readiness.sayReady();
    silent.readiness.sayStopping();
    expect(silent.told).toEqual([]);
  });
});
