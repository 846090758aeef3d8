/** What a CONNECT may hold, judged before anything is done with it: aedes takes NUL, control characters and bad UTF-8. */
import type { ConnectPacket } from "aedes";
import type { CodeKind } from "../wire/code.ts";
import { isName } from "../wire/name.ts";
import { agentTopic } from "../wire/topic.ts";

/** What someone claims to be. Nothing is proved yet, except an agent's certificate by TLS. */
export type Login =
  | { readonly kind: "user"; readonly name: string; readonly password: string }
  | { readonly kind: "agent"; readonly name: string }
  | {
      readonly kind: "first-contact";
      readonly code: CodeKind;
      readonly id: string;
      readonly secret: string;
    };

/** MQTT 3.1.1's CONNACK codes that are used here (3.2.2.3). */
export type LoginFault = "identifier" | "credentials" | "not-authorized";
export const RETURN_CODES: Readonly<Record<LoginFault | "unavailable" | "second-session", number>> = {
  identifier: 2,
  unavailable: 3,
  // It may be the same agent, whose last connection broke unseen: to be tried again.
  "second-session": 3,
  credentials: 4,
  "not-authorized": 5,
};

/** Seconds. MQTT.js and mosquitto say 60; silence for longer than this is not noticed in time. */
export const KEEPALIVE_MAX_S = 1200;
const CLIENT_ID = /^[\x21-\x7e]{0,128}$/;
const CODE_LOGIN = /^\$(claim|invite)$/;
const CODE_ID = /^[0-9a-f]{16}$/;
const PASSWORD_BYTES_MAX = 256;

/**
 * Reads a CONNECT of a peer whose verified certificate names `certifiedAgent` (null: it showed none).
 * A certificate is an agent's, and only the session of that agent: client id and CN are the same.
 */
export function readLogin(packet: ConnectPacket, certifiedAgent: string | null): Login | LoginFault {
  const { clientId, username } = packet;
  if (!CLIENT_ID.test(clientId)) return "identifier";
  if (certifiedAgent !== null) {
    if (clientId !== certifiedAgent || !isName(certifiedAgent)) return "identifier";
    return username === undefined || username === certifiedAgent
      ? { kind: "agent", name: certifiedAgent }
      : "not-authorized";
  }
  const password = decodePassword(packet.password);
  if (username === undefined || password === null) return "credentials";
  const kind = CODE_LOGIN.exec(username)?.[1] as CodeKind | undefined;
  if (kind === undefined)
    return isName(username) ? { kind: "user", name: username, password } : "credentials";
  const id = clientId.slice(kind.length + 1);
  if (clientId !== `${kind}-${id}` || !CODE_ID.test(id)) return "identifier";
  return { kind: "first-contact", code: kind, id, secret: password };
}

function decodePassword(bytes: Buffer | string | undefined): string | null {
  if (bytes === undefined || bytes.length === 0 || bytes.length > PASSWORD_BYTES_MAX) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(bytes));
  } catch {
    return null;
  }
}

/**
 * The client id aedes knows a session by. Each identity has ids of its own: nobody can take another's session over by
 * choosing its client id.
 */
export function sessionId(login: Login, clientId: string, random: () => string): string {
  switch (login.kind) {
    case "agent":
      return `agent/${login.name}`;
    case "first-contact":
      return `${login.code}/${login.id}/${random()}`;
    case "user":
      return `user/${login.name}/${clientId === "" ? random() : clientId}`;
  }
}

/** A last will is an agent's alone, and only the word on its presence that it is away. */
export function isWillAllowed(login: Login, will: NonNullable<ConnectPacket["will"]>): boolean {
  return (
    login.kind === "agent" &&
    will.topic === agentTopic(login.name, "presence") &&
    (will.qos ?? 0) < 2 &&
    will.payload.length <= 64
  );
}
