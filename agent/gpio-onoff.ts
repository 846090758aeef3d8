/**
 * GPIO through `onoff` on Linux's sysfs. An optional package with a native half: loaded only where pins are named, and
 * its absence costs the lamps, never the agent.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Gpio as OnoffPin } from "onoff";
import { findLine, type Gpio, type GpioChip, GpioError, type GpioInput, type GpioOutput } from "./gpio.ts";

const SYSFS = "/sys/class/gpio";

type OnoffModule = Pick<typeof import("onoff"), "Gpio">;

/** @throws GpioError where the package is missing or built for another Node */
export async function loadGpio(root: string = SYSFS): Promise<Gpio> {
  const chips = readChips(root);
  try {
    const { default: onoff } = (await import("onoff")) as unknown as { default: OnoffModule };
    return new OnoffGpio(onoff, chips);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException | null)?.code ?? "";
    const why =
      code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND"
        ? "the optional package onoff is not installed. Install Platen with its optional packages, and a C++ compiler for it"
        : "the package onoff was built for another Node. Build it again: npm run gpio";
    throw new GpioError(`GPIO pins cannot be used: ${why}`, cause);
  }
}

/** Every GPIO controller sysfs shows; empty where there is none. */
export function readChips(root: string = SYSFS): GpioChip[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter((name) => /^gpiochip[0-9]+$/.test(name))
    .flatMap((name) => {
      const text = (file: string) => readFileSync(join(root, name, file), "utf8").trim();
      try {
        return [{ label: text("label"), base: Number(text("base")), lines: Number(text("ngpio")) }];
      } catch {
        return []; // It vanished: an expander that was unplugged.
      }
    });
}

class OnoffGpio implements Gpio {
  readonly #onoff: OnoffModule;
  readonly #chips: readonly GpioChip[];

  constructor(onoff: OnoffModule, chips: readonly GpioChip[]) {
    this.#onoff = onoff;
    this.#chips = chips;
  }

  output(pin: string): GpioOutput {
    const { number, isInverted } = findLine(pin, this.#chips);
    // Its `activeLow` would set the level first and the meaning of levels after: the lamp would flash.
    const line = this.#open(pin, () => new this.#onoff.Gpio(number, isInverted ? "high" : "low"));
    const set = (isOn: boolean) => quietly(() => line.writeSync(isOn === isInverted ? 0 : 1));
    return {
      set,
      close: () => {
        set(false);
        quietly(() => line.unexport());
      },
    };
  }

  input(pin: string, onEdge: () => void): GpioInput {
    const { number, isInverted } = findLine(pin, this.#chips);
    const line = this.#open(pin, () => new this.#onoff.Gpio(number, "in", "both"));
    line.watch(() => onEdge());
    return {
      read: () => quietly(() => (line.readSync() === 1) !== isInverted) ?? false,
      close: () => {
        quietly(() => line.unexport());
      },
    };
  }

  #open(pin: string, open: () => OnoffPin): OnoffPin {
    try {
      return open();
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException | null)?.code ?? String(cause);
      const what =
        code === "EACCES" || code === "EPERM"
          ? "access is denied. Put this program's user into the group gpio"
          : code === "EBUSY"
            ? "a driver of the kernel holds it. Choose another pin, or take its overlay out of config.txt"
            : `it cannot be opened (${code})`;
      throw new GpioError(`${pin}: ${what}.`, cause);
    }
  }
}

/** A lamp that fails must not take the printing with it. */
function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
