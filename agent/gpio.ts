/**
 * The GPIO port: pins by name, levels as `isOn`. Two implementations: `onoff` on Linux's sysfs, and the tests'.
 *
 * A pin is named as on its chip: `GPIO17`, or with the chip's label where several could be meant: `9030000.pl061:3`.
 * A `!` in front means that a low level is "on".
 */

export interface GpioOutput {
  /** Returns at once; a pin that fails stays as it is. */
  set(isOn: boolean): void;
  /** Off, and given back. Never throws. */
  close(): void;
}

export interface GpioInput {
  read(): boolean;
  /** Never throws. */
  close(): void;
}

export interface Gpio {
  /** Off to begin with. Throws {@link GpioError}. */
  output(pin: string): GpioOutput;
  /** `onEdge` at every change, bounces included; `read` says what it is now. Throws {@link GpioError}. */
  input(pin: string, onEdge: () => void): GpioInput;
}

/** A pin cannot be used; the message is a sentence for a technician. */
export class GpioError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "GpioError";
  }
}

export interface PinName {
  /** Null: the chip with the header's pins. */
  readonly chip: string | null;
  readonly line: number;
  readonly isInverted: boolean;
}

/** Null where the text names no pin. */
export function parsePin(text: string): PinName | null {
  const match = /^(!?)(?:GPIO|([A-Za-z0-9_.-]{1,64}):)(0|[1-9][0-9]{0,3})$/.exec(text);
  if (match === null) return null;
  return { chip: match[2] ?? null, line: Number(match[3]), isInverted: match[1] === "!" };
}

/** A controller as sysfs shows it. `base` is the kernel's number of its first line: 0 once, 512 on recent kernels. */
export interface GpioChip {
  readonly label: string;
  readonly base: number;
  readonly lines: number;
}

/** The kernel's number of a pin. Throws {@link GpioError} where there is none, or more than one. */
export function findLine(text: string, chips: readonly GpioChip[]): { number: number; isInverted: boolean } {
  const pin = parsePin(text);
  if (pin === null) throw new GpioError(`“${text}” is no pin. Write it as GPIO17.`);
  const chip = pin.chip === null ? chooseHeader(text, chips) : chips.find(({ label }) => label === pin.chip);
  const labels = chips.map(({ label }) => label).join(", ");
  if (chip === undefined)
    throw new GpioError(`${text}: there is no such chip. Here are ${labels || "none"}.`);
  if (pin.line >= chip.lines) {
    throw new GpioError(`${text}: ${chip.label} has ${chip.lines} lines, 0 to ${chip.lines - 1}.`);
  }
  return { number: chip.base + pin.line, isInverted: pin.isInverted };
}

/** The pins of a Raspberry Pi's header are those of its pin controller: pinctrl-bcm2835, pinctrl-bcm2711, pinctrl-rp1. */
function chooseHeader(text: string, chips: readonly GpioChip[]): GpioChip {
  const headers = chips.filter(({ label }) => label.startsWith("pinctrl-"));
  const [only, ...others] = headers.length > 0 ? headers : chips;
  if (only === undefined) {
    throw new GpioError(
      `${text}: this machine shows no GPIO pins (/sys/class/gpio). The kernel needs CONFIG_GPIO_SYSFS.`,
    );
  }
  if (others.length > 0) {
    const labels = [only, ...others].map(({ label }) => label);
    const [, line = "17"] = text.split(/GPIO/);
    throw new GpioError(
      `${text}: which chip's? Name it as ${labels.map((l) => `${l}:${line}`).join(" or ")}.`,
    );
  }
  return only;
}
