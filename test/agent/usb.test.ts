/** USB printers: which one, which interface, and what happens at any byte. The contract runs on the same fake bus. */
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Device } from "../../agent/device.ts";
import { TransportDevice } from "../../agent/device-transport.ts";
import { parseDeviceUri } from "../../agent/device-uri.ts";
import { openUsb } from "../../agent/device-usb.ts";
import { checkDeviceUri, openDevice } from "../../agent/open-device.ts";
import { findUsbPrinter, parseUsbAddress, usbUriOf } from "../../agent/usb-address.ts";
import type { UsbAlternate } from "../../agent/usb-bus.ts";
import { decodePortStatus } from "../../agent/usb-class.ts";
import { choosePrinterInterface } from "../../agent/usb-interface.ts";
import { USB_QUIRKS } from "../../agent/usb-quirks.table.ts";
import { quirksOf } from "../../agent/usb-quirks.ts";
import { describeDevice, failureOf } from "./device-contract.ts";
import { BIDIRECTIONAL, FakeUsbBus, FakeUsbPrinter, oneConfiguration } from "./fake-usb.ts";

const traits = { stalls: true, speaks: true, vanishes: true };
describeDevice("usb: on a bus", traits, async () => {
  const printer = new FakeUsbPrinter();
  printer.inject("short", 0, 3);
  printer.inject("stall", 100);
  printer.inject("delay", 5000, 2);
  return {
    device: await open(printer),
    received: async () => printer.received,
    say: (bytes) => printer.say(bytes),
    stall: () => {
      printer.naks = true;
    },
    resume: () => printer.resume(),
    vanish: () => printer.unplug(),
    dispose: () => undefined,
  };
});

async function open(printer: FakeUsbPrinter, uri = "usb:"): Promise<Device> {
  const bus = new FakeUsbBus(printer);
  const transport = await openUsb(parseUsbAddress(parseDeviceUri(uri)), undefined, bus);
  const device = new TransportDevice(uri, transport);
  onTestFinished(() => device.close());
  return device;
}

function alternate(code: UsbAlternate["code"], change: Partial<UsbAlternate> = {}): UsbAlternate {
  return { ...BIDIRECTIONAL, code, ...change };
}

describe("addresses", () => {
  it.each(["usb:", "usb:04b8:0E15", "usb:?serial=A%20B", "usb:?port=1-1.4", "usb:04b8:0e15?status=off"])(
    "takes %j",
    (uri) => expect(() => checkDeviceUri(uri)).not.toThrow(),
  );

  it.each([
    ["usb:04b8", "names no printer"],
    ["usb:/dev/usb/lp0", "names no printer"],
    ["usb:?port=4", "port=1-1.4"],
    ["usb:?serial=", "empty serial"],
    ["usb:?status=maybe", "neither on nor off"],
    ["usb:?baud=9600", "use serial, port, status"],
  ])("refuses %j and says why", (uri, why) => {
    expect(() => checkDeviceUri(uri)).toThrow(why);
  });

  it("finds by ids, serial number, port, or the only one, and names it so that it is found again", async () => {
    const one = new FakeUsbPrinter({ serial: "A", port: "1-1.1" });
    const two = new FakeUsbPrinter({ serial: "B", port: "1-1.2" });
    const other = new FakeUsbPrinter({ productId: 0x0e28, serial: null, port: "2-1" });
    const mouse = new FakeUsbPrinter({
      productId: 1,
      configurations: oneConfiguration(alternate([3, 1, 2])),
    });
    const all = await new FakeUsbBus(one, two, other, mouse).devices();
    const find = (uri: string, devices = all) =>
      findUsbPrinter(parseUsbAddress(parseDeviceUri(uri)), devices).device;
    expect(find("usb:04b8:0e15?serial=B")).toBe(two);
    expect(find("usb:?port=1-1.1")).toBe(one);
    expect(find("usb:04b8:0e28")).toBe(other);
    expect(find("usb:", [other, mouse])).toBe(other);
    expect(() => find("usb:04b8:0e15")).toThrow("usb:04b8:0e15?serial=A or usb:04b8:0e15?serial=B");
    expect(() => find("usb:?serial=C")).toThrow("no such printer is plugged in");
    expect(() => find("usb:04b8:0001")).toThrow("no printer");
    for (const device of [one, two, other]) expect(find(usbUriOf(device, all))).toBe(device);
  });

  it("tells printers of one serial number apart by their port", async () => {
    const twins = ["1-1", "1-2"].map((port) => new FakeUsbPrinter({ port, serial: "0" }));
    expect(twins.map((twin) => usbUriOf(twin, twins))).toEqual([
      "usb:04b8:0e15?port=1-1",
      "usb:04b8:0e15?port=1-2",
    ]);
  });

  it("loads the real package, which finds no printer here or says what it lacks", async () => {
    const failure = await failureOf(openDevice("usb:ffff:ffff"));
    expect(failure.code).toBe("device-unusable");
    expect(failure.message).toMatch(/no such printer is plugged in|does not load here/);
    if (process.env.CI === "true") expect(failure.reason).toBe("offline");
  });
});

