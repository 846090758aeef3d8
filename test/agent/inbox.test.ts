import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Inbox } from "../../agent/inbox.ts";
import type { TransferEnd } from "../../agent/transfer.ts";
import { PlatenError } from "../../wire/error.ts";
import { encodeJson } from "../../wire/json.ts";
import { AGENT_WINDOW_PARTS } from "../../wire/limits.ts";
import { type ArrivalSink, openArrivalSink } from "./arrival-sink.ts";

interface Credit {
  readonly job: string;
  readonly from: number;
  readonly window: number;
}

let sink: ArrivalSink;
let credits: Credit[];
let ends: (TransferEnd & { job: string })[];
let dropFailures: string[];
let inbox: Inbox;

beforeEach(() => {
  vi.useFakeTimers();
  sink = openArrivalSink();
  credits = [];
  ends = [];
  dropFailures = [];
  inbox = new Inbox({
    arrivals: sink,
    giveCredit: ({ job }, from, window) => credits.push({ job, from, window }),
    onEnd: ({ job }, end) => ends.push({ ...end, job }),
    onDropFailed: ({ job }) => dropFailures.push(job),
  });
  inbox.setOnline(true);
});

afterEach(async () => {
  await inbox.stop();
  vi.useRealTimers();
});

const jobId = (n: number) => `job-${String(n).padStart(6, "0")}`;
const ref = (n: number) => ({ user: "alice", job: jobId(n) });

function ticket(n: number, parts: number | null, want: "take" | "drop" = "take") {
  inbox.takeTicket(
    encodeJson({
      ...ref(n),
      target: "lobby",
      printers: ["lobby"],
      want,
      reason: want === "drop" ? "by-sender" : null,
      parts,
      bytes: parts === null ? null : parts * 10,
      expires: null,
      otp: 8,
      group: false,
    }),
  );
}

/** Lets everything happen that needs no time. */
const settle = () => vi.advanceTimersByTimeAsync(0);
const part = (n: number, i: number) => inbox.takePart(ref(n), i, Buffer.from(`p${i}`));

/** A broker that honours credit: sends what was granted of `parts` parts, until nothing moves. */
async function serve(n: number, parts: number) {
  let sent = 0;
  let end = 0;
  let seen = 0;
  for (;;) {
    await settle();
    const fresh = credits.slice(seen).filter(({ job }) => job === jobId(n));
    seen = credits.length;
    for (const { from, window } of fresh) {
      if (from !== end) sent = from;
      end = from + window;
    }
    if (sent >= Math.min(end, parts)) return sent;
    while (sent < Math.min(end, parts)) part(n, sent++);
  }
}

