/** How a serial line is set: of keypads here, of printers at the agent. */

export interface SerialLine {
  readonly baudRate: number;
  readonly dataBits: 7 | 8;
  readonly parity: "none" | "even" | "odd";
  readonly stopBits: 1 | 2;
  /** `dtrdsr` is no setting of the line: who writes asks DSR before. */
  readonly flow: "none" | "xonxoff" | "rtscts" | "dtrdsr";
}

/** The names `parseSerialLine` reads. */
export const SERIAL_OPTIONS: readonly string[] = ["baud", "data", "parity", "stop", "flow"];

const BAUD_RATES = [1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600];

/** Reads `baud`, `data`, `parity`, `stop`, `flow` with defaults 9600 8N1 without flow control. Throws `RangeError` with what is allowed. */
export function parseSerialLine(options: ReadonlyMap<string, string>): SerialLine {
  return {
    baudRate: Number(choose(options, "baud", BAUD_RATES.map(String), "9600")),
    dataBits: choose(options, "data", ["7", "8"], "8") === "7" ? 7 : 8,
    parity: choose(options, "parity", ["none", "even", "odd"] as const, "none"),
    stopBits: choose(options, "stop", ["1", "2"], "1") === "2" ? 2 : 1,
    flow: choose(options, "flow", ["none", "xonxoff", "rtscts", "dtrdsr"] as const, "none"),
  };
}

/** What the line carries at best: each byte comes with a start bit, its parity and its stop bits. */
export function bytesPerSecond({ baudRate, dataBits, parity, stopBits }: SerialLine): number {
  return baudRate / (1 + dataBits + (parity === "none" ? 0 : 1) + stopBits);
}

/**
 * The line as the `serialport` package wants it. Of XON/XOFF only the half where the other side sends them:
 * `xoff: true` would let the kernel put XOFF bytes into the document.
 */
export function serialPortOptions(path: string, line: SerialLine) {
  const { baudRate, dataBits, parity, stopBits, flow } = line;
  return {
    path,
    baudRate,
    dataBits,
    parity,
    stopBits,
    rtscts: flow === "rtscts",
    xon: flow === "xonxoff",
    xoff: false,
  } as const;
}

function choose<T extends string>(
  options: ReadonlyMap<string, string>,
  name: string,
  allowed: readonly T[],
  byDefault: T,
): T {
  const text = options.get(name) ?? byDefault;
  const found = allowed.find((value) => value === text);
  if (found === undefined) throw new RangeError(`${name}=${text} is not one of ${allowed.join(", ")}`);
  return found;
}
