/** GPIO pins that remember: for tests of lamps, buzzers and switches. */
import { type Gpio, GpioError } from "../../agent/gpio.ts";

export class FakeGpio implements Gpio {
  /** Of each output its level now; gone once closed. */
  readonly levels = new Map<string, boolean>();
  /** Every change: when, which pin, what. */
  readonly changes: { readonly atMs: number; readonly pin: string; readonly isOn: boolean }[] = [];
  readonly #inputs = new Map<string, { isOn: boolean; onEdge: () => void }>();
  readonly #broken: ReadonlySet<string>;

  constructor(broken: readonly string[] = []) {
    this.#broken = new Set(broken);
  }

  output(pin: string) {
    if (this.#broken.has(pin)) throw new GpioError(`${pin}: broken.`);
    if (this.levels.has(pin)) throw new GpioError(`${pin}: used twice.`);
    this.levels.set(pin, false);
    return {
      set: (isOn: boolean) => {
        if (!this.levels.has(pin)) throw new TypeError(`${pin} is closed`);
        this.levels.set(pin, isOn);
        this.changes.push({ atMs: performance.now(), pin, isOn });
      },
      close: () => {
        this.levels.delete(pin);
      },
    };
  }

  input(pin: string, onEdge: () => void) {
    const input = { isOn: this.#inputs.get(pin)?.isOn ?? false, onEdge };
    this.#inputs.set(pin, input);
    return {
      read: () => input.isOn,
      close: () => {
        input.onEdge = () => undefined;
      },
    };
  }

  /** A person does something to a switch; before or after it is opened. */
  turn(pin: string, isOn: boolean): void {
    const input = this.#inputs.get(pin) ?? { isOn, onEdge: () => undefined };
    this.#inputs.set(pin, input);
    input.isOn = isOn;
    input.onEdge();
  }
}
