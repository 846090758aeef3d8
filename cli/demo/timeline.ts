/** What happened to the document and how long each step took, as a short table. */
import { formatMs } from "../duration.ts";
import { layoutTable, textWidth } from "../table.ts";

/**
 * Moments in milliseconds; null where nobody told. `start` to `held` are of one clock, `enter` to `destroyed` of
 * another: no step is measured across the two.
 */
export interface Moments {
  readonly start: number;
  readonly stored: number | null;
  readonly held: number | null;
  readonly enter: number | null;
  readonly firstByte: number | null;
  readonly lastByte: number | null;
  readonly destroyed: number | null;
}

export interface Step {
  readonly step: string;
  readonly what: string;
  readonly tookMs: number | null;
}

/** Each step with the time from what it waited for. */
export function buildTimeline(sealMs: number, moments: Moments): Step[] {
  const between = (from: number | null, to: number | null) =>
    from === null || to === null ? null : Math.max(0, to - from);
  const { start, stored, held, enter, firstByte, lastByte, destroyed } = moments;
  return [
    { step: "seal", what: "encrypting by itself; it goes on while sending", tookMs: sealMs },
    {
      step: "transfer",
      what: "sealed, sent in parts, whole and synced at the broker",
      tookMs: between(start, stored),
    },
    { step: "held", what: "at the printer, checked, locked under the OTP", tookMs: between(stored, held) },
    { step: "first byte", what: "from Enter to the printer", tookMs: between(enter, firstByte) },
    { step: "last byte", what: "the whole document handed over", tookMs: between(firstByte, lastByte) },
    {
      step: "traces gone",
      what: "spool unlinked, keys wiped, share dropped",
      tookMs: between(lastByte, destroyed),
    },
  ];
}

/** Without the explanations where the terminal is too narrow for them. */
export function layoutTimeline(steps: readonly Step[], width: number): string {
  const rows = steps.map(({ step, what, tookMs }) => [step, tookMs === null ? "" : formatMs(tookMs), what]);
  const heads = ["step", "took", "what"];
  const whole = layoutTable(heads, rows, Number.POSITIVE_INFINITY);
  const fits = whole.split("\n").every((line) => textWidth(line) <= width);
  return fits ? whole : layoutTable(heads.slice(0, 2), rows, width);
}
