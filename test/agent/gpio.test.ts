import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { findLine, type GpioChip, GpioError, parsePin } from "../../agent/gpio.ts";
import { readChips } from "../../agent/gpio-onoff.ts";
import { openPanel, shareLeds } from "../../agent/open-panel.ts";
import { openBuzzer, parsePwm } from "../../agent/panel-buzzer.ts";
import { openTamper } from "../../agent/tamper.ts";
import { FakeGpio } from "./fake-gpio.ts";

const PI4: readonly GpioChip[] = [
  { label: "raspberrypi-exp-gpio", base: 570, lines: 8 },
  { label: "pinctrl-bcm2711", base: 512, lines: 58 },
];

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "platen-gpio-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("pins by name", () => {
  it.each([
    ["GPIO17", { chip: null, line: 17, isInverted: false }],
    ["!GPIO5", { chip: null, line: 5, isInverted: true }],
    ["9030000.pl061:3", { chip: "9030000.pl061", line: 3, isInverted: false }],
    ["GPIO017", null],
    ["17", null],
    ["gpio17", null],
    ["GPIO", null],
    ["GPIO17 ", null],
    ["../x:1", null],
  ])("%s", (text, pin) => expect(parsePin(text)).toEqual(pin));

  it("are found on the header's chip, from whatever base the kernel gave it", () => {
    expect(findLine("GPIO17", PI4)).toEqual({ number: 529, isInverted: false });
    expect(findLine("!GPIO17", [{ label: "pinctrl-bcm2835", base: 0, lines: 54 }])).toEqual({
      number: 17,
      isInverted: true,
    });
    expect(findLine("raspberrypi-exp-gpio:2", PI4).number).toBe(572);
    expect(findLine("GPIO3", [{ label: "9030000.pl061", base: 512, lines: 8 }]).number).toBe(515);
  });

  it.each([
    ["GPIO17", [], /no GPIO pins.*CONFIG_GPIO_SYSFS/],
    ["GPIO99", PI4, /pinctrl-bcm2711 has 58 lines, 0 to 57/],
    ["nothing:1", PI4, /no such chip. Here are raspberrypi-exp-gpio, pinctrl-bcm2711/],
    [
      "GPIO4",
      [
        { label: "a", base: 0, lines: 8 },
        { label: "b", base: 8, lines: 8 },
      ],
      /Name it as a:4 or b:4/,
    ],
  ] as const)("%s where it cannot be: says why", (pin, chips, why) => {
    expect(() => findLine(pin, chips)).toThrow(GpioError);
    expect(() => findLine(pin, chips)).toThrow(why);
  });

  it("reads the chips from sysfs", () => {
    for (const [name, base] of [
      ["gpiochip512", "512"],
      ["gpiochip570", "570"],
    ] as const) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, "base"), `${base}\n`);
      writeFileSync(join(folder, name, "label"), `chip-${base}\n`);
      writeFileSync(join(folder, name, "ngpio"), "8\n");
    }
    mkdirSync(join(folder, "gpiochip9")); // one that is vanishing
    writeFileSync(join(folder, "export"), "");
    expect(readChips(folder).sort((a, b) => a.base - b.base)).toEqual([
      { label: "chip-512", base: 512, lines: 8 },
      { label: "chip-570", base: 570, lines: 8 },
    ]);
    expect(readChips(join(folder, "missing"))).toEqual([]);
  });
});

describe("buzzers", () => {
  /** As the kernel does: no duty cycle longer than the period. */
  function pwmFiles(): { root: string; write(file: string, text: string): void } {
    return {
      root: folder,
      write: (file, text) => {
        const read = (name: string) => Number(readOr(join(file, "..", name), "0"));
        const [name, value] = [basename(file), Number(text)];
        if (name === "period" && value < read("duty_cycle")) throw new Error("EINVAL");
        if (name === "duty_cycle" && value > read("period")) throw new Error("EINVAL");
        writeFileSync(file, text);
      },
    };
  }
  const readOr = (file: string, otherwise: string) =>
    existsSync(file) ? readFileSync(file, "utf8") : otherwise;

  it("one with a tone of its own is switched", () => {
    const gpio = new FakeGpio();
    const buzzer = openBuzzer("GPIO18", gpio);
    buzzer.sound(600);
    expect(gpio.levels.get("GPIO18")).toBe(true);
    buzzer.sound(0);
    expect(gpio.levels.get("GPIO18")).toBe(false);
    buzzer.close();
    expect(gpio.levels.size).toBe(0);
  });

  it("a piezo behind PWM plays the tone, half of each period on, up and down", () => {
    const channel = join(folder, "pwmchip1", "pwm0");
    mkdirSync(channel, { recursive: true });
    const plays = () => ["period", "duty_cycle", "enable"].map((file) => readOr(join(channel, file), ""));
    const buzzer = openBuzzer("pwm1.0", new FakeGpio(), pwmFiles());
    buzzer.sound(600);
    expect(plays()).toEqual(["1666667", "833333", "1"]);
    buzzer.sound(2000);
    expect(plays()).toEqual(["500000", "250000", "1"]);
    buzzer.sound(600);
    expect(plays()).toEqual(["1666667", "833333", "1"]);
    buzzer.close();
    expect(plays().at(-1)).toBe("0");
    expect(() => openBuzzer("pwm3", new FakeGpio(), pwmFiles())).toThrow(/pwmchip0.*dtoverlay=pwm/s);
  });

  it.each(["pwm", "pwm0.0.0", "pwm-1", "PWM0", "pwm100"])("%s is no channel", (text) => {
    expect(parsePwm(text)).toBeNull();
  });
});

