/**
 * `usb:04b8:0e15?serial=...`: a printer on the USB bus, without a driver of the kernel in between.
 *
 * A printer that is busy or out of paper NAKs: the transfer stays pending at no cost, and goes on by itself where it
 * stopped. It is cancelled only to give up; what the printer took of it is then unknown, whatever libusb says.
 */
import { setTimeout as pause } from "node:timers/promises";
import { DeviceError, type DeviceStatus } from "./device.ts";
import { BackChannel } from "./device-back-channel.ts";
import { faultOfMoving, faultOfOpening, faultOfVanishing } from "./device-fault.ts";
import { STATUS_UNKNOWN, type Transport } from "./device-transport.ts";
import { findUsbPrinter, type UsbAddress, type UsbPrinter } from "./usb-address.ts";
import { type UsbBus, UsbFault, type UsbHandle, type UsbOutcome, type UsbTransfer } from "./usb-bus.ts";
import { readPortStatus, softReset } from "./usb-class.ts";
import { loadUsbBus } from "./usb-libusb.ts";

/** One transfer of libusb's, and one URB: a longer one is split, and its count after a stall is worth less. */
const PIECE_BYTES = 16_384;
/** A multiple of every packet size, or a printer that says more would be an overflow. */
const READ_BYTES = 4096;
/** Some printers answer every read with nothing instead of waiting. */
const EMPTY_READ_MS = 100;
const ASK_MS = 1000;
const RESET_MS = 500;
/** How long a cancelled transfer may take to come back. */
const CANCEL_MS = 2000;
const CLOSE_DELAY_MS = 1000;
/** Stalls, failures and empty successes in a row, without a byte in between, until it counts as broken. */
const PATIENCE = 3;

/** Opens the printer the address names. `bus` is for tests. */
export async function openUsb(address: UsbAddress, signal?: AbortSignal, bus?: UsbBus): Promise<Transport> {
  const printer = findUsbPrinter(address, await (bus ?? (await loadUsbBus())).devices());
  try {
    const handle = await printer.device.open();
    const line = await takeInterface(handle, printer);
    if (!signal?.aborted) return new UsbTransport(address, line);
    await letGo(line);
  } catch (cause) {
    throw faultOfUsb(address.uri, cause);
  }
  throw new DeviceError("device-aborted", "stalled", `${address.uri}: the opening was given up.`);
}

/** An interface that is ours, and what to give back. */
export interface UsbLine {
  readonly handle: UsbHandle;
  readonly printer: UsbPrinter;
  readonly hadDriver: boolean;
}

/** Takes the interface from the kernel's driver (usblp). On failure everything is as before. Rejects with `UsbFault`. */
export async function takeInterface(handle: UsbHandle, printer: UsbPrinter): Promise<UsbLine> {
  const { face } = printer;
  let hadDriver = false;
  try {
    if (!face.isActive) await handle.configure(face.configuration);
    hadDriver = handle.hasDriver(face.number);
    if (hadDriver) handle.detachDriver(face.number);
    handle.claim(face.number);
    if (face.hasAlternates) await handle.select(face.number, face.alternate);
    return { handle, printer, hadDriver };
  } catch (cause) {
    await letGo({ handle, printer, hadDriver });
    throw cause;
  }
}

/** Gives the interface back to whom it was taken from. Never throws: a device that is gone has nothing to give. */
export async function letGo({ handle, printer: { face, quirks }, hadDriver }: UsbLine): Promise<void> {
  await handle.release(face.number).catch(() => undefined);
  try {
    if (hadDriver && !quirks.noReattach) handle.attachDriver(face.number);
  } catch {
    // Gone, or somebody else was faster.
  }
  try {
    handle.close();
  } catch {
    // A transfer that never came back: the handle lives until the program ends.
  }
}

function faultOfUsb(uri: string, cause: unknown): DeviceError {
  if (cause instanceof UsbFault && cause.code === "EACCES") {
    const message = `${uri}: access is denied. Install the udev rule that gives USB printers to the agent's user, then plug the printer in again.`;
    return new DeviceError("device-unusable", "device", message, { cause });
  }
  return faultOfOpening(uri, cause);
}

class UsbTransport implements Transport {
  readonly pieceBytes = PIECE_BYTES;
  /** A byte that was acknowledged is in the printer. */
  readonly keeps = true;
  readonly #address: UsbAddress;
  readonly #line: UsbLine;
  readonly #backChannel = new BackChannel();
  readonly #listening: Promise<void>;
  readonly #cancelling = new AbortController();
  /** Copies, so that a transfer that comes back late harms nobody. */
  readonly #buffer = new Uint8Array(PIECE_BYTES);
  readonly #pending = new Set<UsbTransfer>();
  #fault: DeviceError | null = null;
  #gaveUp = false;

  constructor(address: UsbAddress, line: UsbLine) {
    this.#address = address;
    this.#line = line;
    this.#listening = this.#listen(line.printer.face.in);
  }

