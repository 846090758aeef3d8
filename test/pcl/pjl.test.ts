import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodePjl, UEL } from "../../pcl/pjl-command.ts";
import type { PjlMessage } from "../../pcl/pjl-message.ts";
import { PjlReader } from "../../pcl/pjl-reader.ts";
import { readPjlCode, readPjlFindings } from "../../pcl/pjl-status.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
const read = (text: string): PjlMessage[] => new PjlReader().push(bytes(text));

describe("commands", () => {
  test("byte for byte, between two UELs", () => {
    const sent = encodePjl([
      { kind: "ustatus", of: "JOB", on: true },
      { kind: "timed", seconds: 30 },
      { kind: "job", name: "platen-1" },
    ]);
    expect(Buffer.from(sent).toString("latin1")).toBe(
      `${UEL}@PJL\r\n@PJL USTATUS JOB = ON\r\n@PJL USTATUS TIMED = 30\r\n@PJL JOB NAME = "platen-1"\r\n${UEL}`,
    );
    const asked = encodePjl([
      { kind: "echo", words: "a b" },
      { kind: "info", about: "ID" },
      { kind: "end-of-job", name: "x" },
      { kind: "ustatus", of: "PAGE", on: false },
      { kind: "ustatus-off" },
      { kind: "reset" },
    ]);
    expect(Buffer.from(asked).toString("latin1").split("\r\n").slice(1, -1)).toEqual([
      "@PJL ECHO a b",
      "@PJL INFO ID",
      '@PJL EOJ NAME = "x"',
      "@PJL USTATUS PAGE = OFF",
      "@PJL USTATUSOFF",
      "@PJL RESET",
    ]);
  });

  test.each(['a"b', "", "a\r\n@PJL DEFAULT", "é", "x".repeat(81)])("no name %j", (name) => {
    expect(() => encodePjl([{ kind: "job", name }])).toThrow(TypeError);
    expect(() => encodePjl([{ kind: "echo", words: name }])).toThrow(TypeError);
  });

  test("no period a printer would refuse", () => {
    for (const seconds of [1, 4, 301, 7.5]) {
      expect(() => encodePjl([{ kind: "timed", seconds }])).toThrow(TypeError);
    }
  });
});

