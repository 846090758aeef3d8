/** Printing something of one's own, without a job: asked first, sent with all the manners of a job, confirmed if it can be. */
import type { Reason } from "../wire/reason.ts";
import { systemTime } from "./clock.ts";
import { setDeadline } from "./deadline.ts";
import { openDevice } from "./open-device.ts";
import { OpenPrinter } from "./open-printer.ts";
import { NOTHING_KNOWN, obstacleOf, type PrinterStatus } from "./printer-status.ts";
import { printCopy } from "./printing.ts";
import type { Profile } from "./profile.ts";
import { StallWatch } from "./stall-watch.ts";

const OPEN_MS = 10_000;
const STALL_MS = 5000;
const GIVE_UP_MS = 60_000;
const CONFIRM_MS = 30_000;

export type PageOutcome =
  /** Nothing was sent: the printer itself says why. */
  | { readonly kind: "care"; readonly status: PrinterStatus }
  /** `confirmed`: the printer said that it is on paper. */
  | { readonly kind: "sent"; readonly bytes: number; readonly confirmed: boolean };

/** @param onPaused the printer takes nothing, and why. Rejects with DeviceError; the page is then cut short at most. */
export async function printPage(
  uri: string,
  profile: Profile,
  page: Uint8Array,
  onPaused: (reason: Reason) => void,
): Promise<PageOutcome> {
  const limit = setDeadline(OPEN_MS);
  let status = NOTHING_KNOWN;
  const options = {
    status: profile.status,
    manners: { answers: true, confirms: true },
    now: systemTime.wall,
    onStatus: (said: PrinterStatus) => {
      status = said;
    },
  };
  try {
    const printer = new OpenPrinter(await openDevice(uri, { signal: limit.signal }), options);
    try {
      await printer.ask(limit.signal);
      if (obstacleOf(status) !== null) return { kind: "care", status };
      return await send(printer, profile, page, onPaused);
    } finally {
      await printer.dispose();
    }
  } finally {
    limit.clear();
  }
}

async function send(
  printer: OpenPrinter,
  profile: Profile,
  page: Uint8Array,
  onPaused: (reason: Reason) => void,
): Promise<PageOutcome> {
  // Nobody types an OTP for a test page: it only waits, and gives up.
  const limits = { stallMs: STALL_MS, stallOtpMs: 2 * GIVE_UP_MS, stallGiveUpMs: GIVE_UP_MS };
  const watch = new StallWatch(systemTime.monotonic, limits, {
    obstacle: () => printer.obstacle,
    onPaused,
    onResumed: () => undefined,
  });
  const bytes = page.length;
  try {
    const document = once(page);
    const steps = { onFirstByte: nothing, onDocument: nothing, onLastByte: nothing };
    const confirmed = await printCopy(printer, { profile, document, confirmMs: CONFIRM_MS }, watch, steps);
    return { kind: "sent", bytes, confirmed };
  } finally {
    watch.close();
  }
}

async function* once(page: Uint8Array): AsyncGenerator<Uint8Array> {
  // What is handed over is wiped afterwards, memory and all: it must be a memory of its own.
  yield Uint8Array.from(page);
}

function nothing(): void {}
