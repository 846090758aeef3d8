import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Calls } from "../../agent/calls.ts";
import { BrokerEscrow } from "../../agent/escrow.ts";
import { OutboxPump } from "../../agent/outbox-pump.ts";
import type { EscrowShare, JobEvent } from "../../wire/agent-call.ts";
import { encodeJson } from "../../wire/json.ts";

/** The calls of these tests, as they went out. */
interface Sent {
  readonly call: string;
  readonly body: {
    readonly rid: string;
    readonly events: readonly { readonly id: string }[];
    readonly shares: readonly { readonly job: string }[];
    readonly asks: readonly { readonly job: string }[];
  };
}

let sent: Sent[];
/** Null: no answer. An Error: sending throws, as without a session. */
let answer: (sent: Sent) => object | null | Error;
let calls: Calls;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  answer = () => null;
  calls = new Calls("broker", (call, payload) => {
    const body = JSON.parse(Buffer.from(payload).toString());
    sent.push({ call, body });
    const reply = answer({ call, body });
    if (reply instanceof Error) throw reply;
    if (reply) queueMicrotask(() => calls.takeReply(encodeJson({ rid: body.rid, ...reply })));
  });
});

afterEach(() => vi.useRealTimers());

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const confirmAll = ({ body }: Sent) => ({ confirmed: body.events.map(({ id }) => id) });

describe("outbox pump", () => {
  let rows: JobEvent[];
  let failures: string[];
  let pump: OutboxPump;

  const event = (): JobEvent => ({
    id: randomUUID(),
    user: "alice",
    job: "job-00000001",
    state: "held",
    reason: null,
    printer: null,
    at: 1,
    bytes: 1,
    final: false,
  });

  beforeEach(() => {
    [rows, failures] = [[], []];
    pump = new OutboxPump({
      outbox: {
        pending: (limit) => rows.slice(0, limit),
        waitsFor: (ref) => rows.some(({ job }) => job === ref.job),
        confirm: (ids) => {
          rows = rows.filter(({ id }) => !ids.includes(id));
        },
      },
      calls,
      onFailure: (_error, waiting) => failures.push(String(waiting)),
    });
  });

  afterEach(async () => {
    calls.rejectAll("the end");
    await pump.stop();
  });

  test("sends what waits when the session begins, in order, batch by batch, one call at a time", async () => {
    rows = Array.from({ length: 450 }, event);
    const ids = rows.map(({ id }) => id);
    answer = confirmAll;
    pump.setOnline(true);
    await pass(0);
    expect(sent.map(({ body }) => body.events.length)).toEqual([200, 200, 50]);
    expect(sent.flatMap(({ body }) => body.events.map(({ id }) => id))).toEqual(ids);
    expect(rows).toEqual([]);
  });

  test("what comes while a call is under way goes with the next one", async () => {
    rows = [event()];
    pump.setOnline(true);
    rows.push(event());
    pump.wake();
    await pass(0);
    expect(sent.length).toBe(1);
    answer = confirmAll;
    calls.takeReply(encodeJson({ rid: sent[0]?.body.rid, confirmed: [sent[0]?.body.events[0]?.id] }));
    await pass(3000);
    expect(rows).toEqual([]);
  });

  test.each<[string, () => object | null | Error]>([
    ["no answer", () => null],
    ["a refusal", () => ({ refused: "disk-full" })],
    ["an answer that confirms nothing", () => ({ confirmed: [] })],
    ["an answer that confirms others", () => ({ confirmed: [randomUUID()] })],
    ["no session", () => new Error("no connection")],
  ])("%s: the event stays and is sent again, not in a tight circle", async (_what, reply) => {
    rows = [event()];
    answer = reply;
    pump.setOnline(true);
    await pass(60_000);
    expect(rows.length).toBe(1);
    expect(sent.length).toBeGreaterThan(2);
    expect(sent.length).toBeLessThan(12);
    expect(failures.length).toBeGreaterThan(1);
    answer = confirmAll;
    await pass(120_000);
    expect(rows).toEqual([]);
  });

  test("one event that is never confirmed does not hold the others", async () => {
    rows = Array.from({ length: 10 }, event);
    const poison = rows[0]?.id;
    answer = ({ body }) => ({
      confirmed: body.events.map(({ id }) => id).filter((id) => id !== poison),
    });
    pump.setOnline(true);
    await pass(0);
    expect(rows.map(({ id }) => id)).toEqual([poison]);
  });

  test("offline it is silent; online again it begins at once", async () => {
    rows = [event()];
    pump.wake();
    await pass(60_000);
    expect(sent).toEqual([]);
    answer = confirmAll;
    pump.setOnline(true);
    await pass(0);
    expect(rows).toEqual([]);
  });

  test("a flush before a stop does not wait for a broker that says nothing", async () => {
    rows = [event()];
    pump.setOnline(true);
    const flushed = pump.flush();
    await pass(2000);
    await flushed;
    expect(rows.length).toBe(1);
  });
});

