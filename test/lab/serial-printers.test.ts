/** `serial:` on the kernel's FTDI driver, against an emulated adapter with a slow printer behind it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentOf, sha256 } from "./document.ts";
import { Guest } from "./guest.ts";
import { missingPrograms, prepareLab } from "./lab-files.ts";
import { LinePrinter } from "./line-printer.ts";

const NODE = "node_modules/.bin/node";
const REPOSITORY = new URL("../..", import.meta.url).pathname;
const SIZE = 60_000;

describe.skipIf(missingPrograms().length > 0)("a serial printer in the guest", () => {
  let guest: Guest;
  const printer = new LinePrinter();

  beforeAll(async () => {
    guest = await Guest.boot(await prepareLab(), { ports: ["line"] });
    await printer.adapter.plugInto(guest.port("line"));
    await guest.ask("until [ -e /dev/ttyUSB0 ]; do sleep 0.1; done");
  });
  afterAll(() => guest?.close());

  async function print(options: string, ...flags: string[]): Promise<Record<string, unknown>> {
    printer.clear();
    const said = await guest.ask(
      `cd ${REPOSITORY} && timeout 100 ${NODE} test/lab/guest/print.ts 'serial:/dev/ttyUSB0?${options}' ${SIZE} ${flags.join(" ")}`,
    );
    return JSON.parse(said.trim().split("\n").at(-1) ?? "{}") as Record<string, unknown>;
  }

  it("gets every byte, and is obeyed when it says XOFF", async () => {
    expect(await print("baud=115200&flow=xonxoff")).toMatchObject({ outcome: "drained" });
    await printer.idle();
    expect(sha256(printer.printed)).toBe(sha256(documentOf(SIZE)));
    expect(printer.lostBytes).toBe(0);
    expect(printer.stops).toBeGreaterThan(3);
  });

  it("loses bytes where nobody agreed on XOFF: the test can fail", async () => {
    await print("baud=115200&flow=none");
    await printer.idle();
    expect(printer.adapter.obeysXoff).toBe(false);
    expect(printer.lostBytes).toBeGreaterThan(0);
  });

  it("is told of a wrong parity and of a break, and hears neither as what the printer said", async () => {
    const printing = print("baud=115200&flow=xonxoff&parity=even", "--hear");
    await printer.begins();
    printer.say(Uint8Array.of(0x41), "parity");
    printer.say(Uint8Array.of(0), "break");
    printer.say(Uint8Array.of(0x16, 0xff));
    expect(await printing).toMatchObject({
      outcome: "drained",
      heard: [0x16, 0xff],
      lineErrors: { damagedBytes: 1, breaks: 1 },
    });
  });
});
