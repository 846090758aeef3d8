/**
 * `serial:/dev/ttyUSB0?baud=9600` keypads, scanners and badge readers that send characters on a serial line.
 *
 * The `serialport` package only sets the line: its reader spins for ever on a line that was unplugged in the wrong
 * moment (a read of nothing is simply tried again), while Node's own ends.
 */
import type { Source } from "./attachment.ts";
import { KeypadError } from "./keypad.ts";
import { type SerialLine, serialPortOptions } from "./serial-line.ts";
import { listen, type OnBytes, openStream } from "./terminal.ts";

/** Null while the line is missing. */
export async function openSerialKeypad(
  path: string,
  line: SerialLine,
  onBytes: OnBytes,
): Promise<Source | null> {
  const stream = await openStream(path);
  if (stream === null) return null;
  try {
    await setLine(path, line);
  } catch (cause) {
    stream.destroy();
    throw cause;
  }
  return listen(stream, onBytes, () => void stream.destroy());
}

/** Settings belong to the line and stay while anybody has it open: here the stream. */
async function setLine(path: string, line: SerialLine): Promise<void> {
  const { SerialPort } = ((await import("serialport")) as unknown as { default: typeof import("serialport") })
    .default;
  try {
    const port = await SerialPort.binding.open({ ...serialPortOptions(path, line), lock: false });
    await port.close();
  } catch (cause) {
    const message = `${path} cannot be set (${String(cause)}). Give this program's user the line's group, often dialout, and stop what else uses it.`;
    throw new KeypadError("keypad-unusable", message, cause);
  }
}
