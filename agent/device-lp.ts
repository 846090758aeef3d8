/**
 * `lp:/dev/usb/lp0`: a printer behind a character device, without a driver of ours.
 *
 * The kernel's usblp takes 8 KiB at a time, answers EAGAIN until the printer took them, and drops what is under
 * way when the file is closed; so `drain` asks with an empty write until that too went through. What usblp hides
 * from a non-blocking writer (a transfer that failed after its write returned) stays unknown: no byte counts as
 * taken for sure before `drain`. On a terminal nothing says when the line is empty: use `serial:` there.
 */
import { close, constants, fstat, open } from "node:fs";
import { promisify } from "node:util";
import { DeviceError, type DeviceStatus } from "./device.ts";
import { Descriptor } from "./device-descriptor.ts";
import { faultOfOpening } from "./device-fault.ts";
import { STATUS_UNKNOWN, type Transport } from "./device-transport.ts";
import { type DeviceUri, refuseOtherOptions, unusableUri } from "./device-uri.ts";

const { O_RDWR, O_WRONLY, O_NONBLOCK = 0, O_NOCTTY = 0 } = constants;

export interface LpAddress {
  readonly uri: string;
  readonly path: string;
}

export function parseLpAddress(uri: DeviceUri): LpAddress {
  refuseOtherOptions(uri, []);
  if (!uri.path.startsWith("/")) throw unusableUri(uri.uri, "needs an absolute path, as in lp:/dev/usb/lp0");
  return { uri: uri.uri, path: uri.path };
}

export async function openLp({ uri, path }: LpAddress): Promise<Transport> {
  let fd: number;
  try {
    fd = await openDuplex(path);
  } catch (cause) {
    throw faultOfOpening(uri, cause);
  }
  if ((await promisify(fstat)(fd)).isCharacterDevice()) return new LpTransport(uri, fd);
  await promisify(close)(fd);
  throw new DeviceError(
    "device-unusable",
    "device",
    `${uri}: this is no character device. Use file: for files.`,
  );
}

/** Unidirectional printers and some permissions allow writing only; the back-channel then stays silent. */
async function openDuplex(path: string): Promise<number> {
  const flags = O_NONBLOCK | O_NOCTTY;
  try {
    return await promisify(open)(path, O_RDWR | flags);
  } catch {
    return await promisify(open)(path, O_WRONLY | flags);
  }
}

class LpTransport implements Transport {
  readonly pieceBytes = 8192;
  readonly keeps = false;
  readonly #descriptor: Descriptor;

  constructor(uri: string, fd: number) {
    this.#descriptor = new Descriptor(uri, fd);
  }

  write(piece: Uint8Array): Promise<void> {
    return this.#descriptor.write(piece);
  }

  async drain(): Promise<void> {
    await this.#descriptor.writeSome(new Uint8Array(0));
  }

  read(): AsyncIterable<Uint8Array> {
    return this.#descriptor.read();
  }

  async status(): Promise<DeviceStatus> {
    return STATUS_UNKNOWN;
  }

  cancel(): void {
    this.#descriptor.cancel();
  }

  async close(): Promise<void> {
    await this.#descriptor.settle();
    await promisify(close)(this.#descriptor.fd);
  }
}
