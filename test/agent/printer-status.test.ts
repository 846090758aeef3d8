/** What is known of a printer: the model, and the two tongues byte for byte. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CONCERNS,
  learn,
  learnFromDevice,
  NOTHING_KNOWN,
  obstacleOf,
  type PrinterStatus,
  readinessOf,
  type Said,
} from "../../agent/printer-status.ts";
import type { Heard, Tongue } from "../../agent/printer-tongue.ts";
import { speakEscpos } from "../../agent/printer-tongue-escpos.ts";
import { speakPjl } from "../../agent/printer-tongue-pjl.ts";
import type { Reason } from "../../wire/reason.ts";

const say = (said: Said): PrinterStatus => learn(NOTHING_KNOWN, said, "asb", 1);
const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
const kinds = (heard: readonly Heard[]): string[] => heard.map(({ kind }) => kind);
const saidOf = (heard: readonly Heard[]): Said => {
  const status = heard.find(({ kind }) => kind === "status");
  if (status?.kind !== "status") throw new Error("no status");
  return status.said;
};

describe("one model", () => {
  test("nothing said: everything is unknown, and nothing stands against printing", () => {
    expect(readinessOf(NOTHING_KNOWN)).toBe("unknown");
    expect(obstacleOf(NOTHING_KNOWN)).toBeNull();
    for (const concern of CONCERNS) {
      expect(NOTHING_KNOWN[concern]).toEqual({ holds: null, at: 0, source: "none" });
    }
  });

  test("each finding has its time and its source; silence changes nothing", () => {
    const first = learn(NOTHING_KNOWN, { "paper-out": true, offline: true, jam: null }, "dle-eot", 5);
    const then = learn(first, { offline: false }, "asb", 9);
    expect(then["paper-out"]).toEqual({ holds: true, at: 5, source: "dle-eot" });
    expect(then.offline).toEqual({ holds: false, at: 9, source: "asb" });
    expect(then.jam).toEqual({ holds: null, at: 0, source: "none" });
  });

  test.each<[Said, "yes" | "no" | "unknown", Reason | null]>([
    [{ offline: false }, "yes", null],
    [{ offline: false, "near-end": true }, "yes", null],
    [{ "paper-out": false }, "unknown", null],
    [{ offline: true }, "no", "offline"],
    [{ offline: true, "paper-out": true }, "no", "paper"],
    [{ offline: true, "paper-out": true, "cover-open": true }, "no", "cover"],
    [{ offline: true, jam: true, error: true }, "no", "jam"],
    [{ error: true }, "no", "device"],
  ])("%j: %s, %s", (said, ready, reason) => {
    expect([readinessOf(say(said)), obstacleOf(say(said))]).toEqual([ready, reason]);
  });

  test("a port status that always says all is well contradicts nobody but itself", () => {
    const port = { ready: "yes", reason: null, source: "usb-port-status" } as const;
    expect(obstacleOf(learnFromDevice(say({ "paper-out": true }), port, 2))).toBe("paper");
    const empty = learnFromDevice(NOTHING_KNOWN, { ...port, ready: "no", reason: "paper" }, 1);
    expect(empty["paper-out"]).toEqual({ holds: true, at: 1, source: "usb-port-status" });
    expect(readinessOf(learnFromDevice(empty, port, 2))).toBe("yes");
    expect(learnFromDevice(empty, { ready: "unknown", reason: null, source: "none" }, 3)).toBe(empty);
  });
});

describe("ESC/POS", () => {
  test("the question, automatic status, the fence: byte for byte", () => {
    const tongue = speakEscpos("a1B2");
    expect(Buffer.from(tongue.question).toString("hex")).toBe("100401100402100403100404");
    expect(Buffer.from(tongue.opening).toString("hex")).toBe("1d610e");
    expect(Buffer.from(tongue.close()).toString("hex")).toBe("1d610e1d284806003030" + "61314232");
    expect(Buffer.from(tongue.farewell).toString("hex")).toBe("1d6100");
    expect(() => speakEscpos("a1B")).toThrow(TypeError);
  });

  test.each<[number[], Reason | null]>([
    [[0x12, 0x12, 0x12, 0x12], null],
    [[0x1a, 0x16, 0x12, 0x12], "cover"],
    [[0x1a, 0x32, 0x12, 0x7e], "paper"],
    [[0x1a, 0x52, 0x1a, 0x12], "jam"],
    [[0x1a, 0x52, 0x32, 0x12], "device"],
    [[0x32, 0x12, 0x12, 0x12], "device"],
    [[0x1a, 0x12, 0x52, 0x12], "offline"],
    [[0x12, 0x52, 0x52, 0x12], null],
    [[0x12, 0x12, 0x12, 0x1e], null],
  ])("answers %j: %s", (answers, reason) => {
    const heard = speakEscpos("abcd").hear(Uint8Array.from(answers));
    expect(kinds(heard)).toEqual(["status", "answered"]);
    expect(obstacleOf(say(saidOf(heard)))).toBe(reason);
  });

  test("near end is told, and is no obstacle", () => {
    expect(saidOf(speakEscpos("abcd").hear(Uint8Array.of(0x12, 0x12, 0x12, 0x1e)))["near-end"]).toBe(true);
  });

  test("three of four answers say nothing: which is missing nobody knows", () => {
    expect(speakEscpos("abcd").hear(Uint8Array.of(0x1a, 0x12, 0x7e))).toEqual([]);
  });

  test("a question nobody waits for any more: late answers show that it can answer, and say nothing", () => {
    const tongue = speakEscpos("abcd");
    tongue.hear(Uint8Array.of(0x1a, 0x12, 0x7e));
    tongue.forget();
    expect(tongue.hear(Uint8Array.of(0x7e))).toEqual([{ kind: "answered" }]);
  });

  test("only its own echo counts, and only once it closed", () => {
    const tongue = speakEscpos("abcd");
    expect(tongue.hear(bytes("7\x22abcd\0"))).toEqual([]);
    tongue.close();
    expect(tongue.hear(bytes("7\x22abce\0"))).toEqual([]);
    expect(kinds(tongue.hear(bytes("7\x22a\x13bc\x11d\0")))).toEqual(["status", "printed"]);
  });
});

describe("PJL", () => {
  const answer = (tongue: Tongue): Heard[] =>
    tongue.hear(bytes("@PJL ECHO p-1\r\n\f@PJL INFO STATUS\r\nCODE=10001\r\nONLINE=TRUE\r\n\f"));
  const end = (more: string): Uint8Array => bytes(`@PJL USTATUS JOB\r\nEND\r\n${more}\f`);

  test("the question and the job: byte for byte", () => {
    const tongue = speakPjl("p-1");
    const uel = "\x1b%-12345X";
    const text = (sent: Uint8Array): string => Buffer.from(sent).toString("latin1");
    expect(text(tongue.question)).toBe(`${uel}@PJL\r\n@PJL ECHO p-1\r\n@PJL INFO STATUS\r\n${uel}`);
    expect(text(tongue.opening)).toBe(
      `${uel}@PJL\r\n@PJL USTATUS DEVICE = ON\r\n@PJL USTATUS JOB = ON\r\n@PJL USTATUS PAGE = ON\r\n@PJL JOB NAME = "p-1"\r\n${uel}`,
    );
    expect(text(tongue.close())).toBe(`${uel}@PJL\r\n@PJL ECHO p-1-end\r\n@PJL EOJ NAME = "p-1"\r\n${uel}`);
    expect(text(tongue.farewell)).toBe(`${uel}@PJL\r\n@PJL USTATUSOFF\r\n${uel}`);
  });

  test("an answer counts only after its own echo", () => {
    const tongue = speakPjl("p-1");
    const stale = "@PJL INFO STATUS\r\nCODE=41203\r\nONLINE=FALSE\r\n\f@PJL ECHO p-0\r\n\f";
    expect(tongue.hear(bytes(stale))).toEqual([]);
    const heard = answer(tongue);
    expect(kinds(heard)).toEqual(["status", "answered"]);
    expect(readinessOf(say(saidOf(heard)))).toBe("yes");
  });

  test("printed: its own end, after its own EOJ was read, with pages, and no other result than OK", () => {
    const ours = 'NAME="p-1"\r\n';
    const early = speakPjl("p-1");
    const readToTheEnd = bytes("@PJL ECHO p-1-end\r\n\f");
    early.hear(readToTheEnd);
    expect(early.hear(end(`${ours}PAGES=3\r\n`))).toEqual([]);
    early.close();
    // Sent, and perhaps not yet read: a document's own end of our job looks like this.
    expect(early.hear(end(`${ours}PAGES=3\r\n`))).toEqual([]);
    expect(early.hear(bytes("@PJL ECHO p-2-end\r\n\f"))).toEqual([]);
    expect(early.hear(end(`${ours}PAGES=3\r\n`))).toEqual([]);
    early.hear(readToTheEnd);
    expect(early.hear(end(`${ours}\r\n`))).toEqual([]);
    expect(early.hear(end(`${ours}PAGES=0\r\n`))).toEqual([]);
    expect(early.hear(end('NAME="p-2"\r\nPAGES=3\r\n'))).toEqual([]);
    expect(early.hear(end("PAGES=3\r\n"))).toEqual([]);
    expect(kinds(early.hear(end(`${ours}PAGES=3\r\nRESULT=USER_CANCELED\r\n`)))).toEqual(["refused"]);
    expect(kinds(early.hear(end(`${ours}PAGES=3\r\nRESULT=OK\r\n`)))).toEqual(["printed"]);
  });

  test("signs of life", () => {
    const tongue = speakPjl("p-1");
    expect(
      kinds(tongue.hear(bytes('@PJL USTATUS PAGE\r\n1\r\n\f@PJL USTATUS JOB\r\nSTART\r\nNAME="p-1"\r\n\f'))),
    ).toEqual(["sign", "sign"]);
  });
});

test("rubbish never confirms, refuses or answers, whatever the chunks", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 20 }), (noise, size) => {
      const tongues = [speakEscpos("~~~~"), speakPjl("platen-0123456789abcdef")];
      for (const tongue of tongues) {
        tongue.close();
        const heard = [];
        for (let at = 0; at < noise.length; at += size)
          heard.push(...tongue.hear(noise.subarray(at, at + size)));
        expect(kinds(heard)).not.toContain("printed");
        expect(kinds(heard)).not.toContain("refused");
      }
    }),
  );
});
