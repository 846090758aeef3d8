/** A tamper switch on a GPIO pin: on while the case is open. Bounces are waited out; what it is at the start is told. */
import type { Gpio } from "./gpio.ts";

const SETTLE_MS = 50;

export interface Tamper {
  close(): void;
}

/** `onChange` at once when the case is open already, then at every change. @throws GpioError */
export function openTamper(pin: string, gpio: Gpio, onChange: (isOpen: boolean) => void): Tamper {
  let told = false;
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    timer = undefined;
    const isOpen = input.read();
    if (isOpen === told) return;
    told = isOpen;
    onChange(isOpen);
  };
  // Every edge is followed by a look; an opening shorter than a bounce lasts cannot be told from one.
  const input = gpio.input(pin, () => {
    timer ??= setTimeout(look, SETTLE_MS).unref();
  });
  look();
  return {
    close: () => {
      clearTimeout(timer);
      input.close();
    },
  };
}
