/** The panel as it is configured: words on a terminal, lamps and a buzzer on pins, a keyboard's LEDs where nothing else is. */
import type { Led, OpenLedHandle } from "../keypad/leds.ts";
import type { AgentConfig } from "./config.ts";
import { type Gpio, GpioError } from "./gpio.ts";
import type { Panel } from "./panel.ts";
import { openBuzzer } from "./panel-buzzer.ts";
import { type LampOutputs, LampPanel } from "./panel-lamps.ts";
import { LAMPS, type Lamp } from "./panel-signals.table.ts";
import { openTamper, type Tamper } from "./tamper.ts";

type PanelConfig = AgentConfig["panel"];

export interface PanelEvents {
  /** Something that is configured cannot be used. The agent serves without it. */
  onUnusable(why: string): void;
  onTamper(isOpen: boolean): void;
}

export interface PanelParts {
  /** How pins are reached; `onoff` by default. */
  readonly loadGpio?: () => Promise<Gpio>;
  readonly isTerminal?: boolean;
  /** The keypads' own handles, where a keyboard's LEDs are to be lamps. */
  readonly leds?: OpenLedHandle;
}

/** A keyboard's three LEDs: go on, your entry, the equipment. */
const LED_OF_LAMP: Readonly<Record<Lamp, Led>> = {
  white: "num",
  green: "num",
  yellow: "caps",
  red: "scroll",
  blue: "scroll",
};

/** Never rejects: a panel that fails must not keep documents from printing. */
export async function openPanel(
  config: PanelConfig,
  events: PanelEvents,
  { loadGpio, isTerminal = process.stdout.isTTY, leds }: PanelParts = {},
): Promise<Panel> {
  if (config.kind === "none") return joinPanels([], null);
  const panels: Panel[] = [];
  let tamper: Tamper | null = null;
  if (config.kind === "terminal" || (config.kind === "auto" && isTerminal)) {
    const { TerminalPanel } = await import("./panel-terminal.ts");
    panels.push(new TerminalPanel());
  }
  const wired = [...LAMPS.map((lamp) => config.lamps[lamp]), config.buzzer];
  if ([...wired, config.tamper].some((pin) => pin !== undefined)) {
    try {
      const gpio = await (loadGpio ?? (await import("./gpio-onoff.ts")).loadGpio)();
      if (wired.some((pin) => pin !== undefined)) panels.push(openLamps(config, gpio));
      if (config.tamper !== undefined) tamper = openTamper(config.tamper, gpio, events.onTamper);
    } catch (cause) {
      if (!(cause instanceof GpioError)) throw cause;
      events.onUnusable(cause.message);
    }
  }
  if (config.keyboardLeds === true && panels.length === 0 && leds !== undefined)
    panels.push(await openLeds(leds));
  return joinPanels(panels, tamper);
}

function openLamps({ lamps, buzzer }: PanelConfig, gpio: Gpio): LampPanel {
  const outputs = new Map<Lamp, ReturnType<Gpio["output"]>>();
  try {
    for (const lamp of LAMPS) {
      const pin = lamps[lamp];
      if (pin !== undefined) outputs.set(lamp, gpio.output(pin));
    }
    return new LampPanel(outputs, buzzer === undefined ? null : openBuzzer(buzzer, gpio));
  } catch (cause) {
    for (const output of outputs.values()) output.close();
    throw cause;
  }
}

async function openLeds(open: OpenLedHandle): Promise<Panel> {
  const { KeyboardLeds } = await import("../keypad/leds.ts");
  const leds = new KeyboardLeds(open);
  const panel = new LampPanel(shareLeds(leds), null);
  return {
    show: (state) => panel.show(state),
    tick: () => panel.tick(),
    close: async () => {
      await panel.close();
      await leds.close();
    },
  };
}

/** The lamps of a panel on a keyboard's LEDs. Two lamps may share one: it is lit while either is. */
export function shareLeds(leds: { set(led: Led, isOn: boolean): void }): LampOutputs {
  const lit = new Set<Lamp>();
  const output = (lamp: Lamp) => ({
    set: (isOn: boolean) => {
      if (isOn) lit.add(lamp);
      else lit.delete(lamp);
      const led = LED_OF_LAMP[lamp];
      leds.set(
        led,
        [...lit].some((other) => LED_OF_LAMP[other] === led),
      );
    },
    close: () => undefined,
  });
  return new Map(LAMPS.map((lamp) => [lamp, output(lamp)]));
}

function joinPanels(panels: readonly Panel[], tamper: Tamper | null): Panel {
  return {
    show: (state) => {
      for (const panel of panels) panel.show(state);
    },
    tick: () => {
      for (const panel of panels) panel.tick();
    },
    close: async () => {
      tamper?.close();
      await Promise.all(panels.map((panel) => panel.close()));
    },
  };
}
