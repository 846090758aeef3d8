/**
 * Topics under `platen/v1/`: built and parsed in one place, so that nothing unchecked becomes a topic and
 * nothing else is taken for one. docs/protocol.md lists them.
 */
import { isJobId, isName, type JobRef, parsePartNumber } from "./name.ts";

const ROOT = "platen/v1";
/** Longest topic the contract can produce is 117 characters; whatever is longer is not ours. */
const TOPIC_MAX = 160;

export const CALLS = ["hello", "boot", "renew", "parts", "put", "ask", "event", "claim"] as const;
export type CallName = (typeof CALLS)[number];

/** What a sender publishes under `send/<user>/<target>/<job>/`. */
export type SendLeaf =
  | { readonly kind: "only" }
  | { readonly kind: "part"; readonly n: number }
  | { readonly kind: "end" }
  | { readonly kind: "cancel" };

export type Topic =
  | ({ readonly room: "send"; readonly target: string; readonly leaf: SendLeaf } & JobRef)
  | ({ readonly room: "status" } & JobRef)
  | { readonly room: "recipients"; readonly target: string; readonly signature: boolean }
  | { readonly room: "call"; readonly agent: string; readonly call: CallName }
  | { readonly room: "reply" | "ticket" | "presence" | "condition"; readonly agent: string }
  | ({ readonly room: "part"; readonly agent: string; readonly n: number } & JobRef)
  | { readonly room: "enrol"; readonly code: string; readonly direction: "request" | "reply" };

const CODE_ID = /^[0-9a-f]{16}$/;

/** Parses a concrete topic (no wildcards); null for anything that is not exactly of the contract. */
export function parseTopic(topic: string): Topic | null {
  if (topic.length > TOPIC_MAX) return null;
  const [root, version, room, ...rest] = topic.split("/");
  if (`${root}/${version}` !== ROOT) return null;
  switch (room) {
    case "send":
      return parseSend(rest);
    case "status":
      return parseStatus(rest);
    case "recipients":
      return parseRecipients(rest);
    case "agents":
      return parseAgents(rest);
    case "enrol":
      return parseEnrol(rest);
    default:
      return null;
  }
}

function parseSend([user = "", target = "", job = "", leaf = "", ...more]: string[]): Topic | null {
  if (more.length > 0 || !isName(user) || !isName(target) || !isJobId(job)) return null;
  if (leaf === "only" || leaf === "end" || leaf === "cancel") {
    return { room: "send", user, target, job, leaf: { kind: leaf } };
  }
  const n = parsePartNumber(leaf);
  return n === null ? null : { room: "send", user, target, job, leaf: { kind: "part", n } };
}

function parseStatus([user = "", job = "", ...more]: string[]): Topic | null {
  if (more.length > 0 || !isName(user) || !isJobId(job)) return null;
  return { room: "status", user, job };
}

function parseRecipients([target = "", leaf, ...more]: string[]): Topic | null {
  if (more.length > 0 || !isName(target)) return null;
  if (leaf !== undefined && leaf !== "minisig") return null;
  return { room: "recipients", target, signature: leaf === "minisig" };
}

function parseAgents([agent = "", leaf = "", ...more]: string[]): Topic | null {
  if (!isName(agent)) return null;
  if (leaf === "call") {
    const call = CALLS.find((name) => name === more[0]);
    return call && more.length === 1 ? { room: "call", agent, call } : null;
  }
  if (leaf === "part") {
    const [user = "", job = "", number = "", ...rest] = more;
    const n = parsePartNumber(number);
    if (rest.length > 0 || !isName(user) || !isJobId(job) || n === null) return null;
    return { room: "part", agent, user, job, n };
  }
  if (more.length > 0) return null;
  if (leaf === "reply" || leaf === "ticket" || leaf === "presence" || leaf === "condition") {
    return { room: leaf, agent };
  }
  return null;
}

function parseEnrol([code = "", direction = "", ...more]: string[]): Topic | null {
  if (more.length > 0 || !CODE_ID.test(code)) return null;
  return direction === "request" || direction === "reply" ? { room: "enrol", code, direction } : null;
}

export function sendTopic(ref: JobRef, target: string, leaf: number | "only" | "end" | "cancel"): string {
  return `${ROOT}/send/${ref.user}/${target}/${ref.job}/${leaf}`;
}
export function statusTopic(ref: JobRef): string {
  return `${ROOT}/status/${ref.user}/${ref.job}`;
}
/** The one filter a sender needs to follow all of their own jobs. */
export function statusFilter(user: string): string {
  return `${ROOT}/status/${user}/+`;
}
export function recipientsTopic(target: string): string {
  return `${ROOT}/recipients/${target}`;
}
export function signatureTopic(target: string): string {
  return `${ROOT}/recipients/${target}/minisig`;
}
export function callTopic(agent: string, call: CallName): string {
  return `${ROOT}/agents/${agent}/call/${call}`;
}
export function agentTopic(agent: string, leaf: "reply" | "ticket" | "presence" | "condition"): string {
  return `${ROOT}/agents/${agent}/${leaf}`;
}
export function partTopic(agent: string, ref: JobRef, n: number): string {
  return `${ROOT}/agents/${agent}/part/${ref.user}/${ref.job}/${n}`;
}
/** The filter an agent needs for the parts it asked for. */
export function partFilter(agent: string): string {
  return `${ROOT}/agents/${agent}/part/#`;
}
export function enrolTopic(code: string, direction: "request" | "reply"): string {
  return `${ROOT}/enrol/${code}/${direction}`;
}
