/** `hid:` and `evdev:` keypads on the kernel's own drivers, with somebody listening at the console. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Guest } from "./guest.ts";
import { missingPrograms, prepareLab } from "./lab-files.ts";
import { UsbKeypad } from "./usb-keypad.ts";

const REPOSITORY = new URL("../..", import.meta.url).pathname;
const LOG = "/run/keys";
const CONSOLE = "/run/console";

describe.skipIf(missingPrograms().length > 0)("a keypad in the guest", () => {
  let guest: Guest;
  const keypad = new UsbKeypad();
  const foreign = new UsbKeypad(0x046d, 0xc31c);

  beforeAll(async () => {
    guest = await Guest.boot(await prepareLab(), { ports: ["keypad", "foreign"] });
    // A login prompt would read the same. Held open: a terminal forgets its modes with the last who closes it.
    await guest.ask(
      `(exec < /dev/tty1; stty raw -echo; exec cat > ${CONSOLE}) > /dev/null 2>&1 & until [ -e ${CONSOLE} ]; do sleep 0.1; done`,
    );
    await keypad.plugInto(guest.port("keypad"));
    await foreign.plugInto(guest.port("foreign"));
    await guest.ask("until [ $(ls /dev/input/event* | wc -l) -ge 3 ]; do sleep 0.1; done");
  });
  afterAll(() => guest?.close());

  async function listen(...uris: readonly string[]): Promise<void> {
    await guest.ask(
      `cd ${REPOSITORY}; node_modules/.bin/node test/lab/guest/keys.ts ${uris.join(" ")} > ${LOG} 2>&1 & echo $! > /run/pid`,
    );
  }

  async function heard(): Promise<string[]> {
    return (await guest.ask(`cat ${LOG}`)).split("\n").filter((line) => line !== "");
  }

  async function until(isThere: (lines: readonly string[]) => boolean): Promise<string[]> {
    for (let tries = 0; tries < 300; tries += 1) {
      const lines = await heard();
      if (isThere(lines)) return lines;
      await pause(200);
    }
    throw new Error(`it never came: ${(await heard()).join(" ")}`);
  }

  async function end(): Promise<void> {
    await guest.ask("kill $(cat /run/pid); while [ -e /proc/$(cat /run/pid)/exe ]; do sleep 0.1; done");
  }

  const keysOf = (lines: readonly string[]): string =>
    lines.filter((line) => /^(\d|enter|clear)$/.test(line)).join("");
  const onConsole = (): Promise<string> => guest.ask(`cat ${CONSOLE}`);

  it("reaches the console while nobody takes it: the test can fail", async () => {
    await keypad.type("77", "row");
    for (let tries = 0; tries < 100 && (await onConsole()).length < 2; tries += 1) await pause(100);
    expect(await onConsole()).toBe("77");
  });

  it("hid: gives every digit once, and none to the console; another keyboard is left alone", async () => {
    await listen("hid:13ba:0001");
    await until((lines) => lines.includes("attached hid:13ba:0001"));
    await guest.ask(`: > ${CONSOLE}`);
    await keypad.type("N4N8213907\n");
    expect(keysOf(await until((lines) => lines.includes("enter")))).toBe("48213907enter");
    expect(await onConsole()).toBe("");
    await foreign.type("5", "row");
    for (let tries = 0; tries < 100 && (await onConsole()) === ""; tries += 1) await pause(100);
    expect(await onConsole()).toBe("5");
    expect(keysOf(await heard())).toBe("48213907enter");
  });

  it("is found again after its cable was out, with a key held", async () => {
    keypad.report(0x59);
    await until((lines) => keysOf(lines).endsWith("1"));
    await keypad.unplug();
    await until((lines) => lines.includes("gone hid:13ba:0001"));
    await keypad.plugInto(guest.port("keypad"));
    await until((lines) => lines.filter((line) => line.startsWith("attached")).length === 2);
    await keypad.type("2\n");
    await until((lines) => keysOf(lines).endsWith("12enter"));
    await end();
    // The kernel has it back.
    await guest.ask("until [ $(ls /dev/input/event* | wc -l) -ge 3 ]; do sleep 0.1; done");
  });

  it("shows the panel's lamps on its LEDs, where it has no others", async () => {
    keypad.leds.length = 0;
    await guest.ask(`cd ${REPOSITORY}; node_modules/.bin/node test/lab/guest/leds.ts hid:13ba:0001`);
    // Ready, an entry not accepted in two flashes, the printer wanting care; then all off.
    const NUM = 1;
    const CAPS = 2;
    const SCROLL = 4;
    const changes = keypad.leds.filter((led, at) => led !== keypad.leds[at - 1]);
    // From one lamp to another it may be dark for a moment: each is set for itself.
    expect(changes.filter((led) => led !== 0)).toEqual([NUM, CAPS, CAPS, SCROLL]);
    expect(changes.at(-1)).toBe(0);
  });

  it("evdev: grabs what the kernel's drivers drive", async () => {
    await listen("evdev:/dev/input/event0");
    await until((lines) => lines.includes("attached evdev:/dev/input/event0"));
    await guest.ask(`: > ${CONSOLE}`);
    await guest.sendKeys("4", "8", "2", "kp_1", "ret");
    expect(keysOf(await until((lines) => lines.includes("enter")))).toBe("4821enter");
    expect(await onConsole()).toBe("");
    // Killed, not closed: the helper ends by itself, and the grab with it.
    await guest.ask(
      "kill -9 $(cat /run/pid); while [ -e /proc/$(cat /run/pid)/exe ]; do sleep 0.1; done; sleep 1",
    );
    await guest.sendKeys("6");
    for (let tries = 0; tries < 100 && (await onConsole()) === ""; tries += 1) await pause(100);
    expect(await onConsole()).toBe("6");
  });
});
