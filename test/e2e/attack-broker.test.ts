/** A broker that lies to a real agent: what it can spoil is its own service, never a held document or a promise. */
import { randomBytes } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { encodeBase64 } from "../../wire/base64.ts";
import { encodeJson } from "../../wire/json.ts";
import { openTestBroker, type TestBroker } from "../agent/aedes-broker.ts";
import {
  AGENT,
  createTestAgent,
  sealJob,
  serveAgent,
  type TestAgent,
  ticketOf,
} from "../agent/test-agent.ts";

const JOB = "job-00000001";
const OTP = "48213907";
const DAY_MS = 86_400_000;

let broker: TestBroker;
let agent: TestAgent;
let jobs: Map<string, readonly Uint8Array[]>;
let served: ReturnType<typeof serveAgent>;
let document: Buffer;

beforeEach(async () => {
  broker = await openTestBroker();
  agent = await createTestAgent(broker);
  jobs = new Map();
  served = serveAgent(broker, agent, jobs);
  document = randomBytes(100_000);
  jobs.set(JOB, await sealJob(agent.recipient, { v: 1, otp: OTP }, document));
});
afterEach(async () => {
  vi.useRealTimers();
  await agent.close();
  await broker.close();
});

type Answer = TestBroker["answer"];
/** Answers one call with a lie and leaves the others honest. Returns what ends the lie. */
function lie(name: string, answer: Answer): () => void {
  const honest = broker.answer;
  broker.answer = (call) => (call.name === name ? answer(call) : honest(call));
  return () => {
    broker.answer = honest;
  };
}

const offer = (job = JOB, more: object = {}) =>
  broker.ticket(AGENT, { ...ticketOf(job, jobs.get(job) ?? []), ...more });
const untilState = (job: string, state: string) =>
  broker.until(() => served.events.some((event) => event.job === job && event.state === state));

async function startAndHold() {
  const running = await agent.start();
  await running.ready;
  offer();
  await untilState(JOB, "held");
  return running;
}

async function typeAndPrint(): Promise<void> {
  const since = agent.log.length;
  agent.type(`${OTP}\n`);
  await agent.untilLog("destroyed", since);
  expect(agent.printed().equals(document)).toBe(true);
}

test("a clock of the agent's own that is days ahead expires nothing at a restart: the broker's time counts", async () => {
  const running = await startAndHold();
  await running.close();
  const honestTime = Math.floor(Date.now() / 1000);
  lie("hello", () => ({ time: honestTime, agent: AGENT, printers: ["lobby"] }));
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * DAY_MS });
  await (await agent.start()).ready;
  await typeAndPrint();
});

test("a job that ended is not taken again under its own id, however far the broker says the time went on", async () => {
  const running = await startAndHold();
  await typeAndPrint();
  const later = Math.floor(Date.now() / 1000) + 40 * 86_400;
  lie("hello", () => ({ time: later, agent: AGENT, printers: ["lobby"] }));
  await running.close();
  await (await agent.start()).ready;
  const before = served.events.length;
  offer();
  await broker.until(() => served.events.length > before);
  await broker.until(() => served.events.slice(before).some(({ final }) => final));
  expect(served.events.slice(before).map(({ state }) => state)).not.toContain("held");
});

test("wrong shares open nothing and harm nothing: the right one prints the document later", async () => {
  const running = await startAndHold();
  await running.close();
  await (await agent.start()).ready;
  const since = agent.log.length;
  for (const share of [encodeBase64(randomBytes(32)), encodeBase64(randomBytes(33)), "A".repeat(43), 7]) {
    const honest = lie("ask", ({ body }) => ({ shares: body.asks.map(() => share) }));
    const refused = () => agent.log.slice(since).filter(({ event }) => event === "entry-refused").length;
    const before = refused();
    agent.type(`${OTP}\n`);
    await vi.waitFor(() => expect(refused()).toBe(before + 1), 10_000);
    honest();
  }
  await typeAndPrint();
});

test.each([
  ["of other lengths than it says", { bytes: 12 }, "rejected"],
  ["of fewer parts than came", { parts: 1 }, "held"],
  ["of more parts than there are", { parts: 9, bytes: 900_000 }, "arriving"],
  ["with other OTPs than the list said", { otp: 6 }, "rejected"],
  ["for another user", { user: "mallory" }, "rejected"],
  ["for another target", { target: "attic" }, "rejected"],
])("a ticket %s", async (_, more, state) => {
  const bound = { v: 1, otp: OTP, user: "alice", job: JOB, to: "lobby" } as const;
  jobs.set(JOB, await sealJob(agent.recipient, bound, document));
  await (await agent.start()).ready;
  offer(JOB, more);
  await untilState(JOB, state);
});

test("tickets of any size, before and after it listens, cost no memory", async () => {
  const answers: (() => void)[] = [];
  const honest = broker.answer;
  broker.answer = (call) => {
    // `boot` is asked for once it took all that came before the answer to its hello.
    if (call.name !== "hello" && call.name !== "boot") return honest(call);
    answers.push(() => broker.reply(AGENT, encodeJson({ rid: call.body.rid, ...honest(call) })));
    return null;
  };
  const running = await agent.start();
  await broker.until(() => answers.length > 0);
  const padding = "x".repeat(100_000);
  const before = heldBytes();
  for (let i = 0; i < 600; i++) {
    broker.ticket(AGENT, { ...ticketOf(`job-${10_000_000 + i}`, []), padding });
    if (i % 20 === 0) await new Promise(setImmediate);
  }
  offer();
  answers[0]?.();
  await broker.until(() => answers.length > 1);
  // Still waiting for its boot share: what it keeps of the tickets, it keeps now. The collector frees in its own time.
  await vi.waitFor(() => expect(heldBytes() - before).toBeLessThan(32 * 1024 * 1024), 5000);
  answers[1]?.();
  await running.ready;
  await untilState(JOB, "held");
});

/** Memory of buffers that somebody still holds. */
function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().arrayBuffers;
}

test("parts out of order, oversize, unasked for and without end: the honest ones make the job", async () => {
  await (await agent.start()).ready;
  const parts = jobs.get(JOB) ?? [];
  let asked = 0;
  const honest = lie("parts", ({ body }) => {
    if (body.window === 0) return null;
    const ref = { user: "alice", job: JOB };
    broker.part(AGENT, ref, 900, randomBytes(1000));
    broker.part(AGENT, { user: "bob", job: "job-of-nobody" }, 0, randomBytes(1000));
    broker.part(AGENT, ref, body.from, randomBytes(200_000));
    broker.part(AGENT, ref, body.from + 1, parts[body.from + 1] ?? randomBytes(10));
    if (++asked > 1) {
      honest();
      for (let n = body.from; n < parts.length; n++) broker.part(AGENT, ref, n, parts[n] as Uint8Array);
    }
    return null;
  });
  offer();
  await untilState(JOB, "held");
  await typeAndPrint();
});
