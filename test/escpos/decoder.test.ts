import { describe, expect, test } from "vitest";
import { encodeCommands } from "../../escpos/command-bytes.ts";
import { Decoder, decode, MAX_TEXT_BYTES } from "../../escpos/decoder.ts";
import { bytesOf, DLE, ESC, FS, GS, readVector, VECTORS } from "./vectors.ts";

const kinds = (bytes: Uint8Array) => decode(bytes).map((command) => command.kind);

describe("streams of other programs", () => {
  test.each(VECTORS)("%s decodes with nothing unknown and encodes to the same bytes", (name, dialect) => {
    const bytes = readVector(name);
    const commands = decode(bytes, { dialect });
    expect(
      commands.filter(({ kind }) => ["unknown", "function", "truncated", "oversize"].includes(kind)),
    ).toEqual([]);
    expect(encodeCommands(commands, dialect)).toEqual(bytes);
  });

  test.each(VECTORS)("%s: ranges follow each other and cover every byte", (name, dialect) => {
    const bytes = readVector(name);
    let at = 0;
    for (const command of decode(bytes, { dialect })) {
      expect(command.start).toBe(at);
      at = command.end;
    }
    expect(at).toBe(bytes.length);
  });

  test.each(VECTORS)("%s: byte by byte gives the same", (name, dialect) => {
    const bytes = readVector(name);
    const decoder = new Decoder({ dialect });
    const commands = [...bytes].flatMap((byte) => decoder.push(Uint8Array.of(byte)));
    expect([...commands, ...decoder.end()]).toEqual(decode(bytes, { dialect }));
  });
});

describe("commands", () => {
  test("numbers are read by their widths and signs", () => {
    expect(decode(bytesOf(ESC, "$", 0x34, 0x12))[0]).toMatchObject({ kind: "absolute-position", x: 0x1234 });
    expect(decode(bytesOf(ESC, "\\", 0xfe, 0xff))[0]).toMatchObject({ kind: "relative-position", dx: -2 });
    expect(decode(bytesOf(FS, "g2", 0, 1, 0, 0, 0x80, 4, 0))[0]).toMatchObject({
      kind: "nv-user-memory-read",
      address: 0x80000001,
      length: 4,
    });
  });

  test("both forms of GS k", () => {
    expect(decode(bytesOf(GS, "k", 4, "ABC", 0))[0]).toMatchObject({ system: 4, data: bytesOf("ABC") });
    expect(decode(bytesOf(GS, "k", 73, 5, "{B", 0, 1, 2))[0]).toMatchObject({ data: bytesOf("{B", 0, 1, 2) });
  });

  test("a barcode whose NUL never comes is garbage, and what follows is text", () => {
    const commands = decode(bytesOf(GS, "k", 4, "A".repeat(300), 0x0a));
    expect(commands.map((command) => command.kind)).toEqual(["unknown", "ignored", "text", "line-feed"]);
  });

  test("tabs end at NUL, at a value that does not ascend, and at 32", () => {
    expect(kinds(bytesOf(ESC, "D", 8, 16, 0, "x"))).toEqual(["tab-stops", "text"]);
    expect(kinds(bytesOf(ESC, "D", 40, 33, "x"))).toEqual(["tab-stops", "text"]);
    const many = Array.from({ length: 40 }, (_, index) => index + 1);
    expect(decode(bytesOf(ESC, "D", ...many))[0]?.end).toBe(2 + 32);
  });

  test("GS V with and without a feed", () => {
    expect(decode(bytesOf(GS, "V", 1, GS, "V", 66, 9))).toMatchObject([
      { kind: "cut", mode: 1 },
      { kind: "feed-and-cut", mode: 66, feed: 9 },
    ]);
  });

  test("graphics by either length are the same command", () => {
    const body = [48, 112, 48, 1, 1, 49, 8, 0, 1, 0, 0xff] as const;
    const narrow = decode(bytesOf(GS, "(L", 11, 0, ...body))[0];
    const wide = decode(bytesOf(GS, "8L", 11, 0, 0, 0, ...body))[0];
    expect(narrow).toMatchObject({ kind: "graphics-store", width: 8, height: 1, data: Uint8Array.of(255) });
    expect(wide).toMatchObject({ kind: "graphics-store", width: 8, wide: true });
  });

  test("a function nobody knows is passed over by its length", () => {
    const commands = decode(bytesOf(GS, "(", "q", 3, 0, 0x1b, 0x40, 0x0a, "x"));
    expect(commands).toMatchObject([{ kind: "function", family: "GS (", letter: 0x71 }, { kind: "text" }]);
    expect(commands[0]).toMatchObject({ body: Uint8Array.of(0x1b, 0x40, 0x0a) });
  });

  test("a known function with parameters missing or to spare stays in step", () => {
    expect(kinds(bytesOf(GS, "(A", 1, 0, 2, "x"))).toEqual(["function", "text"]);
    expect(kinds(bytesOf(GS, "(A", 3, 0, 2, 3, 4, "x"))).toEqual(["function", "text"]);
    expect(kinds(bytesOf(GS, "(k", 0, 0, "x"))).toEqual(["function", "text"]);
  });

  test("user characters, NV images, bitmaps and counters measure themselves", () => {
    expect(kinds(bytesOf(ESC, "&", 3, 65, 66, 1, 1, 2, 3, 0, "x"))).toEqual([
      "user-characters-define",
      "text",
    ]);
    const image = [1, 0, 1, 0, ...new Array<number>(8).fill(0x1b)];
    expect(kinds(bytesOf(FS, "q", 2, ...image, ...image, "x"))).toEqual(["define-nv-images", "text"]);
    const bitmap = ["BM", 8, 0, 0, 0, 0x1b, 0x40] as const;
    expect(kinds(bytesOf(GS, "D", 48, 67, 48, 32, 32, 48, 49, ...bitmap, "x"))).toEqual([
      "windows-bitmap",
      "text",
    ]);
    expect(kinds(bytesOf(GS, "C;", "1;9;1;1;1;", "x"))).toEqual(["counter-text", "text"]);
  });
});

