/** One job of the soak: what was meant to become of it, and what is known so far. */
import { isEnd } from "../../../wire/state.ts";
import type { JobStatus } from "../../../wire/status.ts";
import { isLastStatus } from "../../../wire/status.ts";
import type { Caught } from "./catcher.ts";
import type { Order } from "./order.ts";

/** `print`: its owner goes to the printer; `cancel`: thinks better of it; `expire`: forgets it. */
export type Intent = "print" | "cancel" | "expire";

export interface SoakJob {
  readonly order: Order;
  readonly intent: Intent;
  /** Seconds between its being held and its owner at the keypad. */
  readonly thinkS: number;
  /** Where it may be typed. */
  readonly agents: readonly string[];
  otp: string | null;
  status: JobStatus | null;
  failed: string | null;
  /** Unix milliseconds, of the first of each. */
  beganMs: number | null;
  heldMs: number | null;
  enteredMs: number | null;
  /** Milliseconds from each Enter that was right to its first byte. */
  readonly releaseMs: number[];
  /** Times its OTP was typed: it comes out no oftener. */
  entries: number;
  /** Times something broke off. */
  interruptions: number;
  readonly caught: Caught[];
  /** When its owner does the next thing; of `performance.now()`. */
  dueMs: number;
}

export function makeJob(
  order: Order,
  plan: { readonly intent: Intent; readonly thinkS: number; readonly agents: readonly string[] },
): SoakJob {
  return {
    order,
    ...plan,
    otp: null,
    status: null,
    failed: null,
    beganMs: null,
    heldMs: null,
    enteredMs: null,
    releaseMs: [],
    entries: 0,
    interruptions: 0,
    caught: [],
    dueMs: 0,
  };
}

export function hasEnded({ status, failed }: SoakJob): boolean {
  return failed !== null || (status !== null && isLastStatus(status));
}

/** The end with its reason, as `delivered` or `rejected disk-full`. */
export function nameEnd({ status, failed }: SoakJob): string {
  if (failed !== null) return `failed ${failed.split(":")[0]}`;
  if (!status) return "never heard of";
  return status.reason === null ? status.state : `${status.state} ${status.reason}`;
}

const CAME_OUT: ReadonlySet<string> = new Set(["printed", "delivered"]);

/**
 * What is wrong with how it ended, against what came out of the printers. `diskFull`: agents whose disk is too small on
 * purpose.
 */
export function findFaults(job: SoakJob, diskFull: readonly string[]): string[] {
  const { order, intent, status, failed, caught } = job;
  const faults: string[] = [];
  const whole = caught.filter((copy) => copy.whole);
  const state = status?.state ?? "none";
  if (failed !== null) {
    if (!isHonest(failed, intent)) faults.push(`the sender gave up: ${failed}`);
  } else if (!isExpectedEnd(job, diskFull)) faults.push(`meant to ${intent}, ended as ${nameEnd(job)}`);
  if (CAME_OUT.has(state) && whole.length < order.copies)
    faults.push(`told as ${state}, came out whole ${whole.length} times of ${order.copies}`);
  if (state === "printed" && !caught.some((copy) => copy.whole && copy.confirmed))
    faults.push("told as printed, and no printer confirmed it");
  if (whole.length > order.copies * job.entries)
    faults.push(`came out ${whole.length} times, was asked for ${job.entries} times`);
  if (isEnd(state as JobStatus["state"]) && !CAME_OUT.has(state) && caught.length > 0)
    faults.push(`told as ${state}, and ${caught.length} came out`);
  return faults.map((fault) => `${order.user}/${order.job} to ${order.target}: ${fault}`);
}

/** A machine too busy to answer for minutes is no broken promise: the sender was told. */
function isHonest(failed: string, intent: Intent): boolean {
  if (/^(broker-unreachable|timeout|not-stored):/.test(failed)) return true;
  return intent === "expire" && /^job-rejected: .*expiry/.test(failed);
}

function isExpectedEnd({ intent, status, agents }: SoakJob, diskFull: readonly string[]): boolean {
  const state = status?.state ?? "none";
  if (state === "rejected" && status?.reason === "disk-full")
    return agents.some((name) => diskFull.includes(name));
  if (intent === "print") return CAME_OUT.has(state);
  return state === (intent === "cancel" ? "cancelled" : "expired");
}
