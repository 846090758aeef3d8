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
import { setTimeout as pause } from "node:timers/promises";
import {
  bytesPerSecond,
  parseSerialLine,
  SERIAL_OPTIONS,
  type SerialLine,
  serialPortOptions,
} from "../keypad/serial-line.ts";
import { DeviceError, type DeviceStatus, type LineErrors } from "./device.ts";
import { Descriptor } from "./device-descriptor.ts";
import { faultOfMoving, faultOfOpening, faultOfVanishing } from "./device-fault.ts";
import { Pending } from "./device-pending.ts";
import { LineMarks } from "./device-serial-marks.ts";
import { Pace, type PaceTime, type ReadDsr } from "./device-serial-pace.ts";
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

const TIME: PaceTime = {
  now: () => performance.now(),
  pause: (ms, signal) => pause(ms, undefined, { signal }),
};

/** @param readDsr where the line has no DSR of its own to ask: terminals of tests */
export async function openSerial(
  { uri, path, line }: SerialAddress,
  _signal?: AbortSignal,
  readDsr?: ReadDsr,
): Promise<Transport> {
  try {
    await checkCharacterDevice(uri, path);
    const { SerialPort } = (
      (await import("serialport")) as unknown as { default: typeof import("serialport") }
    ).default;
    const port = await SerialPort.binding.open(serialPortOptions(path, line));
    if (!("fd" in port && typeof port.fd === "number")) {
      await port.close();
      throw new DeviceError("device-unusable", "device", `${uri}: serial lines work on Linux only.`);
    }
    const pace = line.flow === "dtrdsr" ? await openPace(uri, line, port, readDsr) : null;
    return new SerialTransport(uri, port, port.fd, { pace, marks: await startMarking(port.fd) });
  } catch (cause) {
    throw faultOfOpening(uri, cause);
  }
}

async function openPace(
  uri: string,
  line: SerialLine,
  port: SerialBinding,
  readDsr: ReadDsr = async () => (await port.get()).dsr,
): Promise<Pace> {
  try {
    await readDsr();
  } catch (cause) {
    await port.close();
    const message = `${uri}: this line has no DSR to ask. Use flow=xonxoff or flow=rtscts, and set the printer to it.`;
    throw new DeviceError("device-unusable", "device", message, { cause });
  }
  const readOrVanish = async (): Promise<boolean> => {
    try {
      return await readDsr();
    } catch {
      throw faultOfVanishing(uri);
    }
  };
  return new Pace(bytesPerSecond(line), readOrVanish, TIME);
}

/** The package's own errors carry no code; these do. */
async function checkCharacterDevice(uri: string, path: string): Promise<void> {
  await access(path, constants.R_OK | constants.W_OK);
  if ((await stat(path)).isCharacterDevice()) return;
  throw new DeviceError("device-unusable", "device", `${uri}: this is no serial line. Use file: for files.`);
}

/** What we use of the package's open port. */
interface SerialBinding {
  /** The modem lines. Rejects where there are none. */
  get(): Promise<{ dsr: boolean }>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** What a line says beside bytes. */
interface Readings {
  /** Null but for DTR/DSR flow control, which the kernel leaves to us. */
  readonly pace: Pace | null;
  /** Null where the line cannot be told to mark. */
  readonly marks: LineMarks | null;
}

class SerialTransport implements Transport {
  /** One second of 9600 baud: the grain of progress. The kernel's buffer keeps the line busy in between. */
  readonly pieceBytes = 1024;
  readonly keeps = false;
  readonly #uri: string;
  readonly #port: SerialBinding;
  readonly #descriptor: Descriptor;
  readonly #pace: Pace | null;
  readonly #draining = new Pending();
  readonly #cancelling = new AbortController();
  readonly #marks: LineMarks | null;
  #isUntouched = true;
  #isDrained = true;

  /** @param port belongs to this from now on, with its descriptor */
  constructor(uri: string, port: SerialBinding, fd: number, { pace, marks }: Readings) {
    this.#uri = uri;
    this.#port = port;
    this.#descriptor = new Descriptor(uri, fd);
    this.#pace = pace;
    this.#marks = marks;
  }

  get lineErrors(): LineErrors | null {
    return this.#marks?.errors ?? null;
  }

  async write(piece: Uint8Array): Promise<void> {
    this.#isUntouched = false;
    this.#isDrained = false;
    if (this.#pace === null) return await this.#descriptor.write(piece);
    for (let at = 0; at < piece.length; ) {
      const size = await this.#pace.admit(piece.length - at, this.#cancelling.signal);
      await this.#descriptor.write(piece.subarray(at, at + size));
      at += size;
    }
  }

  async drain(): Promise<void> {
    const child = spawnStty(this.#descriptor.fd, DRAINING);
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

  async *read(): AsyncGenerator<Uint8Array> {
    for await (const bytes of this.#descriptor.read()) {
      const said = this.#marks?.take(bytes) ?? bytes;
      if (said.length > 0) yield said;
    }
  }

  /** DSR is a printer's word for "I take bytes". Amid a document it may just be busy, so it is asked before only. */
  async status(timeoutMs: number): Promise<DeviceStatus> {
    if (this.#pace === null || !this.#isUntouched) return STATUS_UNKNOWN;
    try {
      return (await this.#pace.isReadyWithin(timeoutMs, this.#cancelling.signal))
        ? { ready: "yes", reason: null, source: "dsr" }
        : { ready: "no", reason: "offline", source: "dsr" };
    } catch {
      // It vanished, or was let go: the writer is told.
      return STATUS_UNKNOWN;
    }
  }

  cancel(): void {
    this.#cancelling.abort();
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

/** Before the line is used: a mark must not be mistaken for what came without one. */
async function startMarking(fd: number): Promise<LineMarks | null> {
  const child = spawnStty(fd, MARKING, AbortSignal.timeout(MARKING_MS));
  const isSet = await new Promise<boolean>((resolve) => {
    child.once("error", () => resolve(false));
    child.once("exit", (status) => resolve(status === 0));
  });
  return isSet ? new LineMarks() : null;
}

const MARKING_MS = 5000;

/**
 * Marks what came damaged (see {@link LineMarks}), and names the two bytes the kernel obeys as XOFF and XON, whatever a
 * program before us left there. `-drain`: at once, not when the printer took all that is under way.
 */
const MARKING = "-drain -ignpar inpck parmrk -ignbrk -brkint start '^Q' stop '^S'";

/** `stty` applies a setting only after the output went out (TCSADRAIN); echo is off already, so nothing changes. */
const DRAINING = "-echo";

/** The line is descriptor 3, because Node makes a child's 0 to 2 blocking, which the parent would share. */
function spawnStty(fd: number, settings: string, signal?: AbortSignal): ChildProcess {
  return spawn("/bin/sh", ["-c", `exec stty ${settings} <&3`], {
    stdio: ["ignore", "ignore", "ignore", fd],
    killSignal: "SIGKILL",
    ...(signal && { signal }),
  });
}