describe("interfaces", () => {
  const none = quirksOf(0, 0);
  const choose = (alternates: readonly UsbAlternate[], quirks = none) => {
    const device = new FakeUsbPrinter({ configurations: oneConfiguration(...alternates) });
    return choosePrinterInterface(device, quirks);
  };
  const both = [
    alternate([7, 1, 1]),
    alternate([7, 1, 2], { alternate: 1 }),
    alternate([7, 1, 4], { alternate: 2 }),
  ];

  it("takes the bidirectional one before the other, and never IPP over USB", () => {
    expect(choose(both)).toMatchObject({ alternate: 1, out: 0x01, in: 0x82, hasAlternates: true });
    expect(choose([alternate([7, 1, 4]), alternate([7, 1, 1], { number: 1 })])).toMatchObject({
      number: 1,
      in: null,
      hasAlternates: false,
    });
    expect(choose([alternate([7, 1, 4])])).toBeNull();
    expect(choose([alternate([8, 6, 80])])).toBeNull();
    expect(choose([alternate([7, 1, 2], { endpoints: [{ address: 0x82, isBulk: true }] })])).toBeNull();
  });

  it("takes another configuration only where the active one has no printer", async () => {
    const configurations = [
      { value: 1, isActive: true, alternates: [alternate([255, 0, 0])] },
      { value: 2, isActive: false, alternates: [alternate([7, 1, 2])] },
    ];
    const printer = new FakeUsbPrinter({ configurations });
    await open(printer);
    expect(printer.calls).toContain("configure 2");
  });

  it("does what the quirks say", () => {
    expect(choose(both, { ...none, unidirectional: true })).toMatchObject({ alternate: 0, in: null });
    expect(choose([alternate([255, 0, 0])])).toBeNull();
    expect(choose([alternate([255, 0, 0])], quirksOf(0x04b8, 0x0202))).toMatchObject({ out: 0x01, in: 0x82 });
    expect(quirksOf(0x0519, 0x0001)).toMatchObject({ unidirectional: true, delayClose: true });
    expect(quirksOf(0x0519, 0x0002)).toMatchObject({ unidirectional: true, delayClose: false });
    for (const { source, about, quirks } of USB_QUIRKS) {
      expect(source).toMatch(/CUPS|Linux/);
      expect(about).not.toBe("");
      expect(quirks).not.toEqual([]);
    }
  });

  it("says of a printer with nothing but IPP over USB what it is", async () => {
    const printer = new FakeUsbPrinter({ configurations: oneConfiguration(alternate([7, 1, 4])) });
    await expect(open(printer)).rejects.toThrow("IPP over USB only");
  });
});

describe("the kernel's driver", () => {
  it("lends the interface, and has it back after the job", async () => {
    const printer = new FakeUsbPrinter();
    const device = await open(printer);
    await device.write(Buffer.from("x"));
    await device.drain();
    await device.close();
    expect(printer.calls).toEqual(["open", "detach 0", "claim 0", "release 0", "attach 0", "close"]);
  });

  it("is not given what it never had, or what the printer cannot bear", async () => {
    const bare = new FakeUsbPrinter();
    bare.hasKernelDriver = false;
    await (await open(bare)).close();
    expect(bare.calls).not.toContain("attach 0");
    const xerox = new FakeUsbPrinter({ vendorId: 0x0924 });
    await (await open(xerox)).close();
    expect(xerox.calls).toContain("detach 0");
    expect(xerox.calls).not.toContain("attach 0");
  });

  it.each([
    ["open", "EACCES", "device", "Install the udev rule"],
    ["claim", "EBUSY", "device", "another program holds it"],
    ["claim", "ENODEV", "offline", "no device answers"],
  ] as const)("has it back when %s fails with %s", async (at, code, reason, says) => {
    const printer = new FakeUsbPrinter();
    printer.refusal = { at, code };
    const failure = await failureOf(open(printer));
    expect(failure).toMatchObject({ code: "device-unusable", reason });
    expect(failure.message).toContain(says);
    expect(printer.hasKernelDriver).toBe(true);
    // Nothing stays locked: the next one gets it.
    await (await open(printer)).close();
  });
});

