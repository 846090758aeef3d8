import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startAgent } from "../../agent/agent.ts";
import { configSchema } from "../../agent/config.ts";
import { encodeBase64 } from "../../wire/base64.ts";
import { openTestBroker, type TestBroker } from "./aedes-broker.ts";
import { AGENT, createTestAgent, sealJob, serveAgent, type TestAgent, ticketOf } from "./test-agent.ts";

const JOB = "job-00000001";
const OTP = "48213907";

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
  await agent.close();
  await broker.close();
});

const offer = () => broker.ticket(AGENT, ticketOf(JOB, jobs.get(JOB) ?? []));

async function startAndHold() {
  const running = await agent.start();
  await running.ready;
  offer();
  await agent.untilLog("held");
  return running;
}

describe("agent", () => {
  test("opens, holds a sealed document, prints it on its OTP, and tells the broker all of it", async () => {
    await startAndHold();
    agent.type(`11111112\n${OTP}\n`);
    await agent.untilLog("destroyed");
    expect(agent.printed().equals(document)).toBe(true);
    await broker.until(() => served.events.some(({ final }) => final));
    // Nothing secret was logged or shown on the way.
    const told = JSON.stringify(agent.log) + JSON.stringify(agent.shown);
    for (const secret of [OTP, "11111112", encodeBase64(agent.bootShare)]) expect(told).not.toContain(secret);
    expect(served.events.map(({ state }) => state)).toEqual(
      expect.arrayContaining(["held", "printing", "delivered"]),
    );
    const steps = ["held", "entered", "first-byte", "last-byte", "destroyed"];
    const at = steps.map((event) => Number(agent.log.find((line) => line.event === event)?.ms));
    expect(at).toEqual([...at].sort((a, b) => a - b));
    expect(Math.abs((at[0] ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  test("a held job prints while the broker is away, and the events go out when it is back", async () => {
    await startAndHold();
    await broker.pause();
    await agent.untilShown(({ kind }) => kind === "broker-away");
    agent.type(`${OTP}\n`);
    await agent.untilLog("destroyed");
    expect(agent.printed().equals(document)).toBe(true);
    expect(served.events.some(({ final }) => final)).toBe(false);
    await broker.listen();
    await broker.until(() => served.events.some(({ final }) => final));
  });

  test("restarted with the broker away it is locked: entries cost nothing, and it opens by itself", async () => {
    const running = await startAndHold();
    await running.close();
    await broker.pause();
    const since = agent.log.length;
    await agent.start();
    await agent.untilLog("locked", since);
    for (let i = 0; i < 8; i++) agent.type("00000001\n");
    agent.type(`${OTP}\n`);
    await agent.untilShown(({ kind }) => kind === "locked");
    await broker.listen();
    await agent.untilLog("ready", since);
    await broker.until(() => broker.calls.filter(({ name }) => name === "boot").length === 2);
    agent.type(`${OTP}\n`);
    await agent.untilLog("destroyed", since);
    expect(agent.printed().equals(document)).toBe(true);
    const verdicts = agent.log.slice(since).filter(({ event }) => event === "entry-refused");
    expect(new Set(verdicts.map(({ verdict }) => verdict))).toEqual(new Set(["locked"]));
  });

  test("after a reconnect it puts every share again", async () => {
    await startAndHold();
    served.escrow.clear();
    broker.cut();
    await broker.until(() => served.escrow.size === 1);
  });

  test("a connection lost in the middle of a job: it goes on where it stopped", async () => {
    const running = await agent.start();
    await running.ready;
    const parts = jobs.get(JOB) ?? [];
    const answer = broker.answer;
    broker.answer = (call) => {
      if (call.name !== "parts") return answer(call);
      for (const n of [0, 1, 2]) broker.part(AGENT, call.body, n, parts[n] as Uint8Array);
      setImmediate(() => broker.cut());
      broker.answer = answer;
      return null;
    };
    offer();
    await agent.untilLog("held");
    const asked = broker.calls.filter(({ name }) => name === "parts").map(({ body }) => body.from);
    expect(asked.at(-1)).toBeLessThanOrEqual(3);
    agent.type(`${OTP}\n`);
    await agent.untilLog("destroyed");
    expect(agent.printed().equals(document)).toBe(true);
  });

  test("tickets that come while the identity is being opened are not lost", async () => {
    const answer = broker.answer;
    broker.answer = (call) => {
      if (call.name === "boot") offer();
      return answer(call);
    };
    await agent.start();
    await agent.untilLog("held");
  });

  test("a share that was released in this session and lost is asked for in the next one", async () => {
    const answer = broker.answer;
    let asks = 0;
    broker.answer = (call) =>
      call.name === "boot" && asks++ === 0 ? { refused: "other-session" } : answer(call);
    const running = await agent.start();
    await running.ready;
    expect(broker.calls.map(({ name }) => name).slice(0, 4)).toEqual(["hello", "boot", "hello", "boot"]);
  });

  test("a share that opens nothing is told and given up; nothing on the card is changed", async () => {
    const answer = broker.answer;
    broker.answer = (call) =>
      call.name === "boot" ? { share: encodeBase64(new Uint8Array(32)) } : answer(call);
    const file = join(agent.dir, "data", "identity.sealed");
    const before = readFileSync(file);
    const running = await agent.start();
    await expect(running.ready).rejects.toMatchObject({ code: "identity-damaged" });
    expect(agent.shown.at(-1)).toMatchObject({ kind: "broken" });
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test("close says away and leaves nothing running that would hold the program", async () => {
    const running = await startAndHold();
    await running.close();
    await running.close();
    await broker.until(() => broker.presence.at(-1) === "away" && broker.sessions.size === 0);
    expect(agent.log.at(-1)?.event).toBe("stopped");
  });

  test("an agent that is not enrolled, or has a wrong device, does not start", async () => {
    const config = configSchema.parse({ dataDir: join(agent.dir, "empty") });
    await expect(startAgent(config)).rejects.toMatchObject({ code: "not-enrolled" });
    const wrong = configSchema.parse({
      dataDir: join(agent.dir, "data"),
      printer: { lobby: { uri: "gopher:x" } },
    });
    await expect(startAgent(wrong)).rejects.toMatchObject({ code: "device-unusable" });
  });
});
