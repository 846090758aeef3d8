/** What a job's state means to the person who sent it. */
import { REASON_SENTENCES } from "../wire/reasons.table.ts";
import type { JobState } from "../wire/state.ts";
import type { JobStatus } from "../wire/status.ts";
import { formatMoment } from "./moment.ts";
import { formatBounds } from "./size.ts";

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

/** One sentence for the state, and one for each thing there is to say of it: the reason, how much, what may follow. */
export function describeStatus(status: JobStatus, nowS = Date.now() / 1000): string {
  const { state, reason, again, final } = status;
  const sentences = [
    STATE_SENTENCES[state],
    again ? "It is a second copy." : "",
    reason === null ? "" : REASON_SENTENCES[reason],
    state === "interrupted" ? `The printer took ${describeTaken(status)} of it.` : "",
    describeUntil(status, nowS),
    final ? "It is destroyed." : "",
  ];
  return sentences.filter((sentence) => sentence !== "").join(" ");
}

/** In few words, for a table. */
export function describeBriefly(status: JobStatus, nowS = Date.now() / 1000): string {
  const { state, reason, again } = status;
  const notes = [reason, again && "second copy", state === "interrupted" && `took ${describeTaken(status)}`];
  const said = notes.filter(Boolean).join(", ");
  const until = describeUntil(status, nowS).replace(/^It/, "; it").replace(/\.$/, "");
  return `${state}${said === "" ? "" : ` (${said})`}${until}`;
}

function describeTaken({ taken }: JobStatus): string {
  return taken ? formatBounds(...taken) : "nobody knows how much";
}

function describeUntil({ until = 0 }: JobStatus, nowS: number): string {
  return until > nowS ? `It can be printed again until ${formatMoment(until)} with the same OTP.` : "";
}

/** True when paper can be expected in the tray. */
export function didPrint(state: JobState): boolean {
  return state === "printed" || state === "delivered";
}