describe("makers' own", () => {
  const read = (dialect: "epson" | "citizen" | "bixolon" | "sii", ...parts: (number | string)[]) => {
    const bytes = bytesOf(...parts);
    const commands = decode(bytes, { dialect });
    expect(encodeCommands(commands, dialect)).toEqual(bytes);
    return commands.map(({ kind }) => kind);
  };

  test("Citizen's colour and bezel lamp", () => {
    expect(read("citizen", ESC, "~J", 1, GS, "R2", 1, 10, 10, "x")).toEqual([
      "citizen-colour",
      "citizen-bezel-lamp",
      "text",
    ]);
    expect(read("epson", ESC, "~J", 1)).toEqual(["unknown", "text", "ignored"]);
  });

  test("Bixolon's card reader is passed over by its length", () => {
    expect(read("bixolon", 8, "MS", 2, 0, 52, 49, "x")).toEqual(["function", "text"]);
  });

  test("Seiko's DC2, and the buzzer of many", () => {
    expect(read("sii", 0x12, "q", 0, ESC, "B", 3, 2, 7)).toEqual(["sii-respond", "beep", "bell"]);
  });
});

describe("real-time commands", () => {
  test("between commands they are commands", () => {
    const bytes = bytesOf("a", DLE, 4, 1, "b", DLE, 0x14, 1, 0, 1, DLE, 5, 2, DLE, 4, 7, 1);
    expect(kinds(bytes)).toEqual([
      "text",
      "real-time-status",
      "text",
      "real-time-pulse",
      "real-time-request",
      "real-time-status-extended",
    ]);
  });

  test("inside an image the data stays whole and the spot is reported", () => {
    const data = [0, DLE, 4, 1, 0, DLE, 4, 99] as const;
    const [image, text] = decode(bytesOf("..", GS, "v0", 0, 1, 0, 8, 0, ...data, "x")).slice(1);
    expect(image).toMatchObject({ kind: "raster-image", data: Uint8Array.of(...data) });
    expect(image).toMatchObject({ realTime: [{ at: 2 + 8 + 1, request: "status" }] });
    expect(text?.kind).toBe("text");
  });
});

