/** What a job's state means to the person who sent it. */
import type { Reason } from "../wire/reason.ts";
import { REASON_SENTENCES } from "../wire/reasons.table.ts";
import type { JobState } from "../wire/state.ts";

const STATE_SENTENCES: Readonly<Record<JobState, string>> = {
  receiving: "The broker is receiving it.",
  stored: "The broker has it; the printer will fetch it.",
  arriving: "The printer is fetching it.",
  held: "It waits at the printer for its one-time password.",
  releasing: "The one-time password was right; the printer is being taken.",
  printing: "It is printing.",
  printed: "It is printed; the printer confirmed it.",
  delivered: "The printer took all of it; this one confirms nothing more.",
  interrupted: "It was cut short.",
  expired: "It expired and was destroyed.",
  cancelled: "It was cancelled and destroyed.",
  rejected: "It was refused.",
};

/** One sentence for the state, one for the reason where there is one. */
export function describeState(state: JobState, reason: Reason | null): string {
  return reason === null ? STATE_SENTENCES[state] : `${STATE_SENTENCES[state]} ${REASON_SENTENCES[reason]}`;
}

/** True when paper can be expected in the tray. */
export function didPrint(state: JobState): boolean {
  return state === "printed" || state === "delivered";
}
