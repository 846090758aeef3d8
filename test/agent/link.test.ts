import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Calls } from "../../agent/calls.ts";
import { Link } from "../../agent/link.ts";
import { createCsr, generateTlsKey } from "../../agent/tls-key.ts";
import { encodeJson } from "../../wire/json.ts";
import type { Topic } from "../../wire/topic.ts";
import { createCa } from "../wire/certificates.ts";
import { issueAgent, openTestBroker, type TestBroker } from "./aedes-broker.ts";

const AGENT = "lobby-pi";
const BACKOFF = { firstMs: 5, maxMs: 20 };

let broker: TestBroker;
let link: Link | null = null;
let credentials: { ca: string; cert: string; key: string };

beforeEach(async () => {
  broker = await openTestBroker();
  const key = await generateTlsKey();
  credentials = { ca: broker.ca.pem, key, cert: await issueAgent(broker.ca, await createCsr(key, AGENT)) };
});

afterEach(async () => {
  await link?.close();
  link = null;
  await broker.close();
});

interface Opened {
  readonly link: Link;
  readonly calls: Calls;
  readonly messages: { topic: Topic; payload: Uint8Array }[];
  readonly ends: string[];
  up(): Promise<void>;
  down(): Promise<void>;
}

function openLink(agent = AGENT): Opened {
  const messages: Opened["messages"] = [];
  const ends: string[] = [];
  const waiting = { up: [] as (() => void)[], down: [] as (() => void)[] };
  const settle = (list: (() => void)[]) => {
    for (const resolve of list.splice(0)) resolve();
  };
  const opened = new Link(
    { agent, address: broker.address, credentials: () => credentials },
    {
      onUp: () => settle(waiting.up),
      onDown: (error) => {
        ends.push(error.code);
        calls.rejectAll("the connection ended");
        settle(waiting.down);
      },
      onMessage: (topic, payload) => {
        messages.push({ topic, payload });
        if (topic.room === "reply") calls.takeReply(payload);
      },
    },
  );
  const calls = new Calls(broker.address, (call, payload) => opened.publishCall(call, payload));
  link = opened;
  const wait = (list: (() => void)[]) => new Promise<void>((resolve) => list.push(resolve));
  return { link: opened, calls, messages, ends, up: () => wait(waiting.up), down: () => wait(waiting.down) };
}

describe("link", () => {
  test("says here, then away, and answers calls over mutual TLS", async () => {
    broker.answer = () => ({ time: 1_800_000_000, agent: AGENT, printers: ["lobby"] });
    const { link: opened, calls, up } = openLink();
    opened.open(BACKOFF);
    await up();
    expect(opened.up).toBe(true);
    const reply = await calls.call("hello", { version: "1", printers: [] });
    expect(reply.time).toBe(1_800_000_000);
    await opened.close();
    await broker.until(() => broker.presence.at(-1) === "away");
    expect(broker.presence).toEqual(["here", "away"]);
  });

  test("dials again after every kind of loss, one session at a time, and its will says away", async () => {
    const { link: opened, ends, up, down } = openLink();
    opened.open(BACKOFF);
    await up();
    for (let i = 0; i < 3; i++) {
      const [gone, back] = [down(), up()];
      broker.cut();
      await gone;
      await back;
      expect(broker.sessions.size).toBe(1);
    }
    expect(ends).toEqual(["broker-unreachable", "broker-unreachable", "broker-unreachable"]);
    await broker.until(() => broker.presence.filter((state) => state === "away").length === 3);
  });

  test("comes back to a broker that was away for several dials", async () => {
    const { link: opened, ends, up, down } = openLink();
    opened.open(BACKOFF);
    await up();
    const gone = down();
    await broker.pause();
    await gone;
    while (ends.length < 4) await down();
    const back = up();
    await broker.listen();
    await back;
    expect(opened.up).toBe(true);
  });

  test("redial uses what the credentials are by then", async () => {
    const { link: opened, ends, up, down } = openLink();
    opened.open(BACKOFF);
    await up();
    credentials = { ...credentials, ca: (await createCa()).pem };
    const gone = down();
    opened.redial();
    await gone;
    await down();
    expect(ends.at(-1)).toBe("broker-untrusted");
  });

  test("a broker under another CA gets nothing", async () => {
    credentials = { ...credentials, ca: (await createCa("CN=Other")).pem };
    const { link: opened, ends, down } = openLink();
    opened.open(BACKOFF);
    await down();
    expect(ends[0]).toBe("broker-untrusted");
    expect(broker.presence).toEqual([]);
  });

  test("messages under another agent's name, or on no topic of ours, are not seen", async () => {
    const { link: opened, messages, up } = openLink();
    opened.open(BACKOFF);
    await up();
    broker.part(AGENT, { user: "alice", job: "job-00000001" }, 0, Buffer.from("x"));
    broker.part("other", { user: "alice", job: "job-00000001" }, 1, Buffer.from("x"));
    broker.ticket(AGENT, { n: 2 });
    await new Promise<void>((resolve) => {
      const look = () => (messages.length >= 2 ? resolve() : setImmediate(look));
      look();
    });
    expect(messages.map(({ topic }) => topic.room)).toEqual(["part", "ticket"]);
  });

  test("publishing without a session is an error, not a queue", () => {
    const { link: opened } = openLink();
    expect(() => opened.publish("platen/v1/agents/lobby-pi/presence", Buffer.from("{}"))).toThrow(
      expect.objectContaining({ code: "broker-unreachable" }),
    );
  });
});

