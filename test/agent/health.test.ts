/** What the watchdog is not fed for. */
import { renameSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { openReadiness } from "../../agent/ready.ts";
import { Attachment, type Source } from "../../keypad/attachment.ts";
import { Keeping } from "./keeping.ts";

afterEach(() => vi.useRealTimers());

describe("the keeper", () => {
  it("is well while it prints, pauses and gives up; not while a device that was given up holds on", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const keeping = await Keeping.open({ lobby: "raw" }, { stallGiveUpMs: 600_000 });
    await keeping.submit({ document: Buffer.alloc(50_000, "x") });
    keeping.printer.inject({ kind: "stall", afterBytes: 1000 });
    keeping.printer.inject({ kind: "stall", on: "close" });
    await keeping.enter();
    await keeping.printer.stalled();
    const pass = (seconds: number) => {
      vi.advanceTimersByTime(1000);
      keeping.time.pass(seconds);
      vi.advanceTimersByTime(1000);
      return keeping.keeper.checkHealth();
    };
    expect(pass(590)).toBeNull();
    expect(pass(20)).toBeNull();
    await keeping.printer.stalled();
    expect(pass(50)).toBeNull();
    expect(pass(20)).toBe("the transfer to lobby does not end");
    keeping.printer.resume();
    await keeping.until(() => keeping.states().at(-1) === "interrupted");
    await vi.waitFor(() => expect(keeping.keeper.checkHealth()).toBeNull());
    await keeping.close();
  });

  it("is not well without its database", async () => {
    const keeping = await Keeping.open();
    expect(keeping.keeper.checkHealth()).toBeNull();
    const file = join(keeping.dir, "jobs.db");
    renameSync(file, `${file}.away`);
    expect(keeping.keeper.checkHealth()).toBe("the database does not answer (ENOENT)");
    renameSync(`${file}.away`, file);
    expect(keeping.keeper.checkHealth()).toBeNull();
    await keeping.close();
  });
});

describe("a keypad", () => {
  const events = { onKey: () => {}, onCondition: () => {} };

  it("works while it is there, and while it is looked for", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const ended = Promise.withResolvers<void>();
    const source: Source = { ended: ended.promise, close: async () => {} };
    const answers: (Source | null)[] = [source, null, null, source];
    const keypad = new Attachment("hid:any", async () => answers.shift() ?? null, events, 1000);
    await keypad.start();
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(keypad.isWorking()).toBe(true);
    ended.resolve();
    for (let second = 0; second < 3; second++) {
      await vi.advanceTimersByTimeAsync(1000);
      expect(keypad.isWorking()).toBe(true);
    }
    await keypad.close();
  });

  it("does not, where looking for it never ends", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const never = Promise.withResolvers<Source | null>();
    const answers: Promise<Source | null>[] = [Promise.resolve(null), never.promise];
    const keypad = new Attachment("hid:any", () => answers.shift() ?? never.promise, events, 1000);
    await keypad.start();
    await vi.advanceTimersByTimeAsync(50_000);
    expect(keypad.isWorking()).toBe(true);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(keypad.isWorking()).toBe(false);
    never.resolve(null);
    await keypad.close();
  });
});

it("the watchdog is fed while all is well, and told why where it is not", () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const told: string[] = [];
  const env = { NOTIFY_SOCKET: "/run/systemd/notify", WATCHDOG_USEC: "60000000" };
  const readiness = openReadiness(env, (args) => told.push(args.join(" ")));
  let ailment: string | null = null;
  readiness.sayReady(() => ailment);
  vi.advanceTimersByTime(60_000);
  ailment = "the database does not answer (EROFS)";
  vi.advanceTimersByTime(30_000);
  ailment = null;
  vi.advanceTimersByTime(30_000);
  readiness.close();
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual([
    "--ready",
    "WATCHDOG=1",
    "WATCHDOG=1",
    "--status=not well: the database does not answer (EROFS)",
    "WATCHDOG=1",
  ]);
});