describe("the back-channel", () => {
  // The first three as printed in HP's manual (chapters 5 and 7); the others by its rules.
  test.each<[string, PjlMessage]>([
    [
      '@PJL USTATUS DEVICE\r\nCODE=40021\r\nDISPLAY="12 PRINTER OPEN"\r\nONLINE=FALSE\r\n\f',
      { kind: "device", asked: false, codes: [40021], display: "12 PRINTER OPEN", online: false },
    ],
    [
      '@PJL USTATUS JOB\r\nEND\r\nNAME="job name"\r\nPAGES=123\r\nID=346\r\nRESULT=OK\r\n\f',
      { kind: "job", step: "end", name: "job name", pages: 123, result: "OK" },
    ],
    [
      '@PJL USTATUS DEVICE\nCODE=10006\nDISPLAY="16 TONER LOW"\nONLINE=TRUE\n\f',
      { kind: "device", asked: false, codes: [10006], display: "16 TONER LOW", online: true },
    ],
    [
      '@PJL USTATUS JOB\r\nSTART\r\nNAME="a=b;c"\r\n\f',
      { kind: "job", step: "start", name: "a=b;c", pages: null, result: null },
    ],
    [
      "@PJL USTATUS JOB\r\nCANCELED\r\nID=3\r\n\f",
      { kind: "job", step: "canceled", name: null, pages: null, result: null },
    ],
    ["@PJL USTATUS PAGE\r\n7\r\n\f", { kind: "page", page: 7 }],
    [
      '@PJL USTATUS TIMED\r\nCODE=10001\r\nDISPLAY=""\r\nONLINE=TRUE\r\nCODE2=35075\r\n\f',
      { kind: "device", asked: false, codes: [10001, 35075], display: "", online: true },
    ],
    [
      "@pjl info status\rcode = 41001\ronline = false\r\f",
      { kind: "device", asked: true, codes: [41001], display: null, online: false },
    ],
    ['@PJL INFO ID\r\n"LASERJET 4"\r\n\f', { kind: "info", about: "ID", lines: ['"LASERJET 4"'] }],
    ["@PJL ECHO Time 12:30\r\n\f", { kind: "echo", words: "Time 12:30" }],
    ["@PJL INFO SUPPLIES\r\n?\r\n\f", { kind: "info", about: "SUPPLIES", lines: ["?"] }],
    ["@PJL USTATUS JOB\r\n\f", { kind: "unknown", head: "@PJL USTATUS JOB" }],
  ])("%j", (text, message) => {
    expect(read(text)).toEqual([message]);
  });

  test("noise before a block, flow control inside one, a lost form feed", () => {
    const text =
      "\x00\xffready%\f\x11@PJL ECHO a\r\n\f@PJL USTA\x13TUS PA\x11GE\r\n1\r\nxx@PJL ECHO z\r\n@PJL ECHO b\r\n\f";
    expect(read(text)).toEqual([
      { kind: "echo", words: "a" },
      { kind: "page", page: 1 },
      { kind: "echo", words: "b" },
    ]);
  });

  test("a display that looks like a command is none", () => {
    const [message] = read('@PJL INFO STATUS\r\nCODE=10001\r\nDISPLAY="@PJL USTATUS JOB"\r\n\f');
    expect(message).toMatchObject({ kind: "device", display: "@PJL USTATUS JOB" });
  });

  test("what was cut off is forgotten on demand", () => {
    const reader = new PjlReader();
    reader.push(bytes("@PJL USTATUS JOB\r\nEND\r\nNAME="));
    reader.forget();
    expect(reader.push(bytes('"ours"\r\nPAGES=1\r\n\f@PJL ECHO x\r\n\f'))).toEqual([
      { kind: "echo", words: "x" },
    ]);
  });

  test("any bytes in any chunks give the same messages", () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .constantFrom(
          "@PJL USTATUS JOB\r\nEND\r\n",
          'NAME="x"\r\n',
          "\f",
          "@PJL ",
          "INFO STATUS\n",
          "CODE=1\r\n",
        )
        .map(bytes),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.integer({ min: 1, max: 9 }), (pieces, size) => {
        const all = Buffer.concat(pieces);
        const cut = new PjlReader();
        const messages = [];
        for (let at = 0; at < all.length; at += size) messages.push(...cut.push(all.subarray(at, at + size)));
        expect(messages).toEqual(new PjlReader().push(all));
      }),
    );
  });

  test("endless lines and endless blocks are cut", () => {
    const reader = new PjlReader();
    const lines = bytes(`@PJL INFO VARIABLES\r\n${`${"x".repeat(5000)}\r\n`.repeat(600)}`);
    expect(reader.push(lines)).toEqual([]);
    const [message] = reader.push(bytes("\f"));
    expect(message).toMatchObject({ kind: "info" });
    if (message?.kind !== "info") throw new Error("no info");
    expect(message.lines).toHaveLength(256);
    expect(message.lines[0]).toHaveLength(1024);
  });
});

describe("status codes", () => {
  test.each([
    [10001, "fine"],
    [10002, "offline"],
    [10023, "fine"],
    [11104, "near-end"],
    [12201, "fine"],
    [15002, "bin-full"],
    [20004, null],
    [30016, "continuable"],
    [35075, "fine"],
    [40021, "cover-open"],
    [40022, "jam"],
    [40010, "error"],
    [41203, "paper-out"],
    [42202, "jam"],
    [44031, "jam"],
    [43111, "error"],
    [50004, "error"],
    [99999, null],
    [7, null],
  ])("%i: %s", (code, condition) => {
    expect(readPjlCode(code)).toBe(condition);
  });

  const fine = { "paper-out": false, "cover-open": false, jam: false, error: false, offline: false };
  test.each([
    [[10001], true, { ...fine, "near-end": false }],
    [[11102], true, { ...fine, "near-end": true }],
    [[15001], true, fine],
    [[15001], false, { error: true, offline: true, "paper-out": null }],
    [[30016], false, { error: true, jam: null }],
    [[40021], false, { "cover-open": true, "paper-out": null, jam: null, error: null, offline: true }],
    [[10001, 41101], false, { "paper-out": true, "cover-open": null }],
    [[10002], null, { offline: true, "paper-out": false }],
    [[25001], null, { "paper-out": null, jam: null, offline: null, error: null, "near-end": null }],
    [[], true, { "paper-out": null, offline: false }],
  ])("%j, online %s", (codes, online, findings) => {
    expect(readPjlFindings(codes, online)).toMatchObject(findings);
  });
});
