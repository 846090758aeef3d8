/** Printing while the disk takes nothing: what became of a job is said once it does, and nothing follows half a document. */
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Keeping } from "./keeping.ts";

let keeping: Keeping;
let db: Database.Database;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  keeping = await Keeping.open({ lobby: "text" });
  db = new Database(join(keeping.dir, "jobs.db"));
});
afterEach(async () => {
  db.close();
  await keeping.close();
  vi.useRealTimers();
});

const OTHER = "70617263";
const SECOND = "job-00000002";
const brokenShown = (): boolean => keeping.panel.some(({ kind }) => kind === "broken");
const pages = (): string[] => keeping.printer.jobs.map((job) => job.toString("latin1"));

/** Until {@link accept}, no job becomes one of these. */
function refuse(...states: readonly string[]): void {
  const list = states.map((state) => `'${state}'`).join(", ");
  db.exec(
    `CREATE TRIGGER refused BEFORE UPDATE ON job WHEN NEW.state IN (${list}) BEGIN SELECT RAISE(ABORT, 'disk full'); END`,
  );
}

function accept(): void {
  db.exec("DROP TRIGGER refused");
}

/** The first document breaks off, and the disk does not take that in. */
async function breakOffUnsaid(): Promise<void> {
  await keeping.submit({ document: Buffer.alloc(50_000, "1") });
  await keeping.submit({ job: SECOND, document: Buffer.from("two"), manifest: { otp: OTHER } });
  refuse("interrupted");
  keeping.printer.inject({ kind: "vanish", afterBytes: 20_000 });
  await keeping.enter();
  await keeping.until(brokenShown);
  expect(keeping.states()).toEqual(["arriving", "held", "releasing", "printing"]);
}

/** The first document stands still amid its bytes, the second waits for its turn. */
async function stallBeforeTheSecond(): Promise<void> {
  await keeping.submit({ document: Buffer.alloc(50_000, "1") });
  await keeping.submit({ job: SECOND, document: Buffer.from("two"), manifest: { otp: OTHER } });
  keeping.printer.inject({ kind: "stall", afterBytes: 20_000 });
  await keeping.enter();
  await keeping.printer.stalled();
  await keeping.enter(OTHER);
}

describe("an interruption", () => {
  test("is said with the next entry: its own OTP prints it again, and is not told to wait", async () => {
    await breakOffUnsaid();
    accept();
    expect(await keeping.enter()).toEqual({ kind: "released", jobs: 1, waiting: false });
    await keeping.destroyed();
    expect(keeping.states()).toContain("interrupted");
    expect(pages().at(-1)).toBe(`${"1".repeat(50_000)}\r\f`);
  });

  test("is said with the next sweep, with the bytes that are out", async () => {
    await breakOffUnsaid();
    accept();
    vi.advanceTimersByTime(15_000);
    await keeping.until(() => keeping.last()?.state === "interrupted");
    expect(keeping.last()).toMatchObject({ reason: "cable", final: false });
    expect(keeping.last()?.bytesAtMost).toBeGreaterThan(10_000);
  });

  test("while the disk takes nothing, no entry prints anything; afterwards the printer is cleaned first", async () => {
    await breakOffUnsaid();
    const openings = pages().length;
    await expect(keeping.enter(OTHER)).rejects.toMatchObject({ code: "storage-failed" });
    expect(pages()).toHaveLength(openings);
    accept();
    await keeping.enter(OTHER);
    await keeping.destroyed();
    expect(pages().slice(openings)).toEqual(["\r\f", "two\r\f"]);
  });

  test("nor does what waits its turn follow half a document", async () => {
    await stallBeforeTheSecond();
    refuse("interrupted");
    keeping.printer.unplug();
    await keeping.destroyed();
    expect(pages().slice(1)).toEqual(["\r\f", "two\r\f"]);
    accept();
  });
});

test("a power cycle that cannot be written down counts all the same: nothing throws at the keypad", async () => {
  await keeping.submit({ document: Buffer.alloc(50_000, "1") });
  await keeping.submit({ job: SECOND, document: Buffer.from("two"), manifest: { otp: OTHER } });
  keeping.printer.inject({ kind: "vanish", afterBytes: 20_000 });
  await keeping.enter();
  await keeping.until(() => keeping.last()?.state === "interrupted");
  db.exec(
    "CREATE TRIGGER refused BEFORE INSERT ON printer WHEN NEW.dirty = 0 BEGIN SELECT RAISE(ABORT, 'disk full'); END",
  );
  keeping.keeper.confirmPowerCycle("lobby");
  await keeping.enter(OTHER);
  await keeping.destroyed();
  expect(pages().slice(1)).toEqual(["two\r\f"]);
  expect(db.prepare("SELECT dirty FROM printer").pluck().get()).toBe(1);
});

test("a turn that cannot be written down: the printer is let go, and the OTP stays good", async () => {
  await stallBeforeTheSecond();
  refuse("printing", "held");
  const { open } = keeping.printer;
  let isOpen = false;
  keeping.printer.open = async () => {
    const device = await open.call(keeping.printer);
    const { close } = device;
    isOpen = true;
    device.close = async () => {
      isOpen = false;
      await close.call(device);
    };
    return device;
  };
  keeping.printer.resume();
  await keeping.until(brokenShown);
  expect(isOpen).toBe(false);
  accept();
  expect(await keeping.enter(OTHER)).toEqual({ kind: "released", jobs: 1, waiting: false });
  await keeping.destroyed(2);
  expect(pages().at(-1)).toBe("two\r\f");
});

test("an end that the disk refuses: interrupted, and told that every byte came out", async () => {
  await keeping.submit({ document: Buffer.from("page"), manifest: { copies: 3 } });
  refuse("delivered");
  await keeping.enter();
  await keeping.until(() => keeping.last()?.state === "interrupted");
  expect(keeping.last()).toMatchObject({ reason: "internal", bytes: 12, final: false });
  accept();
});
