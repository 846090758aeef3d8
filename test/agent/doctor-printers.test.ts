import { mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { wordStatus } from "../../agent/ask-printer.ts";
import { checkPrinter, judgeAnswer, judgeWay } from "../../agent/check-printers.ts";
import { findHolder, lookAtNode, type NodeFacts } from "../../agent/device-node.ts";
import { takeCensus, uriOf } from "../../agent/printer-census.ts";
import { learn, NOTHING_KNOWN } from "../../agent/printer-status.ts";
import { Sysfs } from "./sysfs.ts";

let sysfs: Sysfs;
beforeEach(() => {
  sysfs = new Sysfs();
});
afterEach(() => sysfs.remove());

const RECEIPT = {
  place: "1-1.2",
  serial: "X4FK000001",
  interfaces: [
    { protocol: "02", driver: "usblp", lp: "lp0", deviceId: "MFG:EPSON;CMD:ESC/POS;MDL:TM-T20II;" },
  ],
} as const;
const NODE: NodeFacts = {
  path: "/dev/usb/lp0",
  access: "ok",
  kind: "character",
  mode: 0o660,
  uid: 0,
  holder: null,
};

describe("the census", () => {
  it("lists USB printers with driver, node and device id, and serial lines by the name that stays", () => {
    sysfs.plug(RECEIPT);
    sysfs.plug({ place: "1-2", names: ["Logi", "Keyboard"], interfaces: [{ class: "03", protocol: "01" }] });
    sysfs.plugSerial("usb-FTDI_0403-if00-port0", "ttyUSB0");
    const { usb, serial } = takeCensus(sysfs.root);
    expect(serial).toEqual([{ path: "/dev/serial/by-id/usb-FTDI_0403-if00-port0", node: "/dev/ttyUSB0" }]);
    expect(usb).toMatchObject([
      {
        place: "1-1.2",
        vendorId: "04b8",
        productId: "0e15",
        serial: "X4FK000001",
        name: "EPSON TM-T20II",
        node: "/dev/bus/usb/001/005",
        interfaces: [
          { protocol: 2, driver: "usblp", lpNode: "/dev/usb/lp0", deviceId: { commandSets: ["ESC/POS"] } },
        ],
      },
    ]);
  });

  it("is empty where there is no such thing", () => {
    expect(takeCensus("/nonexistent")).toEqual({ usb: [], serial: [] });
  });

  it("names a printer by serial number, or by port where two share one", () => {
    sysfs.plug(RECEIPT);
    sysfs.plug({ ...RECEIPT, place: "1-3" });
    sysfs.plug({ place: "1-4", ids: ["03f0", "0001"], serial: "A B", interfaces: [{ protocol: "02" }] });
    const { usb } = takeCensus(sysfs.root);
    expect(usb.map((printer) => uriOf(printer, usb))).toEqual([
      "usb:04b8:0e15?port=1-1.2",
      "usb:04b8:0e15?port=1-3",
      "usb:03f0:0001?serial=A%20B",
    ]);
  });

  it("lets no name obey a terminal", () => {
    sysfs.plug({ ...RECEIPT, names: ["\u001b[31mEvil", "\u0007Printer\u202e"] });
    expect(takeCensus(sysfs.root).usb[0]?.name).toBe("[31mEvil Printer");
  });
});

describe("what keeps a printer from being used", () => {
  const lp = { name: "lobby", uri: "lp:/dev/usb/lp0", status: "none" } as const;
  const usb = { name: "lobby", uri: "usb:", status: "none" } as const;
  const missing = { ...NODE, access: "missing" } as const;
  const judge = (
    place: typeof lp | typeof usb | { name: string; uri: string; status: "none" },
    node: NodeFacts | null,
  ) => judgeWay(place, { census: takeCensus(sysfs.root), node });

  it("nothing, where it is there and ours", () => {
    sysfs.plug(RECEIPT);
    expect(judge(lp, NODE)).toBeNull();
    expect(judge(usb, { ...NODE, path: "/dev/bus/usb/001/005" })).toBeNull();
  });

  it("no printer on the bus", () => {
    expect(judge(lp, missing)).toMatchObject({ verdict: "bad", what: /No USB printer is plugged in/ });
  });

  it("another number", () => {
    sysfs.plug({ ...RECEIPT, interfaces: [{ protocol: "02", driver: "usblp", lp: "lp1" }] });
    const found = judge(lp, missing);
    expect(found?.what).toBe("The printer is at /dev/usb/lp1.");
    expect(found?.remedy).toBe("Use lp:/dev/usb/lp1 or usb:04b8:0e15?serial=X4FK000001.");
  });

  it("no driver bound", () => {
    sysfs.plug({ ...RECEIPT, interfaces: [{ protocol: "02" }] });
    expect(judge(lp, missing)?.remedy).toMatch(/^Load it: modprobe usblp; or use usb:04b8:0e15/);
    expect(judge(usb, { ...NODE, path: "/dev/bus/usb/001/005" })).toBeNull();
  });

  it("another program on it", () => {
    sysfs.plug({ ...RECEIPT, interfaces: [{ protocol: "02", driver: "usbfs" }] });
    expect(judge(lp, missing)?.what).toMatch(/A program talks to EPSON TM-T20II directly/);
    expect(judge(usb, NODE)?.remedy).toMatch(/cups ipp-usb/);
    expect(judge(lp, { ...NODE, holder: { pid: 7, name: "cupsd" } })?.what).toBe(
      "cupsd (process 7) has /dev/usb/lp0 open.",
    );
    expect(judge(lp, { ...NODE, holder: { pid: 7, name: "platen" } })).toBeNull();
  });

  it("the wrong interface alone", () => {
    sysfs.plug({ ...RECEIPT, interfaces: [{ protocol: "04", driver: "usbfs" }] });
    expect(judge(usb, NODE)?.what).toMatch(/only IPP over USB \(interface 7\/1\/4\)/);
  });

  it("another printer than the one named", () => {
    sysfs.plug(RECEIPT);
    const found = judge({ ...usb, uri: "usb:03f0:0001" }, null);
    expect(found?.remedy).toBe("Use usb:04b8:0e15?serial=X4FK000001.");
  });

  it("no permission: the groups, the folder", () => {
    sysfs.plug(RECEIPT);
    const denied = { ...NODE, access: "denied" } as const;
    expect(judge(usb, denied)?.remedy).toMatch(/usermod -aG lp platen/);
    expect(judge({ ...usb, uri: "serial:/dev/ttyUSB0" }, denied)?.remedy).toMatch(/dialout/);
    expect(judge({ ...usb, uri: "file:/srv/out.bin" }, denied)?.remedy).toMatch(/write there/);
  });

  it("a serial line that is elsewhere", () => {
    sysfs.plugSerial("usb-FTDI", "ttyUSB1");
    const found = judge({ ...usb, uri: "serial:/dev/ttyUSB0" }, { ...missing, path: "/dev/ttyUSB0" });
    expect(found?.remedy).toBe("Use one of serial:/dev/serial/by-id/usb-FTDI.");
  });
});

describe("checking a printer", () => {
  const nothing = { usb: [], serial: [] };

  it("words a wrong address as the settings' mistake", async () => {
    const found = await checkPrinter({ name: "lobby", uri: "lpt:1", status: "none" }, nothing, false);
    expect(found).toMatchObject({ verdict: "bad", remedy: "Correct uri in [printer.lobby] of agent.toml." });
  });

  it("does not make the file of a file: printer", async () => {
    const found = await checkPrinter(
      { name: "x", uri: `file:${sysfs.root}/out.bin`, status: "none" },
      nothing,
      false,
    );
    expect(found).toMatchObject({ verdict: "good" });
    expect(lookAtNode(join(sysfs.root, "out.bin")).access).toBe("missing");
  });

  it("asks nothing over a network while the agent may be printing there", async () => {
    const found = await checkPrinter({ name: "x", uri: "tcp:127.0.0.1:1", status: "none" }, nothing, true);
    expect(found).toMatchObject({ verdict: "good", what: expect.stringContaining("not asked now") });
  });

  it("says of a network printer that is off what to look at", async () => {
    const found = await checkPrinter({ name: "x", uri: "tcp:127.0.0.1:1", status: "none" }, nothing, false);
    expect(found).toMatchObject({ verdict: "bad" });
    expect(`${found.what} ${found.remedy}`).toMatch(/Nothing listens there.*printer on/s);
  });

  it.each([
    [{ "paper-out": true }, "is out of paper", "Add paper."],
    [{ "cover-open": true, "paper-out": true }, "is open", "Close the cover."],
    [{ offline: false, "near-end": true }, "is nearly out of paper", "Have paper ready."],
    [{ offline: false, "paper-out": false }, "is ready", null],
    [{}, "can be reached; it does not say how it is", null],
  ] as const)("%j: %s", (said, what, remedy) => {
    expect(wordStatus(learn(NOTHING_KNOWN, said, "dle-eot", 1))).toEqual({ what, remedy });
  });
});

describe("who has a file open", () => {
  let proc = "";
  beforeEach(() => {
    proc = mkdtempSync(join(tmpdir(), "platen-proc-"));
  });
  afterEach(() => rmSync(proc, { recursive: true }));

  function addProcess(pid: number, comm: string, cmdline: readonly string[], files: readonly string[]): void {
    const folder = join(proc, String(pid));
    mkdirSync(join(folder, "fd"), { recursive: true });
    writeFileSync(join(folder, "comm"), `${comm}\n`);
    writeFileSync(join(folder, "cmdline"), cmdline.join("\0"));
    for (const [fd, file] of files.entries()) symlinkSync(file, join(folder, "fd", String(fd)));
  }

  it("is told by the name a person would look for", () => {
    addProcess(12, "cupsd", ["/usr/sbin/cupsd", "-l"], ["/dev/null", "/dev/usb/lp0"]);
    addProcess(13, "node", ["node", "/usr/bin/platen", "agent"], ["/dev/usb/lp1"]);
    expect(findHolder("/dev/usb/lp0", proc)).toEqual({ pid: 12, name: "cupsd" });
    expect(findHolder("/dev/usb/lp1", proc)).toEqual({ pid: 13, name: "platen" });
    expect(findHolder("/dev/usb/lp2", proc)).toBeNull();
    const [node, alias] = [join(proc, "ttyUSB0"), join(proc, "by-id")];
    writeFileSync(node, "");
    symlinkSync(node, alias);
    addProcess(14, "minicom", ["minicom"], [node]);
    expect(findHolder(alias, proc)?.name).toBe("minicom");
    expect(findHolder("/dev/usb/lp0", "/nonexistent")).toBeNull();
  });

  it("is not this program", () => {
    const file = join(proc, "mine");
    openSync(file, "w");
    expect(findHolder(file)).toBeNull();
  });
});

describe("what a serial printer says, damaged", () => {
  const place = { name: "till", uri: "serial:/dev/ttyUSB0?baud=9600", status: "escpos" } as const;
  const status = learn(NOTHING_KNOWN, { offline: false }, "dle-eot", 1);

  it.each([
    [
      { damagedBytes: 3, breaks: 1 },
      "3 bytes came damaged from it (parity or framing), 1 break came on its line.",
    ],
    [{ damagedBytes: 1, breaks: 0 }, "1 byte came damaged from it (parity or framing)."],
    [{ damagedBytes: 0, breaks: 2 }, "2 breaks came on its line."],
  ])("%j is told with what to do, whatever else was heard", (lineErrors, what) => {
    const found = judgeAnswer(place, { kind: "status", status, lineErrors });
    expect(found).toMatchObject({ verdict: "bad", what });
    expect(found.remedy).toContain("Compare baud, data, parity and stop");
  });

  it("is told of nothing where nothing came damaged", () => {
    expect(judgeAnswer(place, { kind: "status", status, lineErrors: null }).verdict).toBe("good");
  });
});
