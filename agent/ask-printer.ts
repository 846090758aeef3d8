/** One question to a printer, without printing anything: what it says of itself, for technicians. */
import { systemTime } from "./clock.ts";
import { setDeadline } from "./deadline.ts";
import { DeviceError, type LineErrors } from "./device.ts";
import { openDevice } from "./open-device.ts";
import { OpenPrinter } from "./open-printer.ts";
import { NOTHING_KNOWN, obstacleOf, type PrinterStatus, readinessOf } from "./printer-status.ts";
import type { Profile } from "./profile.ts";

const OPEN_MS = 5000;

export type PrinterAnswer =
  /** `lineErrors`: what it said came damaged; null where nothing did, or nobody can tell. */
  | { readonly kind: "status"; readonly status: PrinterStatus; readonly lineErrors: LineErrors | null }
  /** It could not even be opened; `what` is a sentence. */
  | { readonly kind: "fault"; readonly what: string };

/** Opens the printer, asks, closes it. Never rejects for the printer's sake. Not for `file:`, which would be made. */
export async function askPrinter(uri: string, status: Profile["status"]): Promise<PrinterAnswer> {
  const limit = setDeadline(OPEN_MS);
  let heard = NOTHING_KNOWN;
  let lineErrors: LineErrors | null = null;
  try {
    const device = await openDevice(uri, { signal: limit.signal });
    const printer = new OpenPrinter(device, {
      status,
      manners: { answers: true, confirms: true },
      now: systemTime.wall,
      onStatus: (said) => {
        heard = said;
      },
      onLineErrors: (errors) => {
        lineErrors = errors;
      },
    });
    try {
      await printer.ask(limit.signal);
    } finally {
      await printer.dispose();
    }
    return { kind: "status", status: heard, lineErrors };
  } catch (cause) {
    if (cause instanceof DeviceError) return { kind: "fault", what: cause.message };
    throw cause;
  } finally {
    limit.clear();
  }
}

/** What stands in a printer's way, and what to do; for reasons a printer can give. */
const CARE: Readonly<Partial<Record<string, readonly [what: string, remedy: string]>>> = {
  paper: ["is out of paper", "Add paper."],
  cover: ["is open", "Close the cover."],
  jam: ["has a paper jam", "Clear it."],
  offline: ["is offline", "Switch it on, and press its online button."],
  device: ["reports an error", "Look at its display; switch it off and on."],
};

/** As `3 bytes and 1 break came damaged from it`. */
export function wordLineErrors({ damagedBytes, breaks }: LineErrors): string {
  const count = (n: number, what: string) => (n === 0 ? [] : [`${n} ${what}${n === 1 ? "" : "s"}`]);
  const bytes = count(damagedBytes, "byte").map((text) => `${text} came damaged from it (parity or framing)`);
  const marks = count(breaks, "break").map((text) => `${text} came on its line`);
  return [...bytes, ...marks].join(", ");
}

export const LINE_REMEDY =
  "Compare baud, data, parity and stop in its uri with the printer's own settings; then look at cable and plugs.";

/** As `lobby is out of paper`, and what to do; `remedy` is null where nothing is known against it. */
export function wordStatus(status: PrinterStatus): { what: string; remedy: string | null } {
  const obstacle = obstacleOf(status);
  if (obstacle !== null) {
    const [what, remedy] = CARE[obstacle] ?? ["needs care", "Look at its display."];
    return { what, remedy };
  }
  if (status["near-end"].holds === true)
    return { what: "is nearly out of paper", remedy: "Have paper ready." };
  const isReady = readinessOf(status) === "yes";
  return { what: isReady ? "is ready" : "can be reached; it does not say how it is", remedy: null };
}