describe("status", () => {
  it.each([
    [0x18, "yes", null],
    [0x38, "no", "paper"],
    [0x30, "no", "paper"],
    [0x08, "no", "offline"],
    [0x10, "no", "device"],
  ])("reads %i as %s, %s", (bits, ready, reason) => {
    expect(decodePortStatus(bits)).toEqual({ ready, reason, source: "usb-port-status" });
  });

  it("asks while a transfer waits, and calls silence unknown", async () => {
    const printer = new FakeUsbPrinter();
    const device = await open(printer);
    printer.naks = true;
    printer.portStatus = 0x30;
    const writing = failureOf(device.write(randomBytes(100)));
    expect(await device.status()).toMatchObject({ ready: "no", reason: "paper" });
    printer.portStatus = null;
    expect(await device.status()).toMatchObject({ ready: "unknown" });
    await device.close();
    await writing;
  });

  it("does not ask where it was told not to", async () => {
    const printer = new FakeUsbPrinter();
    printer.portStatus = 0;
    expect(await (await open(printer, "usb:?status=off")).status()).toMatchObject({ ready: "unknown" });
    expect(await (await open(printer)).status()).toMatchObject({ ready: "no" });
  });
});

describe("a transfer", () => {
  const document = randomBytes(100_000);

  it("loses and doubles nothing, wherever it stalls, is short or late", async () => {
    const fault = fc.record({
      kind: fc.constantFrom("short", "stall", "delay", "nothing", "stuck" as const),
      afterBytes: fc.nat(100_000),
      times: fc.constant(1),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fault, { maxLength: 4, selector: ({ kind }) => kind }),
        async (faults) => {
          const printer = new FakeUsbPrinter();
          // More barren answers in a row than a transfer bears are another test's.
          for (const { kind, afterBytes, times } of faults) printer.inject(kind, afterBytes, times);
          const device = await open(printer);
          await device.write(document);
          await device.drain();
          expect(printer.received.equals(document)).toBe(true);
          await device.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  it("ends honestly, whichever byte the cable comes out at", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(99_999), async (afterBytes) => {
        const printer = new FakeUsbPrinter();
        printer.inject("unplug", afterBytes);
        const device = await open(printer);
        const failure = await failureOf(device.write(document));
        expect(failure).toMatchObject({ code: "device-gone", reason: "cable" });
        const taken = printer.received.length;
        expect(failure.taken?.atLeast).toBeLessThanOrEqual(taken);
        expect(failure.taken?.atMost).toBeGreaterThanOrEqual(taken);
        await device.close();
        // The same printer, plugged in again, prints the next one.
        printer.plugIn();
        const again = await open(printer, usbUriOf(printer, [printer]));
        await again.write(document);
        await again.drain();
        await again.close();
        expect(printer.received.subarray(taken).equals(document)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("that NAKs for ever blocks nothing else and is given up with unknown bounds, then reset", async () => {
    const busy = new FakeUsbPrinter({ port: "1-1" });
    const free = new FakeUsbPrinter({ port: "1-2" });
    const device = await open(busy);
    await device.write(document.subarray(0, 20_000));
    busy.naks = true;
    busy.inject("late-cancel");
    const giving = new AbortController();
    const writing = failureOf(device.write(document.subarray(20_000), giving.signal));
    const other = await open(free);
    await other.write(document);
    await other.drain();
    expect(free.received.length).toBe(document.length);
    giving.abort();
    const failure = await writing;
    // The cancelled transfer claimed its whole length.
    expect(failure).toMatchObject({ code: "device-aborted", taken: { atLeast: 20_000, atMost: 36_384 } });
    await device.close();
    expect(busy.calls.slice(-4)).toEqual(["reset", "release 0", "attach 0", "close"]);
    expect(busy.pendingCount).toBe(0);
  });

  it.each([
    ["a stall that does not end", "stuck", 9],
    ["success without a byte, for ever", "nothing", 9],
    ["a lie about how much was taken", "lie", 1],
    ["an error of the bus", "error", 1],
  ] as const)("fails on %s", async (_, kind, times) => {
    const printer = new FakeUsbPrinter();
    const device = await open(printer);
    await device.write(document.subarray(0, 1000));
    printer.inject(kind, 1000, times);
    const failure = await failureOf(device.write(document.subarray(1000, 2000)));
    expect(failure).toMatchObject({ code: "device-failed", reason: "device", taken: { atLeast: 1000 } });
  });

  it("hears a printer that speaks while it takes nothing", async () => {
    const printer = new FakeUsbPrinter();
    const device = await open(printer);
    printer.naks = true;
    const writing = failureOf(device.write(document));
    printer.say(Uint8Array.of(0x72));
    const heard = await device.read()[Symbol.asyncIterator]().next();
    expect(heard.value).toEqual(Uint8Array.of(0x72));
    await device.close();
    await writing;
  });

  it("without a back-channel still notices at the end that the printer is gone", async () => {
    const printer = new FakeUsbPrinter({ vendorId: 0x0519 });
    const device = await open(printer);
    await device.write(Buffer.from("x"));
    printer.unplug();
    expect(await failureOf(device.drain())).toMatchObject({ code: "device-gone", reason: "cable" });
  });
});
