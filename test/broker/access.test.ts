import fc from "fast-check";
import { expect, test } from "vitest";
import { type Identity, judgePublish, maySubscribe } from "../../broker/access.ts";

const JOB = "0b5a3f0e-job1";
const CODE = "00112233445566aa";
const alice: Identity = { kind: "user", name: "alice" };
const lobby: Identity = { kind: "agent", name: "lobby" };
const claim: Identity = { kind: "first-contact", code: "claim", id: CODE };
const p = (topic: string) => `platen/v1/${topic}`;

test.each([
  [alice, `send/alice/lobby/${JOB}/only`],
  [alice, `send/alice/lobby/${JOB}/0`],
  [alice, `send/alice/lobby/${JOB}/end`],
  [alice, `send/alice/lobby/${JOB}/cancel`],
  [lobby, "agents/lobby/call/hello"],
  [lobby, "agents/lobby/call/ask"],
  [lobby, "agents/lobby/presence"],
  [lobby, "agents/lobby/condition"],
  [claim, `enrol/${CODE}/request`],
])("%o publishes on %s", (who, topic) => {
  expect(judgePublish(who, p(topic)).kind).toBe("accept");
});

test.each([
  [alice, `send/bob/lobby/${JOB}/only`],
  [alice, `status/alice/${JOB}`],
  [alice, `status/bob/${JOB}`],
  [alice, "recipients/lobby"],
  [alice, "recipients/lobby/minisig"],
  [alice, "agents/lobby/call/boot"],
  [alice, `agents/lobby/part/alice/${JOB}/0`],
  [alice, `enrol/${CODE}/request`],
  [lobby, "agents/attic/call/hello"],
  [lobby, "agents/lobby/ticket"],
  [lobby, "agents/lobby/reply"],
  [lobby, `agents/lobby/part/alice/${JOB}/0`],
  [lobby, "agents/lobby/call/format"],
  [lobby, `send/lobby/lobby/${JOB}/only`],
  [lobby, `status/alice/${JOB}`],
  [claim, `enrol/${CODE}/reply`],
  [claim, "enrol/ffffffffffffffff/request"],
  [claim, `send/alice/lobby/${JOB}/only`],
])("%o may not publish on %s", (who, topic) => {
  expect(judgePublish(who, p(topic)).kind).toBe("deny");
});

test.each([
  [`send/alice/lobby/${JOB}/00`, JOB],
  [`send/alice/lobby/${JOB}/-1`, JOB],
  [`send/alice/lobby/${JOB}/all`, JOB],
  [`send/alice/LOBBY/${JOB}/only`, JOB],
  [`send/alice/lobby/${JOB}/only/more`, JOB],
  ["send/alice/lobby/short/only", null],
  ["send/alice/lobby/bad\0job-id/only", null],
  ["send/alice/lobby/bad\u0007job/only", null],
  ["send/alice/lobby/bad\ufffdjob/only", null],
  ["send/alice/", null],
])("a sender's own %j is malformed, told under job %j", (topic, job) => {
  expect(judgePublish(alice, p(topic))).toEqual({ kind: "malformed", job });
});

test.each([
  [alice, "status/alice/+"],
  [alice, "status/alice/#"],
  [alice, `status/alice/${JOB}`],
  [alice, "recipients/lobby"],
  [alice, "recipients/lobby/minisig"],
  [alice, "recipients/+"],
  [alice, "recipients/+/minisig"],
  [lobby, "agents/lobby/reply"],
  [lobby, "agents/lobby/ticket"],
  [lobby, "agents/lobby/part/#"],
  [claim, `enrol/${CODE}/reply`],
])("%o subscribes to %s", (who, filter) => {
  expect(maySubscribe(who, p(filter))).toBe(true);
});

const REFUSED = [
  "#",
  "+",
  "$SYS/#",
  "+/+/status/alice/+",
  "platen/#",
  "platen/v1/#",
  "platen/v1/+/alice/+",
  "platen/v1/status/#",
  "platen/v1/status/+/+",
  "platen/v1/status/bob/+",
  "platen/v1/status/alice",
  "platen/v1/status/alice/+/#",
  "platen/v1/send/alice/#",
  "platen/v1/agents/#",
  "platen/v1/agents/+/part/#",
  "platen/v1/agents/attic/part/#",
  "platen/v1/agents/attic/reply",
  "platen/v1/agents/lobby/#",
  "platen/v1/agents/lobby/call/+",
  "platen/v1/enrol/+/reply",
  "platen/v1/enrol/ffffffffffffffff/reply",
  "$share/g/platen/v1/status/alice/+",
  `platen/v1/status/alice/${"+".repeat(300)}`,
];
test.each(REFUSED)("nobody subscribes to %s", (filter) => {
  for (const who of [alice, lobby, claim]) expect(maySubscribe(who, filter)).toBe(false);
});

test("whatever is accepted names the session that said it", () => {
  const words = fc.constantFrom(
    "send",
    "alice",
    "bob",
    "lobby",
    "attic",
    JOB,
    "only",
    "0",
    "call",
    "hello",
    "agents",
    "#",
    "+",
    "",
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 6 }), (parts) => {
      const topic = p(parts.join("/"));
      for (const who of [alice, lobby]) {
        const verdict = judgePublish(who, topic);
        if (verdict.kind !== "accept") continue;
        expect(verdict.topic).toMatchObject(who.kind === "user" ? { user: "alice" } : { agent: "lobby" });
      }
    }),
  );
});