  async write(piece: Uint8Array): Promise<void> {
    const { out } = this.#line.printer.face;
    let barren = 0;
    for (let at = 0; at < piece.length; ) {
      this.#throwFault();
      const rest = this.#buffer.subarray(0, piece.length - at);
      rest.set(piece.subarray(at));
      const outcome = await this.#transfer(out, rest);
      if (outcome.status === "cancelled" || outcome.status === "gone") throw this.#faultOfEnd(outcome);
      if (outcome.bytes > rest.length || outcome.bytes < 0) throw this.#broken("EIO");
      barren = outcome.bytes > 0 ? 0 : barren + 1;
      at += outcome.bytes;
      if (outcome.status === "stall") await this.#clearHalt(out);
      if (outcome.status === "failed" || barren >= PATIENCE) throw this.#broken("EPIPE");
    }
  }

  /** Every transfer ended in the printer; whether the printer is still there is asked. */
  async drain(): Promise<void> {
    this.#throwFault();
    try {
      await readPortStatus(this.#line.handle, this.#line.printer.face, ASK_MS);
    } catch (cause) {
      this.#fault ??= faultOfMoving(this.#address.uri, cause);
    }
    this.#throwFault();
  }

  read(): AsyncIterable<Uint8Array> {
    return this.#backChannel;
  }

  async status(timeoutMs: number): Promise<DeviceStatus> {
    if (!this.#address.asksStatus || this.#fault !== null) return STATUS_UNKNOWN;
    const { handle, printer } = this.#line;
    return await readPortStatus(handle, printer.face, timeoutMs).catch(() => STATUS_UNKNOWN);
  }

  cancel(): void {
    if (this.#cancelling.signal.aborted) return;
    this.#cancelling.abort();
    this.#backChannel.end();
    for (const transfer of this.#pending) transfer.cancel();
  }

  async close(): Promise<void> {
    this.cancel();
    await Promise.race([
      Promise.all([this.#listening, ...[...this.#pending].map(({ done }) => done)]),
      pause(CANCEL_MS, undefined, { ref: false }),
    ]);
    this.#buffer.fill(0);
    const { handle, printer } = this.#line;
    if (this.#fault === null && (this.#gaveUp || printer.quirks.softReset)) {
      await softReset(handle, printer.face, RESET_MS).catch(() => false);
    }
    if (printer.quirks.delayClose) await pause(CLOSE_DELAY_MS);
    await letGo(this.#line);
  }

  async #transfer(endpoint: number, bytes: Uint8Array): Promise<UsbOutcome> {
    if (this.#cancelling.signal.aborted) return { status: "cancelled", bytes: 0 };
    const transfer = this.#line.handle.submit(endpoint, bytes);
    this.#pending.add(transfer);
    void transfer.done.then(() => this.#pending.delete(transfer));
    const { promise: overdue, resolve } = Promise.withResolvers<UsbOutcome>();
    const cancelled = (): void => {
      setTimeout(() => resolve({ status: "cancelled", bytes: 0 }), CANCEL_MS).unref();
    };
    this.#cancelling.signal.addEventListener("abort", cancelled, { once: true });
    const outcome = await Promise.race([transfer.done, overdue]);
    this.#cancelling.signal.removeEventListener("abort", cancelled);
    return outcome;
  }

  #faultOfEnd({ status }: UsbOutcome): DeviceError {
    const { uri } = this.#address;
    if (status === "gone") {
      this.#fault ??= faultOfVanishing(uri);
      return this.#fault;
    }
    this.#gaveUp = true;
    return new DeviceError("device-aborted", "stalled", `${uri}: cancelled`);
  }

  #broken(code: "EIO" | "EPIPE"): DeviceError {
    const what = code === "EPIPE" ? "refuses the document" : "answers wrongly";
    const message = `${this.#address.uri}: the printer ${what}. Switch it off and on; part of the document may be on paper.`;
    return new DeviceError("device-failed", "device", message);
  }

  async #clearHalt(endpoint: number): Promise<void> {
    try {
      await this.#line.handle.clearHalt(endpoint);
    } catch (cause) {
      throw faultOfMoving(this.#address.uri, cause);
    }
  }

  /** Reads as long as there is a transport: a printer whose back-channel nobody empties may stop printing. */
  async #listen(endpoint: number | null): Promise<void> {
    for (let barren = 0; endpoint !== null && barren < PATIENCE; ) {
      const buffer = new Uint8Array(READ_BYTES);
      const { status, bytes } = await this.#transfer(endpoint, buffer);
      if (status === "cancelled") break;
      if (status === "gone") {
        this.#fault ??= faultOfVanishing(this.#address.uri);
        break;
      }
      if (bytes > 0) this.#backChannel.push(buffer.subarray(0, Math.min(bytes, READ_BYTES)));
      barren = status === "done" ? 0 : barren + 1;
      if (status === "stall") await this.#line.handle.clearHalt(endpoint).catch(() => undefined);
      if (bytes === 0) await this.#rest();
    }
    // A silent printer without a back-channel never said that it ended.
    if (endpoint !== null) this.#backChannel.end();
  }

  async #rest(): Promise<void> {
    await pause(EMPTY_READ_MS, undefined, { signal: this.#cancelling.signal }).catch(() => undefined);
  }

  #throwFault(): void {
    if (this.#fault !== null) throw this.#fault;
    if (this.#cancelling.signal.aborted) throw this.#faultOfEnd({ status: "cancelled", bytes: 0 });
  }
}
