/** `usb:` and `lp:` on Debian's own kernel and drivers, against an emulated printer. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentOf, sha256 } from "./document.ts";
import { Guest } from "./guest.ts";
import { missingPrograms, prepareLab } from "./lab-files.ts";
import { UsbPrinter } from "./usb-printer.ts";

const NODE = "node_modules/.bin/node";
const REPOSITORY = new URL("../..", import.meta.url).pathname;
const SIZE = 300_000;
const document = documentOf(SIZE);

describe.skipIf(missingPrograms().length > 0)("a USB printer in the guest", () => {
  let guest: Guest;
  const printer = new UsbPrinter();

  beforeAll(async () => {
    guest = await Guest.boot(await prepareLab(), { ports: ["printer"] });
    await plugIn();
  });
  afterAll(() => guest?.close());

  async function plugIn(): Promise<void> {
    await printer.plugInto(guest.port("printer"));
    await guest.ask("until [ -e /dev/usb/lp0 ]; do sleep 0.1; done");
  }

  async function print(uri: string, sizeBytes = SIZE, ...flags: string[]): Promise<Record<string, unknown>> {
    printer.clear();
    const said = await guest.ask(
      `cd ${REPOSITORY} && timeout 100 ${NODE} test/lab/guest/print.ts '${uri}' ${sizeBytes} ${flags.join(" ")}`,
    );
    return JSON.parse(said.trim().split("\n").at(-1) ?? "{}") as Record<string, unknown>;
  }

  it.each(["usb:", "usb:04b8:0e15?serial=LAB0001", "lp:/dev/usb/lp0"])(
    "gets every byte through %s",
    async (uri) => {
      expect(await print(uri)).toMatchObject({ outcome: "drained" });
      expect(sha256(printer.received)).toBe(sha256(document));
      // The kernel's driver has it back.
      expect(await guest.ask("ls /dev/usb")).toContain("lp0");
    },
  );

  it("tells its status and is heard", async () => {
    printer.say(Uint8Array.of(0x16, 0x01));
    expect(await print("usb:", 1000, "--hear")).toMatchObject({
      outcome: "drained",
      status: { ready: "yes", source: "usb-port-status" },
      heard: [0x16, 0x01],
    });
  });

  it.each(["usb:", "lp:/dev/usb/lp0"])("goes on where paper ran out, through %s", async (uri) => {
    printer.outOfPaperAfter(100_000);
    const printing = print(uri);
    await printer.holds();
    await pause(3000);
    const before = printer.received.length;
    expect(before).toBeLessThan(SIZE);
    printer.paperIn();
    expect(await printing).toMatchObject({ outcome: "drained" });
    expect(sha256(printer.received)).toBe(sha256(document));
  });

  it("clears a stall and goes on", async () => {
    printer.stallNext(2);
    expect(await print("usb:")).toMatchObject({ outcome: "drained" });
    expect(sha256(printer.received)).toBe(sha256(document));
  });

  it.each(["usb:", "lp:/dev/usb/lp0"])(
    "says that the cable is out, and finds the printer again, %s",
    async (uri) => {
      printer.pullAfter(120_000);
      const failed = await print(uri);
      expect(failed).toMatchObject({ outcome: "failed", code: "device-gone", reason: "cable" });
      const taken = failed.taken as { atLeast: number; atMost: number };
      expect(taken.atLeast).toBeLessThanOrEqual(printer.received.length);
      expect(taken.atMost).toBeGreaterThanOrEqual(printer.received.length);
      expect(await print("usb:04b8:0e15?serial=LAB0001", 10)).toMatchObject({
        code: "device-unusable",
        reason: "offline",
      });
      await plugIn();
      expect(await print("usb:04b8:0e15?serial=LAB0001")).toMatchObject({ outcome: "drained" });
      expect(sha256(printer.received)).toBe(sha256(document));
    },
  );
});