describe("a tamper switch", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("tells an open case at the start, and each change once, bounces waited out", () => {
    const gpio = new FakeGpio();
    gpio.turn("GPIO27", true);
    const told: boolean[] = [];
    const tamper = openTamper("GPIO27", gpio, (isOpen) => void told.push(isOpen));
    expect(told).toEqual([true]);
    for (const isOn of [false, true, false, true, false]) {
      gpio.turn("GPIO27", isOn);
      vi.advanceTimersByTime(3);
    }
    vi.advanceTimersByTime(100);
    expect(told).toEqual([true, false]);
    // A knock: open and closed again within a bounce.
    gpio.turn("GPIO27", true);
    gpio.turn("GPIO27", false);
    vi.advanceTimersByTime(100);
    expect(told).toEqual([true, false]);
    gpio.turn("GPIO27", true);
    vi.advanceTimersByTime(100);
    expect(told).toEqual([true, false, true]);
    gpio.turn("GPIO27", false);
    tamper.close();
    vi.advanceTimersByTime(100);
    expect(told).toHaveLength(3);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("the panel of the settings", () => {
  const none = { kind: "auto", lamps: {}, keyboardLeds: false } as const;

  function events() {
    const said: string[] = [];
    return {
      said,
      onUnusable: (why: string) => void said.push(why),
      onTamper: (isOpen: boolean) => void said.push(isOpen ? "open" : "closed"),
    };
  }

  it("drives the pins that are named, and watches the case", async () => {
    const gpio = new FakeGpio();
    gpio.turn("GPIO27", true);
    const heard = events();
    const config = { ...none, lamps: { white: "GPIO5", red: "!GPIO6" }, buzzer: "GPIO18", tamper: "GPIO27" };
    const panel = await openPanel(config, heard, { loadGpio: async () => gpio, isTerminal: false });
    panel.show({ kind: "ready", held: 0 });
    expect([...gpio.levels]).toEqual([
      ["GPIO5", true],
      ["!GPIO6", false],
      ["GPIO18", false],
    ]);
    expect(heard.said).toEqual(["open"]);
    await panel.close();
    expect(gpio.levels.size).toBe(0);
  });

  it("goes on without what cannot be used, says so, and holds no pin of it", async () => {
    const gpio = new FakeGpio(["GPIO6"]);
    const heard = events();
    const config = { ...none, lamps: { white: "GPIO5", red: "GPIO6" } };
    const panel = await openPanel(config, heard, { loadGpio: async () => gpio, isTerminal: false });
    panel.show({ kind: "ready", held: 0 });
    expect([heard.said, gpio.levels.size]).toEqual([["GPIO6: broken."], 0]);
    await panel.close();
  });

  it("touches nothing where nothing is to be shown", async () => {
    const loadGpio = () => Promise.reject(new Error("must not be loaded"));
    const config = { ...none, kind: "none", lamps: { white: "GPIO5" } } as const;
    const panel = await openPanel(config, events(), { loadGpio });
    panel.show({ kind: "ready", held: 0 });
    panel.tick();
    await panel.close();
  });

  it("uses a keyboard's LEDs where it may and nothing else shows anything", async () => {
    const reports: number[][] = [];
    const leds = async () => ({
      write: async (report: number[]) => reports.push(report),
      close: async () => undefined,
    });
    const shown = async (keyboardLeds: boolean, isTerminal: boolean) => {
      reports.length = 0;
      const panel = await openPanel({ ...none, keyboardLeds }, events(), { isTerminal, leds });
      panel.show({ kind: "printer-care", printer: "x", reason: "paper" });
      await panel.close();
      return reports;
    };
    expect(await shown(true, false)).toEqual([
      [0, 4],
      [0, 0],
    ]);
    expect(await shown(false, false)).toEqual([]);
  });

  it("lights a keyboard's LED while either of its two lamps is lit", () => {
    const shown: string[] = [];
    const lamps = shareLeds({ set: (led, isOn) => void shown.push(`${led} ${isOn}`) });
    lamps.get("white")?.set(true);
    lamps.get("green")?.set(true);
    lamps.get("white")?.set(false);
    lamps.get("green")?.set(false);
    lamps.get("yellow")?.set(true);
    expect(shown).toEqual(["num true", "num true", "num true", "num false", "caps true"]);
  });
});
