/** What administration can ask of a running broker, over `admin.sock`: arguments as schemas, answers as types. */
import { z } from "zod";
import type { AccountRow } from "./accounts.ts";
import type { AgentState } from "./directory-changes.ts";
import { BUNDLE_BYTES_MAX, type ShownList } from "./fleet-bundle.ts";
import type { ListStatus } from "./lists.ts";
import type { AgentCondition, AuditEntry } from "./registry-port.ts";
import type { Warning } from "./warning.ts";

const AUDIT_LINES_MAX = 2000;

/** Whether it is a name is judged where it is used, so that the answer says what is wrong with it. */
const name = z.string().max(64);
const nothing = z.strictObject({});
const user = z.strictObject({ name, standard: z.boolean().default(false) });

export const ADMIN_ARGS = {
  "printer.add": z.strictObject({ name, agent: name.optional() }),
  "printer.list": nothing,
  "printer.revoke": z.strictObject({ name }),
  "printer.replace": z.strictObject({ name }),
  "printer.remove": z.strictObject({ name }),
  "group.add": z.strictObject({ name, printers: z.array(name).min(1).max(64) }),
  "group.list": nothing,
  "group.remove": z.strictObject({ name }),
  "user.add": user,
  "user.list": nothing,
  "user.reset": user,
  "user.remove": z.strictObject({ name }),
  "fleet.status": nothing,
  "fleet.sign": nothing,
  "fleet.export": nothing,
  "fleet.import": z.strictObject({ bundle: z.string().max(BUNDLE_BYTES_MAX) }),
  audit: z.strictObject({
    user: name.optional(),
    printer: name.optional(),
    /** Unix seconds. */
    since: z.int().min(0).optional(),
    limit: z.int().min(1).max(AUDIT_LINES_MAX).default(100),
  }),
  "jobs.cancel": z.strictObject({ user: name, job: z.string().max(64) }),
  status: nothing,
} as const;

export type AdminOp = keyof typeof ADMIN_ARGS;
/** As callers write them: what has a default may be left out. */
export type AdminArgs<O extends AdminOp> = z.input<(typeof ADMIN_ARGS)[O]>;
export type CheckedArgs<O extends AdminOp> = z.output<(typeof ADMIN_ARGS)[O]>;

export type PrinterCondition = Omit<AgentCondition["printers"][number], "name">;

export interface PrinterRow {
  readonly name: string;
  readonly agent: string;
  readonly state: AgentState;
  readonly connected: boolean;
  /** Senders are offered it: enrolled, heard of, signed. */
  readonly offered: boolean;
  /** Null until its agent's first hello. */
  readonly languages: readonly string[] | null;
  /** Of its agent's recipient, as the agent showed it when it enrolled; null while nobody enrolled. */
  readonly fingerprint: string | null;
  readonly groups: readonly string[];
  /** Unix seconds; null when no claim code is out. */
  readonly claimUntil: number | null;
  /** What it last said of itself through its agent; null where it has not since this broker started. */
  readonly condition: PrinterCondition | null;
}

export interface GroupRow {
  readonly name: string;
  readonly printers: readonly string[];
  readonly offered: boolean;
  /** Digits of its OTPs; null while it is not offered. */
  readonly otp: number | null;
}

export interface UserRow extends AccountRow {
  /** Unix seconds; null when no invite is out. */
  readonly inviteUntil: number | null;
}

/** Shown once: the broker keeps only hashes of it. */
export type UserAccess =
  | { readonly kind: "invite"; readonly user: string; readonly code: string; readonly expires: number }
  | {
      readonly kind: "standard";
      readonly user: string;
      readonly password: string;
      /** `host:port` */
      readonly address: string;
      /** PEM */
      readonly ca: string;
      /** The line `minisign -P` takes. */
      readonly fleet: string;
    };

export interface AdminResults {
  "printer.add": {
    readonly printer: string;
    readonly agent: string;
    /** Null when the printer joined an agent that is enrolled. */
    readonly code: string | null;
    readonly expires: number | null;
  };
  "printer.list": { readonly printers: readonly PrinterRow[] };
  /** `printers`: all of the agent, which are revoked with it. */
  "printer.revoke": { readonly agent: string; readonly printers: readonly string[] };
  "printer.replace": {
    readonly agent: string;
    readonly printers: readonly string[];
    readonly code: string;
    readonly expires: number;
  };
  "printer.remove": { readonly printer: string };
  "group.add": { readonly group: string; readonly printers: readonly string[] };
  "group.list": { readonly groups: readonly GroupRow[] };
  "group.remove": { readonly group: string };
  "user.add": UserAccess;
  "user.list": { readonly users: readonly UserRow[] };
  "user.reset": UserAccess;
  "user.remove": { readonly user: string; readonly cancelled: number };
  "fleet.status": {
    readonly publicKey: string;
    readonly secret: "here" | "elsewhere";
    readonly lists: readonly ListStatus[];
    readonly pending: readonly ShownList[];
  };
  "fleet.sign": { readonly signed: readonly string[] };
  "fleet.export": { readonly bundle: string };
  "fleet.import": { readonly signed: readonly string[] };
  audit: { readonly entries: readonly AuditEntry[] };
  "jobs.cancel": { readonly user: string; readonly job: string };
  status: {
    readonly uptimeSeconds: number;
    readonly address: string;
    readonly counts: Readonly<Record<string, number>>;
    readonly warnings: readonly Warning[];
  };
}
