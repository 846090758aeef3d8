/**
 * What is known of a printer, whoever said it: one model for ESC/POS, PJL and USB port status. What nobody said is
 * unknown, and stays so: nothing here is guessed from silence.
 */
import type { Reason } from "../wire/reason.ts";
import type { DeviceStatus } from "./device.ts";

export const CONCERNS = ["paper-out", "near-end", "cover-open", "jam", "offline", "error"] as const;
type Concern = (typeof CONCERNS)[number];

/** Who said it. `none`: nobody did. */
export type StatusSource =
  | "none"
  | "dle-eot"
  | "asb"
  | "fence"
  | "pjl"
  | "usb-port-status"
  | "dsr"
  | (string & {});

interface Finding {
  /** `null`: unknown. */
  readonly holds: boolean | null;
  /** Unix seconds; 0 where unknown. */
  readonly at: number;
  readonly source: StatusSource;
}

export type PrinterStatus = Readonly<Record<Concern, Finding>>;

/** What one message says; what it does not speak of is left out, or null. */
export type Said = Readonly<Partial<Record<Concern, boolean | null>>>;

const UNKNOWN: Finding = { holds: null, at: 0, source: "none" };

/** Of a printer that cannot say, or was not asked yet. */
export const NOTHING_KNOWN: PrinterStatus = {
  "paper-out": UNKNOWN,
  "near-end": UNKNOWN,
  "cover-open": UNKNOWN,
  jam: UNKNOWN,
  offline: UNKNOWN,
  error: UNKNOWN,
};

/** @param at Unix seconds */
export function learn(status: PrinterStatus, said: Said, source: StatusSource, at: number): PrinterStatus {
  const next: Record<Concern, Finding> = { ...status };
  for (const concern of CONCERNS) {
    const holds = said[concern];
    if (holds !== null && holds !== undefined) next[concern] = { holds, at, source };
  }
  return next;
}

/** In the order in which a person would look; an open cover also ends the paper and takes it offline. */
const OBSTACLES: readonly (readonly [Concern, Reason])[] = [
  ["cover-open", "cover"],
  ["jam", "jam"],
  ["paper-out", "paper"],
  ["error", "device"],
  ["offline", "offline"],
];

/** Why it cannot print now, as far as it said; null where it can, or where nobody knows. */
export function obstacleOf(status: PrinterStatus): Reason | null {
  return OBSTACLES.find(([concern]) => status[concern].holds === true)?.[1] ?? null;
}

/** `yes` only of a printer that said so: online, with nothing against it. */
export function readinessOf(status: PrinterStatus): DeviceStatus["ready"] {
  if (obstacleOf(status) !== null) return "no";
  return status.offline.holds === false ? "yes" : "unknown";
}

/** The modem line says that the printer takes bytes, and nothing of its paper. */
const DSR: StatusSource = "dsr";

/** What a transport's own status says in this model. */
export function learnFromDevice(status: PrinterStatus, device: DeviceStatus, at: number): PrinterStatus {
  if (device.ready === "unknown") return status;
  const said: Partial<Record<Concern, boolean>> =
    device.ready === "yes"
      ? { offline: false, ...(device.source === DSR ? {} : { "paper-out": false, error: false }) }
      : { [concernOf(device.reason)]: true };
  for (const concern of CONCERNS) {
    // Many printers' port status says that all is well whatever happens: it contradicts nobody but itself.
    const before = status[concern];
    if (said[concern] === false && before.holds === true && before.source !== device.source) {
      delete said[concern];
    }
  }
  return learn(status, said, device.source, at);
}

function concernOf(reason: Reason | null): Concern {
  return OBSTACLES.find(([, known]) => known === reason)?.[0] ?? "error";
}
