/** Topics, part numbers and who may use what. */

import { type Identity, judgePublish, maySubscribe } from "../../../broker/access.ts";
import {
  agentTopic,
  callTopic,
  enrolTopic,
  parseTopic,
  partFilter,
  partTopic,
  recipientsTopic,
  sendTopic,
  signatureTopic,
  statusFilter,
  statusTopic,
  type Topic,
} from "../../../wire/topic.ts";
import { formatTopic } from "../../wire/topic-format.ts";
import { bytesOf, claim, type FuzzTarget } from "../target.ts";

const JOB = { user: "alice", job: "0000-aaaa" };
const WHO: readonly Identity[] = [
  { kind: "user", name: "alice" },
  { kind: "agent", name: "lobby" },
  { kind: "first-contact", code: "claim", id: "0123456789abcdef" },
];
/** What none of them may ever hear. */
const FOREIGN = [
  statusTopic({ user: "bob", job: "0000-bbbb" }),
  sendTopic(JOB, "lobby", 0),
  callTopic("lobby", "boot"),
  agentTopic("attic", "reply"),
  partTopic("attic", JOB, 0),
  enrolTopic("fedcba9876543210", "reply"),
  enrolTopic("0123456789abcdef", "request"),
  "$SYS/broker/clients",
];

/** MQTT 3.1.1, 4.7. */
function matches(filter: string, topic: string): boolean {
  const [wanted, levels] = [filter.split("/"), topic.split("/")];
  if (topic.startsWith("$") && /^[+#]/.test(filter)) return false;
  for (const [at, level] of wanted.entries()) {
    if (level === "#") return true;
    if (level !== "+" && level !== levels[at]) return false;
    if (at >= levels.length) return false;
  }
  return wanted.length === levels.length;
}

function ownerOf(topic: Topic): string | null {
  if (topic.room === "send") return topic.user;
  if (topic.room === "call" || topic.room === "presence" || topic.room === "condition") return topic.agent;
  return topic.room === "enrol" ? topic.code : null;
}

export const target: FuzzTarget = {
  about: "topics, and who may say and hear them",
  maxBytes: 256,
  words: [
    "platen/v1/",
    "send/",
    "status/",
    "agents/",
    "call/",
    "/part/",
    "/minisig",
    "/only",
    "/+",
    "/#",
    "$SYS",
  ],
  seeds: () =>
    [
      ...FOREIGN,
      sendTopic(JOB, "lobby", 17),
      sendTopic(JOB, "lobby", "end"),
      recipientsTopic("lobby"),
      signatureTopic("lobby"),
      statusFilter("alice"),
      partFilter("lobby"),
      callTopic("lobby", "hello"),
      agentTopic("lobby", "presence"),
    ].flatMap((topic) => [bytesOf(topic), bytesOf(`${topic}/more`)]),
  run(data) {
    const text = Buffer.from(data).toString("utf8");
    const topic = parseTopic(text);
    if (topic) claim(formatTopic(topic) === text, `one topic, one text: ${text}`);
    for (const who of WHO) {
      const own = who.kind === "first-contact" ? who.id : who.name;
      const verdict = judgePublish(who, text);
      if (verdict.kind === "accept") claim(ownerOf(verdict.topic) === own, `only one's own: ${text}`);
      if (verdict.kind === "malformed")
        claim(text.startsWith("platen/v1/send/alice/"), `only one's own is malformed: ${text}`);
      if (!maySubscribe(who, text)) continue;
      for (const foreign of FOREIGN) claim(!matches(text, foreign), `${text} would hear ${foreign}`);
    }
  },
};
