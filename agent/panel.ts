/**
 * The panel port: what the person at the printer sees and hears. The grammar is that of the terminal rules
 * (one light pattern and one sound per state); each implementation shows it as well as it can.
 */
import type { Reason } from "../wire/reason.ts";

/** In the order in which they are reached. */
export const STARTING_STEPS = ["power", "network", "clock", "broker", "printer", "keypad"] as const;
export type StartingStep = (typeof STARTING_STEPS)[number];

/** What is shown now. Never holds a digit: `entered` is a count. */
export type PanelState =
  | { readonly kind: "starting"; readonly step: StartingStep }
  /** Set-up waits for a person: at this step, for this reason. */
  | { readonly kind: "setup-stuck"; readonly step: StartingStep; readonly what: string }
  | { readonly kind: "ready"; readonly held: number }
  | { readonly kind: "entering"; readonly entered: number; readonly idleWarning: boolean }
  | { readonly kind: "checking" }
  | { readonly kind: "accepted-waiting" }
  | { readonly kind: "printing"; readonly printer: string; readonly second: boolean }
  | { readonly kind: "take-pages"; readonly printer: string; readonly confirmed: boolean }
  | { readonly kind: "not-accepted" }
  | { readonly kind: "wait"; readonly seconds: number }
  | { readonly kind: "printer-care"; readonly printer: string; readonly reason: Reason }
  | {
      readonly kind: "paused";
      readonly printer: string;
      readonly reason: Reason;
      readonly otpNeeded: boolean;
    }
  | { readonly kind: "broker-away"; readonly held: number }
  /** `entry`: in answer to one, which cost no try. */
  | { readonly kind: "locked"; readonly entry?: true }
  | { readonly kind: "broken"; readonly what: string };

export interface Panel {
  show(state: PanelState): void;
  /** The immediate answer to a key: a tick within 100 ms, whatever else is shown. */
  tick(): void;
  close(): Promise<void>;
}
