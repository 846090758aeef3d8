/** Runs the contract of every device in the guest, with this side's hand on the emulated printer. */
import { writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { ANSWER_PIPE, ASK_PIPE, type HostRequest } from "./guest/host.ts";
import { Guest } from "./guest.ts";
import { missingPrograms, prepareLab } from "./lab-files.ts";
import { UsbPrinter } from "./usb-printer.ts";

const REPOSITORY = new URL("../..", import.meta.url).pathname;
const SUITE =
  "node_modules/.bin/node node_modules/vitest/vitest.mjs run --config test/vitest.config.ts --configLoader native --project guest --reporter verbose --no-color";

it.skipIf(missingPrograms().length > 0)("usb: and lp: keep the contract on Debian's kernel", async () => {
  const files = await prepareLab();
  const guest = await Guest.boot(files, { ports: ["printer"] });
  try {
    await guest.ask(`mkfifo ${ASK_PIPE} ${ANSWER_PIPE}`);
    const hand = new Hand(guest, files.folder);
    // It serves until the guest goes.
    hand.serve().catch(() => undefined);
    const { status, output } = await guest.run(`cd ${REPOSITORY} && timeout 560 ${SUITE}`);
    expect(status, output).toBe(0);
    // A suite that finds no test succeeds as well.
    expect(output).toMatch(/usb: on xHCI.*notices a printer that vanishes/);
  } finally {
    await guest.close();
  }
});

class Hand {
  readonly #guest: Guest;
  readonly #folder: string;
  readonly #printer = new UsbPrinter();
  #isIn = false;
  #count = 0;

  constructor(guest: Guest, folder: string) {
    this.#guest = guest;
    this.#folder = folder;
  }

  /** Until the guest ends: its last request is never made. */
  async serve(): Promise<never> {
    for (;;) {
      const request = await this.#guest.ask(`cat ${ASK_PIPE}`);
      const answer = await this.#move(request.trim() as HostRequest);
      await this.#guest.ask(`printf %s '${answer}' > ${ANSWER_PIPE}`);
    }
  }

  async #move(request: HostRequest): Promise<string> {
    const printer = this.#printer;
    switch (request) {
      case "plug-in":
        printer.paperIn();
        printer.clear();
        if (!this.#isIn) await printer.plugInto(this.#guest.port("printer"));
        this.#isIn = true;
        // libusb hears of it from udev.
        await this.#guest.ask(
          `until [ -e /dev/usb/lp0 ]; do sleep 0.1; done; ${this.#folder}/udev/bin/udevadm settle`,
        );
        return "";
      case "vanish":
        this.#isIn = false;
        await printer.unplug();
        await this.#guest.ask("while [ -e /sys/bus/usb/devices/1-1 ]; do sleep 0.1; done");
        return "";
      case "stall":
        printer.paperOut();
        return "";
      case "resume":
        printer.paperIn();
        return "";
      case "received": {
        this.#count += 1;
        // A new name each time: the guest remembers the old file.
        const path = this.#guest.sharedFile(`received-${this.#count}`);
        await writeFile(path, printer.received);
        return path;
      }
      default:
        printer.say(Buffer.from(request.slice("say ".length), "hex"));
        return "";
    }
  }
}