describe("escrow", () => {
  const escrow = () => new BrokerEscrow(calls, () => true);
  const share = (n: number): EscrowShare => ({
    user: "alice",
    job: `job-${String(n).padStart(8, "0")}`,
    attempt: "0123456789abcdef",
    tag: Buffer.alloc(16, n).toString("base64"),
    share: Buffer.alloc(32, n).toString("base64"),
    expires: 1_900_000_000,
  });
  const ask = (n: number) => {
    const { user, job, attempt, tag } = share(n);
    return { user, job, attempt, tag };
  };

  test("shares that come while a call is under way go together, and each is told its own result", async () => {
    answer = ({ body }) => ({
      results: body.shares.map(({ job }) =>
        job.endsWith("3") ? "ended" : job.endsWith("4") ? "conflict" : "stored",
      ),
    });
    const one = escrow();
    const results = Promise.all([1, 2, 3, 4].map((n) => one.put(share(n))));
    await pass(0);
    expect(await results).toEqual(["stored", "stored", "ended", "conflict"]);
    expect(sent.map(({ body }) => body.shares.length)).toEqual([1, 3]);
  });

  test("a failed batch rejects its shares and no others", async () => {
    const one = escrow();
    const first = expect(one.put(share(1))).rejects.toMatchObject({ code: "timeout" });
    const second = one.put(share(2));
    answer = () => ({ results: ["stored"] });
    await pass(15_000);
    await first;
    expect(await second).toBe("stored");
  });

  test.each<[string, object]>([
    ["a refusal", { refused: "throttled", retryAfter: 5 }],
    ["fewer answers than asks", { shares: [] }],
    ["an answer of another kind", { shares: "no" }],
  ])("%s is no answer: nothing can be said about the OTP", async (_what, reply) => {
    answer = () => reply;
    await expect(escrow().ask([ask(1)])).rejects.toMatchObject({ code: "broker-unreachable" });
  });

  test("asks in batches, answers in order, null where nothing fits", async () => {
    answer = ({ body }) => ({
      shares: body.asks.map(({ job }) => (job.endsWith("7") ? share(7).share : null)),
    });
    const answers = await escrow().ask(Array.from({ length: 250 }, (_, n) => ask(n)));
    expect(answers.length).toBe(250);
    expect(answers[7]).toEqual(new Uint8Array(32).fill(7));
    expect(answers[8]).toBeNull();
    expect(sent.map(({ body }) => body.asks.length)).toEqual([200, 50]);
  });

  test("a person at the keypad gets an answer before ten seconds are over", async () => {
    const outcome = expect(escrow().ask([ask(1)])).rejects.toMatchObject({ code: "timeout" });
    await pass(8000);
    await outcome;
  });

  test("a claim says what the broker granted", async () => {
    answer = () => ({ granted: false });
    expect(await escrow().claim({ user: "alice", job: "job-00000001" }, "lobby")).toBe(false);
  });

  test("all shares again, in batches, whatever each one's result is", async () => {
    answer = ({ body }) => ({
      results: body.shares.map((_, i) => (i % 2 ? "ended" : "stored")),
    });
    await escrow().putAgain(Array.from({ length: 201 }, (_, n) => share(n)));
    expect(sent.map(({ body }) => body.shares.length)).toEqual([200, 1]);
  });
});
