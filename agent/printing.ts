/** One copy of a document through one device: before, the document, after, drained. */
import type { Device } from "./device.ts";
import type { PrinterProfile } from "./keeper-port.ts";
import type { OpenPrinter } from "./open-printer.ts";
import { shredPlaintext } from "./plaintext.ts";
import type { StallWatch } from "./stall-watch.ts";

/** What is handed over at once, where the printer is quick and where it is slow: a pause takes hold at the next piece. */
const PIECE_BYTES = 64 * 1024;
const SLOW_PIECE_BYTES = 4 * 1024;
const SLOW_MS = 250;

export interface CopySteps {
  onFirstByte(): void;
  /** The document begins after so many bytes of the opening. */
  onDocument(offset: number): void;
  /** Every byte was written; not yet drained. */
  onLastByte(): void;
}

/** One copy and what goes around it. */
export interface Copy {
  readonly profile: PrinterProfile;
  readonly document: AsyncIterable<Uint8Array>;
  readonly confirmMs: number;
}

/**
 * True when the printer confirmed it; false when every byte was drained and no more is known. Rejects with
 * DeviceError, or with what `document` throws. Wipes each piece once the device is done with it. The printer stays the
 * caller's to dispose of.
 */
export async function printCopy(
  printer: OpenPrinter,
  { profile, document, confirmMs }: Copy,
  watch: StallWatch,
  steps: CopySteps,
): Promise<boolean> {
  const { device } = printer;
  watch.watch(() => device.bytesWritten);
  const hand = new Hand(device, watch, steps.onFirstByte);
  await hand.over(profile.before);
  await hand.over(printer.opening);
  steps.onDocument(device.bytesWritten);
  // While the device takes one piece the next is opened; no more than that is ever in the clear.
  let handing: Promise<void> = Promise.resolve();
  try {
    for await (const bytes of document) {
      await handing;
      handing = hand.over(bytes).finally(() => shredPlaintext(bytes));
      handing.catch(() => undefined);
    }
  } finally {
    await handing;
  }
  await hand.over(profile.after);
  await hand.over(printer.close());
  steps.onLastByte();
  return await printer.conclude(watch, confirmMs);
}

class Hand {
  readonly #device: Device;
  readonly #watch: StallWatch;
  readonly #onFirstByte: () => void;
  #pieceBytes = PIECE_BYTES;
  #isFirst = true;

  constructor(device: Device, watch: StallWatch, onFirstByte: () => void) {
    this.#device = device;
    this.#watch = watch;
    this.#onFirstByte = onFirstByte;
  }

  async over(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      await this.#watch.pass();
      const piece = bytes.subarray(at, at + this.#pieceBytes);
      at += piece.length;
      const begun = performance.now();
      await this.#device.write(piece, this.#watch.signal);
      this.#pieceBytes = performance.now() - begun > SLOW_MS ? SLOW_PIECE_BYTES : PIECE_BYTES;
      if (this.#isFirst) this.#onFirstByte();
      this.#isFirst = false;
    }
  }
}
