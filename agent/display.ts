/** Which of the things that are true at once the panel shows. The person's own entry goes first, then the pages. */
import type { PanelState, StartingStep } from "./panel.ts";

export interface View {
  /** The agent cannot go on by itself. */
  readonly broken: string | null;
  /** The answer to an entry, for as long as it is shown. */
  readonly verdict: PanelState | null;
  readonly entry: { readonly entered: number; readonly idleWarning: boolean } | null;
  /** What the printing says, the newest last. */
  readonly printing: readonly PanelState[];
  readonly locked: boolean;
  readonly starting: StartingStep | null;
  /** Set-up waits for a person. */
  readonly stuck: { readonly step: StartingStep; readonly what: string } | null;
  readonly online: boolean;
  readonly held: number;
}

export function choosePanelState(view: View): PanelState {
  const { broken, verdict, entry, printing, locked, starting, stuck, online, held } = view;
  if (broken !== null) return { kind: "broken", what: broken };
  if (verdict) return verdict;
  if (entry) return { kind: "entering", ...entry };
  const newest = printing.at(-1);
  if (newest) return newest;
  if (stuck) return { kind: "setup-stuck", ...stuck };
  if (locked) return { kind: "locked" };
  if (starting) return { kind: "starting", step: starting };
  return online ? { kind: "ready", held } : { kind: "broker-away", held };
}
