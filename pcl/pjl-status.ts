import { CODES, GROUPS } from "./pjl-status.table.ts";

/** What a status code means. */
export type PjlCondition =
  | "fine"
  | "near-end"
  | "bin-full"
  | "continuable"
  | "paper-out"
  | "cover-open"
  | "jam"
  | "offline"
  | "error";

/** What one device message says of a printer; `null` where it says nothing of that. */
export interface PjlFindings {
  readonly "paper-out": boolean | null;
  readonly "near-end": boolean | null;
  readonly "cover-open": boolean | null;
  readonly jam: boolean | null;
  readonly offline: boolean | null;
  readonly error: boolean | null;
}

/** The meaning of one code, by its own row or its group's; `null` where it says nothing of the printer. */
export function readPjlCode(code: number): PjlCondition | null {
  return CODES[code] ?? GROUPS[Math.floor(code / 1000)] ?? null;
}

/**
 * A printer shows the gravest condition only: with its cover open it does not tell whether there is paper. So what is
 * not shown is denied only where nothing halts it.
 */
export function readPjlFindings(codes: readonly number[], online: boolean | null): PjlFindings {
  const conditions = codes.map(readPjlCode).filter((condition) => condition !== null);
  // A full bin, and what goes on by itself or not, matter once the printer went offline for it.
  const waits = conditions.some((one) => one === "bin-full" || one === "continuable") && online === false;
  const halts = waits || conditions.some((one) => HALTING.has(one));
  const isFine = !halts && conditions.length > 0;
  const holds = (condition: PjlCondition): boolean | null =>
    conditions.includes(condition) ? true : isFine ? false : null;
  return {
    "paper-out": holds("paper-out"),
    "near-end": holds("near-end"),
    "cover-open": holds("cover-open"),
    jam: holds("jam"),
    offline: conditions.includes("offline") ? true : online === null ? null : !online,
    error: waits ? true : holds("error"),
  };
}

const HALTING: ReadonlySet<PjlCondition> = new Set(["paper-out", "cover-open", "jam", "error"]);