describe("inbox", () => {
  test("fetches a job under a window that is never exceeded, each part once and in order", async () => {
    ticket(1, 100);
    await serve(1, 100);
    expect(sink.held).toEqual([jobId(1)]);
    expect(sink.parts.get(jobId(1))).toEqual(Array.from({ length: 100 }, (_, i) => `p${i}`));
    expect(credits[0]).toEqual({ job: jobId(1), from: 0, window: AGENT_WINDOW_PARTS });
    expect(Math.max(...credits.map(({ window }) => window))).toBe(AGENT_WINDOW_PARTS);
  });

  test("a slow spool holds back the credit: at most a window lies in memory", async () => {
    let open: () => void = () => undefined;
    sink.gate = new Promise((resolve) => {
      open = resolve;
    });
    ticket(1, 100);
    expect(await serve(1, 100)).toBe(AGENT_WINDOW_PARTS);
    open();
    sink.gate = null;
    const done = await serve(1, 100);
    expect(done).toBe(100);
    expect(sink.held).toEqual([jobId(1)]);
  });

  test("parts that nobody asked for, come twice or are too large change nothing", async () => {
    part(1, 0);
    ticket(1, 3);
    await settle();
    part(1, 0);
    part(1, 0);
    inbox.takePart(ref(1), 1, new Uint8Array(121 * 1024));
    part(1, 40);
    part(2, 0);
    await settle();
    expect(sink.parts.get(jobId(1))).toEqual(["p0"]);
    part(1, 1);
    part(1, 2);
    await settle();
    expect(sink.held).toEqual([jobId(1)]);
  });

  test("a gap asks once from where it begins, and what follows it is not taken", async () => {
    ticket(1, 5);
    await settle();
    part(1, 0);
    part(1, 2);
    part(1, 3);
    await settle();
    expect(credits.slice(1)).toEqual([{ job: jobId(1), from: 1, window: expect.any(Number) }]);
    for (const i of [1, 2, 3, 4]) part(1, i);
    await settle();
    expect(sink.parts.get(jobId(1))).toEqual(["p0", "p1", "p2", "p3", "p4"]);
    expect(sink.held).toEqual([jobId(1)]);
  });

  test("a lost connection pauses it; the next one goes on where it stopped, whatever the time between", async () => {
    ticket(1, 4);
    await settle();
    part(1, 0);
    part(1, 1);
    await settle();
    inbox.setOnline(false);
    await vi.advanceTimersByTimeAsync(3600_000);
    expect(ends).toEqual([]);
    credits.length = 0;
    inbox.setOnline(true);
    expect(credits[0]).toMatchObject({ from: 2 });
    part(1, 2);
    part(1, 3);
    await settle();
    expect(sink.held).toEqual([jobId(1)]);
    expect(sink.abandoned).toEqual([]);
  });

  test("four at once, two of them early at most; the rest wait their turn", async () => {
    for (const n of [1, 2, 3]) ticket(n, null);
    for (const n of [4, 5, 6]) ticket(n, 1);
    await settle();
    expect([...sink.parts.keys()]).toEqual([1, 2, 4, 5].map(jobId));
    part(4, 0);
    await settle();
    expect([...sink.parts.keys()]).toEqual([1, 2, 4, 5, 6].map(jobId));
    ticket(1, 1);
    part(1, 0);
    await settle();
    expect([...sink.parts.keys()]).toContain(jobId(3));
  });

  test("an early one is held only with the final ticket", async () => {
    ticket(1, null);
    await settle();
    part(1, 0);
    part(1, 1);
    await settle();
    expect(sink.held).toEqual([]);
    ticket(1, 2);
    await settle();
    expect(sink.held).toEqual([jobId(1)]);
  });

  test("an early one that gets nothing for 5 s makes room, withdraws its credit, and comes again by the final ticket", async () => {
    ticket(1, null);
    await settle();
    part(1, 0);
    await vi.advanceTimersByTimeAsync(4999);
    expect(sink.abandoned).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(sink.abandoned).toEqual([jobId(1)]);
    expect(credits.at(-1)).toEqual({ job: jobId(1), from: 1, window: 0 });
    expect(vi.getTimerCount()).toBe(0);
    ticket(1, 2);
    expect(await serve(1, 2)).toBe(2);
    expect(sink.held).toEqual([jobId(1)]);
  });

  test("a late early ticket does not undo the final one", async () => {
    ticket(1, 1);
    await settle();
    ticket(1, null);
    part(1, 0);
    await settle();
    expect(sink.held).toEqual([jobId(1)]);
  });

  test("a request the broker does not answer is repeated, then given up, then tried again later: it never hangs", async () => {
    ticket(1, 2);
    await vi.advanceTimersByTimeAsync(40_000);
    expect(ends.map(({ kind }) => kind)).toEqual(["idle"]);
    expect(credits.filter(({ window }) => window > 0).length).toBe(4);
    expect(sink.abandoned).toEqual([jobId(1)]);
    credits.length = 0;
    await vi.advanceTimersByTimeAsync(15_000);
    expect(await serve(1, 2)).toBe(2);
    expect(sink.held).toEqual([jobId(1)]);
  });

  test("four that hang do not keep the fifth out for ever", async () => {
    for (const n of [1, 2, 3, 4, 5]) ticket(n, 1);
    await vi.advanceTimersByTimeAsync(40_000);
    part(5, 0);
    await settle();
    expect(sink.held).toEqual([jobId(5)]);
  });

  test("a refused job is not fetched on", async () => {
    sink.refuse = "not-sealed-to-us";
    ticket(1, 50);
    expect(await serve(1, 50)).toBeLessThanOrEqual(AGENT_WINDOW_PARTS);
    expect(ends).toEqual([{ kind: "ended", state: "rejected", job: jobId(1) }]);
    expect(credits.at(-1)).toMatchObject({ window: 0 });
    expect(sink.abandoned).toEqual([]);
  });

  test("while the escrow does not answer, finishing is tried again and nothing is fetched twice", async () => {
    sink.finishFailures = 3;
    ticket(1, 1);
    expect(await serve(1, 1)).toBe(1);
    await vi.advanceTimersByTimeAsync(6000);
    expect(sink.held).toEqual([jobId(1)]);
    expect(sink.parts.get(jobId(1))).toEqual(["p0"]);
  });

  test("a full disk throws the attempt away and leaves the job for later", async () => {
    sink.beginError = new PlatenError("disk-full", { where: "spool", meaning: "" });
    ticket(1, 1);
    await settle();
    expect(ends).toMatchObject([{ kind: "failed", error: { code: "disk-full" } }]);
    sink.beginError = null;
    await vi.advanceTimersByTimeAsync(15_000);
    await serve(1, 1);
    expect(sink.held).toEqual([jobId(1)]);
  });

  test("a drop stops the transfer first, then ends the job; a waiting one never starts", async () => {
    for (const n of [1, 2, 3, 4, 5]) ticket(n, 3);
    await settle();
    part(1, 0);
    ticket(1, null, "drop");
    ticket(5, null, "drop");
    await settle();
    expect(sink.abandoned).toEqual([jobId(1)]);
    expect(sink.dropped.sort()).toEqual([jobId(1), jobId(5)]);
    expect(sink.parts.has(jobId(5))).toBe(false);
    expect(dropFailures).toEqual([]);
  });

  test("a storm of tickets for one job is one job", async () => {
    for (let i = 0; i < 5000; i++) ticket(1, i % 2 ? 2 : null);
    await serve(1, 2);
    for (let i = 0; i < 5000; i++) ticket(1, 2);
    await settle();
    expect(sink.held).toEqual([jobId(1)]);
    expect(ends.length).toBe(1);
  });

  test("a storm of jobs is bounded, and all that fit are fetched", async () => {
    for (let n = 0; n < 10_100; n++) ticket(n, 1);
    await settle();
    for (let n = 0; n < 10_100; n++) {
      part(n, 0);
      if (n % 4 === 3) await settle();
    }
    await settle();
    // Four were taken before the others had to wait.
    expect(sink.held.length).toBe(10_004);
  });

  test("bytes that are no ticket are ignored", async () => {
    for (const text of ["", "null", "{}", '{"want":"take"}', "\u0000", `"${"x".repeat(200_000)}"`]) {
      inbox.takeTicket(Buffer.from(text));
    }
    await settle();
    expect([credits, ends]).toEqual([[], []]);
  });

  test("stop throws away what is under way and leaves no timer", async () => {
    for (const n of [1, 2, 3, 4, 5]) ticket(n, 3);
    await settle();
    await inbox.stop();
    expect(sink.abandoned.sort()).toEqual([1, 2, 3, 4].map(jobId));
    expect(vi.getTimerCount()).toBe(0);
    ticket(9, 1);
    await settle();
    expect(sink.parts.has(jobId(9))).toBe(false);
  });
});
