/** An emulated USB keypad: a HID boot keyboard whose keys a test presses. */
import { setTimeout as pause } from "node:timers/promises";
import {
  configurationDescriptor,
  deviceDescriptor,
  endpointDescriptor,
  interfaceDescriptor,
} from "./usb-descriptors.ts";
import { plug, type RedirectedDevice, type Setup, type UsbFunction } from "./usbredir.ts";

/** HID 1.11, appendix B.1 and E.6: eight modifiers, a reserved byte, five LEDs, six usages; none of them a letter. */
const REPORT_DESCRIPTOR = Buffer.from(
  "05010906a101050719e029e71500250175019508810295017508810395057501050819012905910295017503910395067508151e25630507191e29638100c0",
  "hex",
);
const ENDPOINT = 0x81;
/** Where the digits are: on the number row, or on the keypad, which is a cursor block to a console without NumLock. */
const FIRST_DIGIT = { row: 0x1e, pad: 0x59 };
const OTHER_KEYS = new Map([
  ["\n", 0x58],
  ["-", 0x56],
  ["N", 0x53],
]);

export class UsbKeypad implements UsbFunction {
  readonly device: Buffer;
  readonly configuration: Buffer;
  readonly strings = ["", "LAB", "Keypad", "KP1"];
  readonly speed = 1;
  readonly #hid = Buffer.from([9, 0x21, 0x11, 1, 0, 1, 0x22, REPORT_DESCRIPTOR.length, 0]);
  #plugged: RedirectedDevice | null = null;
  /** What its LEDs were set to, in order: NumLock 1, CapsLock 2, ScrollLock 4. */
  readonly leds: number[] = [];

  constructor(vendorId = 0x13ba, productId = 0x0001) {
    this.device = deviceDescriptor(vendorId, productId);
    this.configuration = configurationDescriptor(
      interfaceDescriptor({ number: 0, alternate: 0, endpoints: 1, code: [3, 1, 1] }),
      this.#hid,
      endpointDescriptor(ENDPOINT, "interrupt", 8, 10),
    );
  }

  async plugInto(path: string): Promise<void> {
    this.#plugged = await plug(path, this);
  }

  async unplug(): Promise<void> {
    await this.#plugged?.unplug();
  }

  /** As a finger does it: down, up, one key after the other. Waits until somebody in the guest listens. */
  async type(text: string, digits: keyof typeof FIRST_DIGIT = "pad", stepMs = 20): Promise<void> {
    while (this.#plugged?.isPolled(ENDPOINT) === false) await pause(50);
    for (const key of text) {
      this.report(OTHER_KEYS.get(key) ?? FIRST_DIGIT[digits] + "1234567890".indexOf(key));
      await pause(stepMs);
      this.report();
      await pause(stepMs);
    }
  }

  report(...usages: number[]): void {
    const report = Buffer.alloc(8);
    for (const [index, usage] of usages.entries()) report[2 + index] = usage;
    this.#plugged?.interruptIn(ENDPOINT, report);
  }

  onControl({ type, request, value, data }: Setup): Uint8Array | null {
    // SET_REPORT of an output report.
    if (type === 0x21 && request === 9 && value >> 8 === 2) this.leds.push(data[0] ?? 0);
    if (type === 0x81 && request === 6) {
      if (value >> 8 === 0x22) return REPORT_DESCRIPTOR;
      return value >> 8 === 0x21 ? this.#hid : null;
    }
    if (type === 0xa1 && request === 1) return new Uint8Array(8);
    return type === 0x21 ? new Uint8Array(0) : null;
  }

  onBulkOut(): void {}

  onBulkIn(): void {}

  onUnplugged(): void {}
}
