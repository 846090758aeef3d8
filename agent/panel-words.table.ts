/**
 * What a panel with text says: one short line of plain English per state. Never a digit of an OTP, a document's
 * name or a user's: whoever stands at the printer reads it.
 */
import type { Reason } from "../wire/reason.ts";
import type { PanelState, StartingStep } from "./panel.ts";

export type PanelKind = PanelState["kind"];
type Words = { readonly [K in PanelKind]: (state: Extract<PanelState, { kind: K }>) => string };

const STEPS: Readonly<Record<StartingStep, string>> = {
  power: "power",
  network: "network",
  clock: "clock",
  broker: "broker",
  printer: "printer",
  keypad: "keypad",
};

/** What stands behind the printer's name. */
const TROUBLE: Partial<Readonly<Record<Reason, string>>> = {
  paper: "is out of paper. Add paper.",
  cover: "is open. Close the cover.",
  jam: "has a paper jam. Clear it.",
  offline: "does not answer. Is it on?",
  stalled: "has stopped. Look at its display.",
  cable: "is unplugged. Check its cable.",
  device: "reports an error. Switch it off and on.",
  power: "was interrupted.",
};

export const PANEL_WORDS: Words = {
  starting: ({ step }) => `Starting: ${STEPS[step]} ...`,
  "setup-stuck": ({ step, what }) => `Set-up waits (${STEPS[step]}): ${what}`,
  ready: ({ held }) =>
    held === 0 ? "Ready. Nothing is waiting." : `Ready. ${count(held)} waiting. Type your code.`,
  entering: ({ entered, idleWarning }) =>
    `${dots(entered)}${idleWarning ? "  Still there? This clears soon." : "  then Enter"}`,
  checking: () => "Checking ...",
  "accepted-waiting": () => "Accepted. Your turn comes after the job that is printing.",
  printing: ({ printer, second }) => (second ? `Printing again on ${printer}.` : `Printing on ${printer}.`),
  "take-pages": ({ printer, confirmed }) =>
    confirmed
      ? `Done. Take your pages from ${printer}.`
      : `All sent to ${printer}. Take your pages; type your code again if some are missing.`,
  "not-accepted": () => "Not accepted. Check your code and try again.",
  wait: ({ seconds }) => `Too many tries. Wait ${duration(seconds)}.`,
  "printer-care": ({ printer, reason }) => `${printer} ${trouble(reason)} Then type your code again.`,
  paused: ({ printer, reason, otpNeeded }) =>
    `Paused: ${printer} ${trouble(reason)}${otpNeeded ? " Type your code to go on." : ""}`,
  "broker-away": ({ held }) =>
    held === 0
      ? "No connection. Nothing is waiting here."
      : `No connection. ${count(held)} waiting here and can print.`,
  locked: () => "No connection since the restart. Codes cannot be checked; none is lost.",
  broken: ({ what }) => `Out of order: ${what}`,
};

/** The sentence for any state. */
export function wordPanel(state: PanelState): string {
  // The table pairs each kind with its own function; the compiler sees only the union of both.
  const word = PANEL_WORDS[state.kind] as (state: PanelState) => string;
  return word(state);
}

/** As it is shown and spoken, in fours; never more than a line holds. */
function dots(entered: number): string {
  return "●".repeat(Math.min(entered, 16)).replaceAll(/(.{4})(?=.)/g, "$1 ");
}

function count(jobs: number): string {
  return jobs === 1 ? "1 job is" : `${jobs} jobs are`;
}

function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  return `${Math.ceil(seconds / 60)} min`;
}

function trouble(reason: Reason): string {
  return TROUBLE[reason] ?? "needs care.";
}