describe("limits and recovery", () => {
  test("what is unknown is reported, and the next command is not lost", () => {
    const commands = decode(bytesOf(ESC, "~", "text", ESC, ESC, "@", 0x01, 0x0a));
    expect(commands.map((command) => [command.kind, command.end - command.start])).toEqual([
      ["unknown", 2],
      ["text", 4],
      ["unknown", 1],
      ["initialise", 2],
      ["ignored", 1],
      ["line-feed", 1],
    ]);
  });

  test("more than the limit is passed over, in step, and not kept", () => {
    const decoder = new Decoder();
    expect(decoder.push(bytesOf(GS, "8L", 0, 0, 0, 1))).toEqual([]);
    const block = new Uint8Array(1 << 20).fill(0x1b);
    for (let sent = 0; sent < 15; sent += 1) expect(decoder.push(block)).toEqual([]);
    expect(decoder.push(block.subarray(1))).toEqual([]);
    expect(decoder.push(bytesOf(0x1b, "x", 0x0a))).toMatchObject([
      { kind: "oversize", code: "GS 8", declaredBytes: 7 + (1 << 24), start: 0, end: 7 + (1 << 24) },
      { kind: "text" },
      { kind: "line-feed" },
    ]);
  });

  test("the limit does not depend on chunks", () => {
    const bytes = bytesOf(GS, "v0", 0, 100, 0, 1, 0, ...new Array<number>(100).fill(0), "x", 0x0a);
    const options = { maxCommandBytes: 64 };
    const decoder = new Decoder(options);
    const pieces = [...bytes].flatMap((byte) => decoder.push(Uint8Array.of(byte)));
    expect([...pieces, ...decoder.end()]).toEqual(decode(bytes, options));
    expect(decode(bytes, options).map(({ kind }) => kind)).toEqual(["oversize", "text", "line-feed"]);
  });

  test("a command that finds its end only on the way is given up at the limit too", () => {
    const image = [1, 0, 8, 0, ...new Array<number>(64).fill(0x41)];
    const bytes = bytesOf(FS, "q", 3, ...image, ...image, ...image, 10);
    const decoder = new Decoder({ maxCommandBytes: 100 });
    const early = [...bytes.subarray(0, 110)].flatMap((byte) => decoder.push(Uint8Array.of(byte)));
    expect(early[0]).toMatchObject({ kind: "unknown", start: 0, end: 2 });
    expect(decode(bytes, { maxCommandBytes: 100 })[0]).toEqual(early[0]);
  });

  test("so is one that is ended by a mark, wherever the chunks are cut", () => {
    const bytes = bytesOf(GS, "k", 2, ...new Array<number>(61).fill(0x14), 0);
    const options = { maxCommandBytes: 64 };
    const decoder = new Decoder(options);
    const pieces = [...bytes].flatMap((byte) => decoder.push(Uint8Array.of(byte)));
    expect([...pieces, ...decoder.end()]).toEqual(decode(bytes, options));
    expect(decode(bytes, options)[0]).toMatchObject({ kind: "unknown", start: 0, end: 2 });
  });

  test("a stream that ends inside a command says so", () => {
    expect(decode(bytesOf("a", GS, "v0", 0, 1))).toMatchObject([
      { kind: "text" },
      { kind: "truncated", start: 1, end: 6 },
    ]);
  });

  test("long text comes in equal runs", () => {
    const sizes = decode(new Uint8Array(MAX_TEXT_BYTES * 2 + 5).fill(65)).map(
      ({ start, end }) => end - start,
    );
    expect(sizes).toEqual([MAX_TEXT_BYTES, MAX_TEXT_BYTES, 5]);
  });
});
