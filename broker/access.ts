/** Who may say what, and hear what: pure rules over topics, denied by default. */
import type { CodeKind } from "../wire/code.ts";
import { isJobId, isName } from "../wire/name.ts";
import { agentTopic, parseTopic, partFilter, type Topic } from "../wire/topic.ts";

/** Whom a session logged in as. */
export type Identity =
  | { readonly kind: "user"; readonly name: string }
  | { readonly kind: "agent"; readonly name: string }
  | { readonly kind: "first-contact"; readonly code: CodeKind; readonly id: string };

/**
 * What to do with a message. `malformed`: a sender's own, but not as the contract says; it is taken and dropped,
 * because an MQTT error would cut the connection and tell the sender nothing. `job` names it where the topic does.
 */
export type PublishVerdict =
  | { readonly kind: "accept"; readonly topic: Topic }
  | { readonly kind: "malformed"; readonly job: string | null }
  | { readonly kind: "deny" };

const DENY: PublishVerdict = { kind: "deny" };

export function judgePublish(who: Identity, text: string): PublishVerdict {
  const topic = parseTopic(text);
  if (topic) return mayPublish(who, topic) ? { kind: "accept", topic } : DENY;
  if (who.kind !== "user" || !text.startsWith(`platen/v1/send/${who.name}/`)) return DENY;
  const job = text.split("/")[5] ?? "";
  return { kind: "malformed", job: isJobId(job) ? job : null };
}

function mayPublish(who: Identity, topic: Topic): boolean {
  switch (who.kind) {
    case "user":
      return topic.room === "send" && topic.user === who.name;
    case "agent":
      return (
        (topic.room === "call" || topic.room === "presence" || topic.room === "condition") &&
        topic.agent === who.name
      );
    case "first-contact":
      return topic.room === "enrol" && topic.code === who.id && topic.direction === "request";
  }
}

/** True for the few filters each kind of session needs; every other one is answered with failure (0x80). */
export function maySubscribe(who: Identity, filter: string): boolean {
  switch (who.kind) {
    case "user":
      return mayUserSubscribe(who.name, filter);
    case "agent":
      return (
        filter === agentTopic(who.name, "reply") ||
        filter === agentTopic(who.name, "ticket") ||
        filter === partFilter(who.name)
      );
    case "first-contact":
      return filter === `platen/v1/enrol/${who.id}/reply`;
  }
}

function mayUserSubscribe(user: string, filter: string): boolean {
  if (filter.length > 160) return false;
  const [root, version, room, first = "", second, ...more] = filter.split("/");
  if (root !== "platen" || version !== "v1" || more.length > 0) return false;
  if (room === "status") {
    return first === user && second !== undefined && (second === "+" || second === "#" || isJobId(second));
  }
  if (room !== "recipients" || !(first === "+" || isName(first))) return false;
  return second === undefined || second === "minisig";
}
