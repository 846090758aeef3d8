import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PrinterAnswer } from "../../agent/ask-printer.ts";
import { printPage } from "../../agent/print-page.ts";
import { takeCensus } from "../../agent/printer-census.ts";
import { learn, NOTHING_KNOWN } from "../../agent/printer-status.ts";
import { type ProbePorts, probePrinters } from "../../agent/probe.ts";
import { profileOf } from "../../agent/profile.ts";
import { parseDeviceId } from "../../pcl/device-id.ts";
import { Sysfs } from "./sysfs.ts";

let sysfs: Sysfs;
const asked: string[] = [];
beforeEach(() => {
  sysfs = new Sysfs();
  asked.length = 0;
});
afterEach(() => sysfs.remove());

const answer: PrinterAnswer = {
  kind: "status",
  status: learn(NOTHING_KNOWN, { "paper-out": true }, "dle-eot", 1),
  lineErrors: null,
};

function ports(over: Partial<ProbePorts> = {}): ProbePorts {
  return {
    census: () => takeCensus(sysfs.root),
    readId: async () => null,
    ask: async (uri, status) => {
      asked.push(`${uri} ${status}`);
      return answer;
    },
    holder: () => null,
    ...over,
  };
}

const RECEIPT = {
  place: "1-1.2",
  serial: "X4",
  interfaces: [
    { protocol: "02", driver: "usblp", lp: "lp0", deviceId: "MFG:EPSON;CMD:ESC/POS;MDL:TM-T20II;" },
  ],
} as const;
const LASER = { place: "1-3", ids: ["03f0", "0001"], names: ["HP", "LaserJet"] } as const;

describe("probing", () => {
  it("tells address, languages, profile and state of what is plugged in, by its configured name", async () => {
    sysfs.plug(RECEIPT);
    const found = await probePrinters([{ name: "lobby", uri: "lp:/dev/usb/lp0", status: "none" }], ports());
    expect(found).toEqual([
      {
        uri: "usb:04b8:0e15?serial=X4",
        name: "lobby",
        model: "EPSON TM-T20II",
        languages: ["esc/pos"],
        profile: "escpos",
        state: "is out of paper",
        deviceId: { MFG: "EPSON", CMD: "ESC/POS", MDL: "TM-T20II" },
      },
    ]);
    expect(asked).toEqual(["lp:/dev/usb/lp0 escpos"]);
  });

  it("asks the printer itself for its device id where no driver tells", async () => {
    sysfs.plug({ ...LASER, interfaces: [{ protocol: "02" }] });
    const id = parseDeviceId(Buffer.from("MFG:HP;CMD:PJL,PCL,POSTSCRIPT;MDL:LaserJet;"));
    const [found] = await probePrinters([], ports({ readId: async () => id }));
    expect(found).toMatchObject({ uri: "usb:03f0:0001?port=1-3", profile: "pjl", name: null });
    expect(asked).toEqual(["usb:03f0:0001?port=1-3 pjl"]);
  });

  it("leaves alone what somebody else has, and what is of no use", async () => {
    sysfs.plug({ ...LASER, interfaces: [{ protocol: "02", driver: "usbfs" }] });
    sysfs.plug({ ...LASER, place: "1-4", interfaces: [{ protocol: "04" }] });
    sysfs.plug(RECEIPT);
    const holder = (path: string) => (path === "/dev/usb/lp0" ? { name: "cupsd" } : null);
    const readId = () => Promise.reject(new Error("must not be asked"));
    const found = await probePrinters([], ports({ holder, readId }));
    expect(found.map(({ state }) => state).sort()).toEqual([
      "in use by another program (the agent, CUPS, ipp-usb)",
      "in use by cupsd",
      "speaks IPP over USB only: of no use here",
    ]);
    expect(asked).toEqual([]);
  });

  it("lists serial lines without a question, and configured printers beyond what is plugged in", async () => {
    sysfs.plugSerial("usb-FTDI", "ttyUSB0");
    const places = [
      { name: "labels", uri: "serial:/dev/ttyUSB0?baud=9600", status: "none" },
      { name: "office", uri: "tcp:192.0.2.7", status: "pjl" },
      { name: "file", uri: "file:/srv/out", status: "none" },
    ] as const;
    const found = await probePrinters(places, ports());
    expect(found.map(({ name, state }) => [name, state])).toEqual([
      ["labels", "not asked: nobody knows its line speed"],
      ["office", "is out of paper"],
      ["file", "writes files"],
    ]);
    expect(asked).toEqual(["tcp:192.0.2.7 pjl"]);
  });
});

describe("printing a page", () => {
  it("goes out between what the profile wants, and is not claimed to be printed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "platen-page-"));
    const profile = profileOf("pcl");
    const page = Buffer.from("a page");
    const outcome = await printPage(`file:${folder}/out`, profile, page, () => undefined);
    expect(outcome).toEqual({ kind: "sent", bytes: 6, confirmed: false });
    expect(readFileSync(join(folder, "out")).toString("latin1")).toBe("\x1bEa page\x1bE");
    expect(page.toString()).toBe("a page");
    rmSync(folder, { recursive: true });
  });

  it("is refused in words where the printer cannot be reached", async () => {
    await expect(
      printPage("tcp:127.0.0.1:1", profileOf("raw"), Buffer.from("x"), () => undefined),
    ).rejects.toThrow(/nothing listens there/);
  });
});
