import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeCommands } from "../../escpos/command-bytes.ts";
import { StatusReader } from "../../escpos/status.ts";
import { bytesOf } from "./vectors.ts";

const read = (...bytes: number[]) => {
  const reader = new StatusReader();
  const events = reader.push(Uint8Array.from(bytes));
  return { reader, events };
};

describe("DLE EOT", () => {
  const answer = (n: number, byte: number) => {
    const reader = new StatusReader();
    reader.expect({ kind: "real-time", n });
    reader.push(Uint8Array.of(byte));
    return reader.state;
  };

  test.each([
    [1, 0x16, { online: true, drawerPin: "high" }],
    [1, 0x1a, { online: false, drawerPin: "low" }],
    [1, 0x3a, { waiting: true }],
    [2, 0x16, { cover: "open" }],
    [2, 0x1a, { feeding: true, cover: "closed" }],
    [2, 0x32, { paper: "end" }],
    [3, 0x12, { error: "none" }],
    [3, 0x1a, { error: "autocutter" }],
    [3, 0x32, { error: "unrecoverable" }],
    [3, 0x52, { error: "auto-recoverable" }],
    [4, 0x12, { paper: "ok" }],
    [4, 0x1e, { paper: "near-end" }],
    [4, 0x7e, { paper: "end" }],
  ])("n = %i, byte %#x", (n, byte, state) => {
    expect(answer(n, byte)).toMatchObject(state);
  });

  test("answers go to questions in their order; an answer nobody asked for changes nothing", () => {
    const reader = new StatusReader();
    reader.expect({ kind: "real-time", n: 4 });
    reader.expect({ kind: "real-time", n: 1 });
    expect(reader.push(Uint8Array.of(0x12, 0x1a, 0x7e))).toMatchObject([{ n: 4 }, { n: 1 }, { n: null }]);
    expect(reader.state).toMatchObject({ paper: "ok", online: false });
  });
});

describe("automatic status", () => {
  test("four bytes make one state", () => {
    const { reader, events } = read(0x38, 0x00, 0x0c, 0x0f);
    expect(events).toEqual([{ kind: "automatic", bytes: [0x38, 0x00, 0x0c, 0x0f] }]);
    expect(reader.state).toMatchObject({ online: false, cover: "open", paper: "end", error: "none" });
  });

  test("XOFF, XON and real-time answers in between belong to nobody else", () => {
    const reader = new StatusReader();
    reader.expect({ kind: "real-time", n: 1 });
    const events = reader.push(Uint8Array.of(0x10, 0x13, 0x08, 0x16, 0x11, 0x03, 0x00));
    expect(events.map(({ kind }) => kind)).toEqual(["flow", "real-time", "flow", "automatic"]);
    expect(reader.state).toMatchObject({ flow: "on", error: "autocutter", paper: "near-end", online: true });
  });

  test("a first byte starts over: what was lost on the line does not shift the rest", () => {
    const { reader } = read(0x10, 0x00, 0x10, 0x00, 0x00, 0x0f);
    expect(reader.state).toMatchObject({ online: true, paper: "ok" });
  });
});

describe("answers in blocks", () => {
  test("GS I texts, GS ( H echo, power-off notice", () => {
    const reader = new StatusReader();
    reader.expect({ kind: "id", n: 67 });
    const text = [..."_TM-T88V\0"].map((c) => c.charCodeAt(0));
    const events = reader.push(
      Uint8Array.from([...text, 0x37, 0x22, 0x31, 0x32, 0x33, 0x34, 0, 0x3b, 0x30, 0]),
    );
    expect(events).toEqual([
      { kind: "information", n: 67, text: "TM-T88V" },
      { kind: "response", id: "1234" },
      { kind: "power-off" },
    ]);
    expect(reader.state.online).toBe(false);
  });

  test("GS r by what was asked", () => {
    const reader = new StatusReader();
    reader.expect({ kind: "status", n: 1 });
    reader.expect({ kind: "id", n: 1 });
    expect(reader.push(Uint8Array.of(0x0f, 0x20))).toMatchObject([
      { to: "status", n: 1 },
      { to: "id", n: 1 },
    ]);
    expect(reader.state.paper).toBe("end");
  });
});

test("requests are commands; the echo of one fences what was sent before it", () => {
  const ask = (id: string) =>
    encodeCommands([
      { kind: "real-time-status", n: 4 },
      { kind: "request-response", fn: 48, m: 48, id: bytesOf(id) },
      { kind: "automatic-status", what: 0x0e },
      { kind: "transmit-id", n: 67 },
    ]);
  expect(ask("0042")).toEqual(
    bytesOf(0x10, 4, 4, 0x1d, "(H", 6, 0, 48, 48, "0042", 0x1d, "a", 0x0e, 0x1d, "I", 67),
  );
});

test("any bytes in any chunks give the same events and state, and keep nothing without bound", () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(bytes, fc.integer({ min: 1, max: 7 }), (bytes, size) => {
      const whole = new StatusReader();
      const cut = new StatusReader();
      for (const reader of [whole, cut]) reader.expect({ kind: "real-time", n: 4 });
      const events = whole.push(bytes);
      const pieces = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(...cut.push(bytes.subarray(at, at + size)));
      expect(pieces).toEqual(events);
      expect(cut.state).toEqual(whole.state);
    }),
  );
  const long = new StatusReader().push(new Uint8Array(5000).fill(0x5f));
  expect(long.length).toBeGreaterThan(3);
});