describe("calls", () => {
  test("a call waiting when the session ends is rejected, and not sent again in the next", async () => {
    const { link: opened, calls, up } = openLink();
    opened.open(BACKOFF);
    await up();
    const call = calls.call("boot", {});
    const outcome = expect(call).rejects.toMatchObject({ code: "broker-unreachable" });
    await broker.until(() => broker.calls.length === 1);
    const back = up();
    broker.cut();
    await outcome;
    await back;
    broker.answer = () => ({ time: 1, agent: AGENT, printers: [] });
    await calls.call("hello", { version: "1", printers: [] });
    expect(broker.calls.map(({ name }) => name)).toEqual(["boot", "hello"]);
  });

  test("a refusal carries why and when to try again", async () => {
    broker.answer = () => ({ refused: "throttled", retryAfter: 30 });
    const { link: opened, calls, up } = openLink();
    opened.open(BACKOFF);
    await up();
    await expect(calls.call("boot", {})).rejects.toMatchObject({
      code: "call-refused",
      details: { call: "boot", why: "throttled", retryAfter: 30 },
    });
  });

  test.each([
    ["a share of the wrong length", { share: "AAAA" }],
    ["another call's answer", { granted: true }],
    ["a field of the wrong kind", { share: 7 }],
    ["an unknown refusal", { refused: "because" }],
    ["more than a call may hold", { share: "A".repeat(130_000) }],
  ])("%s is no answer", async (name, answer) => {
    broker.answer = () => answer;
    const { link: opened, calls, up } = openLink();
    opened.open(BACKOFF);
    await up();
    const code = name.startsWith("more") ? "timeout" : "broker-untrusted";
    await expect(calls.call("boot", {}, 300)).rejects.toMatchObject({ code });
  });

  test("bytes that are no JSON and answers nobody waits for change nothing", async () => {
    const { link: opened, calls, messages, up } = openLink();
    opened.open(BACKOFF);
    await up();
    for (const payload of [Buffer.from([0xff, 0x00]), Buffer.from("null"), encodeJson({ rid: "nobody" })]) {
      broker.reply(AGENT, payload);
    }
    broker.answer = () => ({ granted: true });
    const { granted } = await calls.call("claim", { user: "alice", job: "job-00000001", printer: "lobby" });
    expect(granted).toBe(true);
    expect(messages.length).toBe(4);
  });

  test("no answer by the deadline is a timeout; the late one is dropped", async () => {
    const { link: opened, calls, messages, up } = openLink();
    opened.open(BACKOFF);
    await up();
    await expect(calls.call("boot", {}, 30)).rejects.toMatchObject({ code: "timeout" });
    broker.reply(AGENT, encodeJson({ rid: broker.calls[0]?.body.rid, share: "A".repeat(43).concat("=") }));
    broker.answer = () => ({ granted: false });
    await calls.call("claim", { user: "alice", job: "job-00000001", printer: "lobby" });
    expect(messages.length).toBe(2);
  });

  test("calls that were answered no longer count among those that wait", async () => {
    const calls: Calls = new Calls("nowhere", (_call, payload) => {
      const { rid } = JSON.parse(Buffer.from(payload).toString());
      queueMicrotask(() => calls.takeReply(encodeJson({ rid, granted: true })));
    });
    for (let i = 0; i < 200; i++) {
      const { granted } = await calls.call("claim", { user: "alice", job: "job-00000001", printer: "lobby" });
      expect(granted).toBe(true);
    }
  });

  test("more calls than may wait are refused at once", async () => {
    const calls = new Calls("nowhere", () => undefined);
    const waiting = Array.from({ length: 64 }, () => calls.call("boot", {}).catch((error) => error.code));
    await expect(calls.call("boot", {})).rejects.toMatchObject({ code: "broker-unreachable" });
    calls.rejectAll("the end");
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["broker-unreachable"]));
  });
});
