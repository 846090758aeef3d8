/**
 * `serial:/dev/ttyUSB0?baud=19200&flow=xonxoff`: a printer on a serial line, through the `serialport` package.
 *
 * The package sets the line and lets go of it; the bytes go through our own {@link Descriptor}. Its drain
 * (`tcdrain`) would hold a thread of Node's pool as long as the printer holds the line, so a child process that
 * can be killed waits instead.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import {
  parseSerialLine,
  SERIAL_OPTIONS,
  type SerialLine,
  serialPortOptions,
} from "../keypad/serial-line.ts";
import { DeviceError, type DeviceStatus } from "./device.ts";
import { Descriptor } from "./device-descriptor.ts";
import { faultOfMoving, faultOfOpening, faultOfVanishing } from "./device-fault.ts";
import { Pending } from "./device-pending.ts";
import { STATUS_UNKNOWN, type Transport } from "./device-transport.ts";
import { type DeviceUri, refuseOtherOptions, unusableUri } from "./device-uri.ts";

export interface SerialAddress {
  readonly uri: string;
  readonly path: string;
  readonly line: SerialLine;
}

export function parseSerialAddress(uri: DeviceUri): SerialAddress {
  refuseOtherOptions(uri, SERIAL_OPTIONS);
  if (!uri.path.startsWith("/")) {
    throw unusableUri(uri.uri, "needs an absolute path, as in serial:/dev/ttyUSB0?baud=19200&flow=xonxoff");
  }
  try {
    return { uri: uri.uri, path: uri.path, line: parseSerialLine(uri.options) };
  } catch (cause) {
    throw unusableUri(uri.uri, cause instanceof RangeError ? `is wrong: ${cause.message}` : String(cause));
  }
}

export async function openSerial({ uri, path, line }: SerialAddress): Promise<Transport> {
  try {
    await checkCharacterDevice(uri, path);
    const { SerialPort } = await import("serialport");
    const port = await SerialPort.binding.open(serialPortOptions(path, line));
    if ("fd" in port && typeof port.fd === "number") return new SerialTransport(uri, port, port.fd);
    await port.close();
    throw new DeviceError("device-unusable", "device", `${uri}: serial lines work on Linux only.`);
  } catch (cause) {
    throw faultOfOpening(uri, cause);
  }
}

/** The package's own errors carry no code; these do. */
async function checkCharacterDevice(uri: string, path: string): Promise<void> {
  await access(path, constants.R_OK | constants.W_OK);
  if ((await stat(path)).isCharacterDevice()) return;
  throw new DeviceError("device-unusable", "device", `${uri}: this is no serial line. Use file: for files.`);
}

/** What we use of the package's open port. */
interface SerialBinding {
  flush(): Promise<void>;
  close(): Promise<void>;
}

class SerialTransport implements Transport {
  /** One second of 9600 baud: the grain of progress. The kernel's buffer keeps the line busy in between. */
  readonly pieceBytes = 1024;
  readonly keeps = false;
  readonly #uri: string;
  readonly #port: SerialBinding;
  readonly #descriptor: Descriptor;
  readonly #draining = new Pending();
  #isDrained = true;

  constructor(uri: string, port: SerialBinding, fd: number) {
    this.#uri = uri;
    this.#port = port;
    this.#descriptor = new Descriptor(uri, fd);
  }

  write(piece: Uint8Array): Promise<void> {
    this.#isDrained = false;
    return this.#descriptor.write(piece);
  }

  async drain(): Promise<void> {
    const child = spawnDrain(this.#descriptor.fd);
    child.once("error", (cause) => this.#draining.fail(faultOfMoving(this.#uri, cause)));
    try {
      await this.#draining.run((done) => {
        child.once("exit", (status) => {
          if (status === 0) done();
          else this.#draining.fail(faultOfVanishing(this.#uri));
        });
      });
    } finally {
      child.kill("SIGKILL");
    }
    this.#isDrained = true;
  }

  read(): AsyncIterable<Uint8Array> {
    return this.#descriptor.read();
  }

  async status(): Promise<DeviceStatus> {
    return STATUS_UNKNOWN;
  }

  cancel(): void {
    this.#descriptor.cancel();
    this.#draining.fail(new DeviceError("device-aborted", "stalled", `${this.#uri}: cancelled`));
  }

  async close(): Promise<void> {
    await this.#descriptor.settle();
    // A close waits up to 30 s for bytes the printer does not take.
    if (!this.#isDrained) await this.#port.flush().catch(() => undefined);
    await this.#port.close();
  }
}

/**
 * `stty` applies a setting only after the output went out (TCSADRAIN); echo is off already, so nothing changes.
 * The line is descriptor 3, because Node makes a child's 0 to 2 blocking, which the parent would share.
 */
function spawnDrain(fd: number): ChildProcess {
  return spawn("/bin/sh", ["-c", "exec stty -echo <&3"], { stdio: ["ignore", "ignore", "ignore", fd] });
}
