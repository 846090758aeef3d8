import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { PluggedPrinter } from "../../agent/printer-census.ts";
import { explainFailure } from "../../agent/setup.ts";
import { findPrinter } from "../../agent/setup-printer.ts";
import { parseDeviceId } from "../../pcl/device-id.ts";
import { PlatenError } from "../../wire/error.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "platen-printer-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function printer(place: string, id: string | null, protocol = 2): PluggedPrinter {
  const deviceId = id === null ? null : parseDeviceId(Buffer.from(id));
  return {
    place,
    vendorId: "04b8",
    productId: "0e15",
    serial: null,
    name: "A printer",
    node: "/dev/bus/usb/001/002",
    interfaces: [{ protocol, driver: "usblp", lpNode: "/dev/usb/lp0", deviceId }],
  };
}

const look = (usb: readonly PluggedPrinter[], told: string | null = null) =>
  findPrinter(dir, {
    census: () => ({ usb, serial: [] }),
    readId: async () => (told === null ? null : parseDeviceId(Buffer.from(told))),
  });
const found = (profile: string) => ({ kind: "printer", settings: { uri: "usb:", profile } });
const EPSON = "MFG:EPSON;CMD:ESC/POS;MDL:TM-T20III;CLS:PRINTER;";
const LASER = "MFG:HP;CMD:PJL,PCL,POSTSCRIPT;MDL:LaserJet;";

it("is the only one plugged in, as it calls itself", async () => {
  expect(await look([printer("1-1", EPSON)])).toEqual(found("escpos"));
  expect(await look([printer("1-1", null)], LASER)).toEqual(found("pjl"));
  expect(await look([printer("1-1", LASER), printer("1-2", EPSON, 4)])).toEqual(found("pjl"));
});

it("that says nothing of itself takes bytes as they are", async () => {
  expect(await look([printer("1-1", null)])).toEqual(found("raw"));
});

it("is waited for where there never was one, and remembered where it is only switched off", async () => {
  expect(await look([])).toEqual({ kind: "none" });
  await look([printer("1-1", EPSON)]);
  expect(await look([])).toEqual(found("escpos"));
  // Its id could not be read this time.
  expect(await look([printer("1-1", null)])).toEqual(found("escpos"));
  expect(await look([printer("1-1", LASER)])).toEqual(found("pjl"));
});

it("is asked for where there are several", async () => {
  expect(await look([printer("1-1", EPSON), printer("1-2", LASER)])).toEqual({
    kind: "several",
    uris: ["usb:04b8:0e15?port=1-1", "usb:04b8:0e15?port=1-2"],
  });
});

it("what kept a machine from enrolling is told at the step it belongs to", () => {
  const why = (text: string) =>
    new PlatenError("broker-untrusted", { address: "a", what: "code", why: text });
  for (const code of ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"]) {
    expect(explainFailure(why(code))).toMatchObject({ step: "clock", isFinal: false });
    expect(explainFailure(why(code)).problem).toMatch(/^The clock of this machine says \d{4}-\d\d-\d\d, and/);
  }
  expect(explainFailure(why("it offers another certificate authority"))).toMatchObject({
    step: "broker",
    isFinal: false,
  });
  expect(explainFailure(new PlatenError("code-refused", { kind: "claim" }))).toMatchObject({
    step: "broker",
    isFinal: true,
  });
});
