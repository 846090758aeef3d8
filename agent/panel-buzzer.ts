/** Buzzers: one with a tone of its own behind a GPIO pin, or a bare piezo behind a PWM channel, which plays the tones. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Gpio, GpioError } from "./gpio.ts";

export interface Buzzer {
  /** 0: silence. Returns at once, never throws. */
  sound(hertz: number): void;
  close(): void;
}

/** Where PWM channels are, and how their files are written. */
export interface PwmFiles {
  readonly root: string;
  write(file: string, text: string): void;
}

const SYSFS: PwmFiles = { root: "/sys/class/pwm", write: (file, text) => writeFileSync(file, text) };

interface PwmName {
  readonly chip: number;
  readonly channel: number;
}

/** `pwm0` is channel 0 of pwmchip0, `pwm1.0` channel 0 of pwmchip1. Null where the text names none. */
export function parsePwm(text: string): PwmName | null {
  const match = /^pwm(?:([0-9]{1,2})\.)?([0-9]{1,2})$/.exec(text);
  if (match === null) return null;
  return { chip: Number(match[1] ?? 0), channel: Number(match[2]) };
}

/** @throws GpioError */
export function openBuzzer(name: string, gpio: Gpio, files: PwmFiles = SYSFS): Buzzer {
  const pwm = parsePwm(name);
  if (pwm !== null) return openPwm(name, pwm, files);
  const pin = gpio.output(name);
  return { sound: (hertz) => pin.set(hertz > 0), close: () => pin.close() };
}

/** Kernel documentation, admin-guide/pwm: nanoseconds; the duty cycle may never be longer than the period. */
function openPwm(name: string, { chip, channel }: PwmName, files: PwmFiles): Buzzer {
  const folder = join(files.root, `pwmchip${chip}`);
  const place = join(folder, `pwm${channel}`);
  const write = (file: string, value: number) => files.write(join(place, file), String(value));
  try {
    if (!existsSync(place)) files.write(join(folder, "export"), String(channel));
    write("enable", 0);
  } catch (cause) {
    const hint = "Is its overlay in config.txt (dtoverlay=pwm), and may this program's user write there?";
    throw new GpioError(`${name}: ${place} cannot be used. ${hint}`, cause);
  }
  const sound = (hertz: number) => {
    try {
      write("enable", 0);
      if (hertz <= 0) return;
      const periodNs = Math.round(1e9 / hertz);
      write("duty_cycle", 0);
      write("period", periodNs);
      write("duty_cycle", Math.floor(periodNs / 2));
      write("enable", 1);
    } catch {
      // A buzzer that fails must not take the printing with it.
    }
  };
  return { sound, close: () => sound(0) };
}
