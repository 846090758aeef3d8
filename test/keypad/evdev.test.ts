import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findEvdev, openEvdev } from "../../keypad/evdev.ts";
import { decodeEvdev, EVDEV_START, isDigitsOnly } from "../../keypad/evdev-events.ts";

type Event = readonly [type: number, code: number, value: number];

function pack(...events: readonly Event[]): Buffer {
  return Buffer.concat(
    events.map(([type, code, value]) => {
      const bytes = Buffer.alloc(24, 0x5a);
      bytes.writeUInt16LE(type, 16);
      bytes.writeUInt16LE(code, 18);
      bytes.writeInt32LE(value, 20);
      return bytes;
    }),
  );
}

function spell(...chunks: readonly Uint8Array[]): string {
  let state = EVDEV_START;
  let spelled = "";
  for (const chunk of chunks) {
    const step = decodeEvdev(state, chunk);
    state = step.state;
    for (const key of step.keys) spelled += key.kind === "digit" ? key.digit : `<${key.kind}>`;
  }
  return spelled;
}

const SYN: Event = [0, 0, 0];
const press = (code: number): Event[] => [[4, 4, code], [1, code, 1], SYN, [1, code, 0], SYN];

describe("input events", () => {
  it("are digits of the row, the keypad and of telephones, and the other keys", () => {
    const row = [11, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    const keypad = [82, 79, 80, 81, 75, 76, 77, 71, 72, 73];
    const phone = Array.from({ length: 10 }, (_, digit) => 0x200 + digit);
    expect(spell(pack(...[...row, ...keypad, ...phone].flatMap(press)))).toBe("0123456789".repeat(3));
    expect(spell(pack(...[28, 96, 14, 1, 55, 0x20b, 30, 69].flatMap(press)))).toBe(
      "<enter><enter><backspace><clear><clear><enter>",
    );
  });

  it("count once, however long the key stays down and however often it is said", () => {
    expect(spell(pack([1, 79, 1], SYN, [1, 79, 2], SYN, [1, 79, 2], SYN, [1, 79, 1], [1, 79, 0]))).toBe("1");
  });

  it("come in pieces of any size", () => {
    const bytes = pack(...[79, 80, 81].flatMap(press));
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 9 }), (cuts) => {
        const places = [0, ...cuts.sort((one, other) => one - other), bytes.length];
        expect(spell(...places.slice(1).map((end, index) => bytes.subarray(places[index], end)))).toBe("123");
      }),
    );
  });

  it("are no keys together with Ctrl, and none between a loss and the next report", () => {
    expect(spell(pack([1, 29, 1], ...press(79), [1, 29, 0], ...press(80)))).toBe("2");
    expect(spell(pack([1, 79, 1], [0, 3, 0], [1, 80, 1], [1, 79, 1], SYN, [1, 79, 1]))).toBe("11");
  });

  it("never mean more than their number, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const { state, keys } = decodeEvdev(EVDEV_START, bytes);
        expect(keys.length).toBeLessThanOrEqual(bytes.length / 24);
        expect(state.rest.length).toBeLessThan(24);
      }),
    );
  });
});

/** As sysfs has them: a PC keyboard, a matrix of twelve keys, the power button. */
const KEYBOARD = "402000000 3803078f800d001 feffffdfffefffff fffffffffffffffe";
const MATRIX = "80000010000ffc";
const POWER = "10000000000000 0";

describe("finding", () => {
  let root = "";
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "evdev-"));
    for (const [index, [name, keys]] of [
      ["AT keyboard", KEYBOARD],
      ["gpio-keys", MATRIX],
      ["Power Button", POWER],
    ].entries()) {
      const folder = join(root, "sys", "class", "input", `event${index}`, "device");
      await mkdir(join(folder, "capabilities"), { recursive: true });
      await writeFile(join(folder, "name"), `${name}\n`);
      await writeFile(join(folder, "capabilities", "key"), `${keys}\n`);
    }
    await symlink("/dev/null", join(root, "link"));
  });
  afterAll(() => rm(root, { recursive: true }));

  it("any with digits and without letters, or by name, or by a link", async () => {
    expect([KEYBOARD, MATRIX, POWER, "", "xyz"].map(isDigitsOnly)).toEqual([
      false,
      true,
      false,
      false,
      false,
    ]);
    expect(await findEvdev({ kind: "any" }, root)).toEqual(["/dev/input/event1"]);
    expect(await findEvdev({ kind: "name", name: "AT keyboard" }, root)).toEqual(["/dev/input/event0"]);
    expect(await findEvdev({ kind: "name", name: "nobody" }, root)).toEqual([]);
    expect(await findEvdev({ kind: "path", path: join(root, "link") }, root)).toEqual(["/dev/null"]);
  });

  it("says what is wrong with what is no input device, and waits for what is missing", async () => {
    const listen = () => ({ onBytes: () => undefined, end: () => undefined });
    await expect(openEvdev({ kind: "path", path: "/dev/null" }, listen)).rejects.toMatchObject({
      code: "keypad-unusable",
      message: expect.stringContaining("no input device"),
    });
    expect(await openEvdev({ kind: "path", path: "/dev/input/event999" }, listen)).toBeNull();
  });
});
