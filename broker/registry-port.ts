/**
 * What the relay may ask of the registry (who exists, who may come in, what is offered), and the little the registry
 * asks of the relay. The two halves of the broker meet here and nowhere else.
 */
import type { z } from "zod";
import type { conditionSchema } from "../wire/agent-call.ts";
import type { CodeKind } from "../wire/code.ts";
import type { Reason } from "../wire/reason.ts";
import type { Warning } from "./warning.ts";

/** A printer or group that senders are offered: what its signed list says. */
export interface Target {
  readonly name: string;
  readonly printers: readonly TargetPrinter[];
  /** Digits an OTP of this target has. */
  readonly otp: number;
  /** Empty when its printers agree on none: then only `raw` documents fit. */
  readonly languages: readonly string[];
}

export interface TargetPrinter {
  readonly printer: string;
  readonly agent: string;
}

/** One printer of an agent's hello (wire/agent-call.ts). */
export interface HelloPrinter {
  readonly name: string;
  readonly languages: readonly string[];
  readonly raw: boolean;
}

export interface Directory {
  /** Null unless its list is signed: what is not offered does not exist for senders. Revoked printers are left out. */
  target(name: string): Target | null;
  /** Null when there never was one. `revoked` is true for whatever may not connect, enrolment pending included. */
  agent(name: string): { readonly name: string; readonly revoked: boolean } | null;
  printersOf(agent: string): string[];
  userExists(name: string): boolean;
  /**
   * Takes what an agent says of its own printers; others' names are ignored. A printer is offered from its first
   * hello on, because only then its languages are known. Lists change and {@link Lists.onChange} is called before it returns.
   */
  recordHello(agent: string, printers: readonly HelloPrinter[]): void;
}

export interface Accounts {
  /** `throttled` says nothing about the password. Unknown users take the time of known ones. Never throws. */
  verify(user: string, password: string, address: string): Promise<"ok" | "refused" | "throttled">;
}

export interface Codes {
  /** For CONNECT as `$claim` or `$invite`. `secret` is the MQTT password: base64url of 16 bytes. */
  verify(kind: CodeKind, id: string, secret: string): boolean;
}

export interface Enrolment {
  /** Answers a request on `enrol/<id>/request` of a session that {@link Codes.verify} let in. Never rejects: a refusal is a reply. */
  handle(kind: CodeKind, id: string, payload: Uint8Array, address: string): Promise<Uint8Array>;
}

export interface Authority {
  /** What senders and agents pin: the top of the server's chain. */
  readonly caPem: string;
  /** What signs agents' certificates: the `ca` of the TLS context. The same as `caPem` unless a certificate of one's own is configured. */
  readonly agentCaPem: string;
  /** `cert` is the whole chain, its top included, so that a first contact finds the certificate its code pins. */
  serverTls(): { readonly key: string; readonly cert: string };
  /** Called after {@link serverTls} changed: swap the TLS context. Returns what ends the listening. */
  onChange(listener: () => void): () => void;
}

/** 32 bytes per agent, outside SQLite. `put` and `drop` are durable on return. */
export interface BootShares {
  get(agent: string): Uint8Array | null;
  put(agent: string, share: Uint8Array): void;
  drop(agent: string): void;
}

export interface AgentCertificates {
  /**
   * A certificate (PEM) for the key the agent enrolled with. Early asks get the present one again.
   * @throws PlatenError `agent-refused`: revoked or unknown; `csr-refused`: damaged, or another key.
   */
  renew(agent: string, csrPem: string): Promise<string>;
  /** Whether a certificate that TLS verified is still good for `agent`. Serial as Node's `getPeerCertificate()` gives it. */
  accepts(agent: string, certificateSerialHex: string): boolean;
  /**
   * By this clock the certificate of every agent has ended: nobody renewed for months, or the clock is years ahead.
   * Nobody can connect then, and nothing may be forgotten on its word.
   */
  isClockDoubtful(): boolean;
}

/** A list as it is published: an `age -R` file and its minisign signature. */
export interface SignedList {
  readonly target: string;
  readonly list: Uint8Array;
  readonly minisig: Uint8Array;
}

export interface Lists {
  /** Every list on offer, for the retained topics at start. */
  current(): Iterable<SignedList>;
  /** Null: the target is offered no more, clear its retained topics. Returns what ends the listening. */
  onChange(listener: (target: string, list: SignedList | null) => void): () => void;
}

/** What `platen audit` asks of the ledger. `since` in Unix seconds; newest first. */
export interface AuditQuery {
  readonly user?: string | undefined;
  readonly printer?: string | undefined;
  readonly since?: number | undefined;
  readonly limit: number;
}

/**
 * One line of the ledger: who, when, where, size, state. Never a document's name. What happened to an agent itself
 * (`tamper-opened`, `tamper-closed`) has neither user nor job, and the agent as its target.
 */
export interface AuditEntry {
  readonly at: number;
  readonly user: string | null;
  readonly job: string | null;
  readonly target: string;
  readonly printer: string | null;
  readonly state: string;
  readonly reason: string | null;
  readonly bytes: number | null;
  /** Of what was cut short: the most the printer may have taken, `bytes` being the least; null where `bytes` is all. */
  readonly bytesAtMost: number | null;
  /** Of a second copy. */
  readonly again: boolean;
}

/** What an agent says of its printers and itself, as it last said it; it may be away since. */
export type AgentCondition = z.infer<typeof conditionSchema>;

/** What administration needs of the relay. Given to the registry when the broker is put together. */
export interface RelayActions {
  /** Ends all live jobs of a user; how many there were. */
  cancelAll(user: string, reason: Reason): number;
  /** Clears the statuses of a user's jobs for good: whoever gets the name next must not see them. */
  hideStatuses(user: string): void;
  /** False when there is no such live job. */
  cancel(user: string, job: string, reason: Reason): boolean;
  /** Cuts every session that logged in as this user. */
  disconnectUser(user: string): void;
  /** Cuts the agent's session, drops its escrow and ends (`revoked`) what waited for nobody else. Its boot share is already gone. */
  revokeAgent(agent: string): void;
  audit(query: AuditQuery): AuditEntry[];
  /** Null: it has not said anything since this broker started. */
  condition(agent: string): AgentCondition | null;
  /** What agents need of a person: an open case, paper that runs out. */
  warnings(): Warning[];
  /** Numbers for `platen status`: live jobs, bytes held, sessions... */
  counts(): Readonly<Record<string, number>>;
  /** True while the agent's session lives. */
  isConnected(agent: string): boolean;
}
