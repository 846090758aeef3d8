import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseDeviceId } from "../../pcl/device-id.ts";

const LASERJET =
  "MFG:Hewlett-Packard;CMD:PJL,MLC,PCL,POSTSCRIPT,PCLXL;MDL:HP LaserJet 4100 Series ;CLS:PRINTER;DES:Hewlett-Packard LaserJet 4100 Series ;MEM:29MB;OPTION:1500 Sheets;";

/** With a length in front: the standard's, or a wrong one. */
function withLength(text: string, length = text.length + 2, tail = ""): Uint8Array {
  return Buffer.concat([Buffer.from([length >> 8, length & 0xff]), Buffer.from(text + tail, "latin1")]);
}

describe("device ids", () => {
  test("a printer's, with the standard's length", () => {
    expect(parseDeviceId(withLength(LASERJET))).toMatchObject({
      maker: "Hewlett-Packard",
      model: "HP LaserJet 4100 Series",
      serial: null,
      commandSets: ["PJL", "MLC", "PCL", "POSTSCRIPT", "PCLXL"],
    });
  });

  test("long keys, lower case, spaces, a serial number", () => {
    const id = "Manufacturer : EPSON; command set: esc/pos ; Model:TM-T88V;SERN:ABC 123;";
    expect(parseDeviceId(Buffer.from(id))).toMatchObject({
      maker: "EPSON",
      model: "TM-T88V",
      serial: "ABC 123",
      commandSets: ["ESC/POS"],
    });
  });

  test.each([
    ["no length", Buffer.from(LASERJET)],
    ["not counting itself", withLength(LASERJET, LASERJET.length)],
    ["too long", withLength(LASERJET, 9999)],
    ["far too short", withLength(LASERJET, 20)],
    ["zero", withLength(LASERJET, 0)],
    ["least significant byte first", withLength(LASERJET, ((LASERJET.length + 2) & 0xff) << 8)],
    ["no last semicolon", withLength(LASERJET.slice(0, -1))],
    ["zeros behind", withLength(LASERJET, 1024, "\0".repeat(200))],
    ["an older, longer answer's rest behind", withLength(LASERJET, undefined, "heets EXTRA")],
  ])("length: %s", (_, bytes) => {
    const id = parseDeviceId(bytes);
    expect(id?.model).toBe("HP LaserJet 4100 Series");
    expect(id?.fields.get("OPTION")).toBe("1500 Sheets");
    expect([...(id?.fields.keys() ?? [])]).toEqual(["MFG", "CMD", "MDL", "CLS", "DES", "MEM", "OPTION"]);
  });

  test("nothing in it", () => {
    for (const text of ["", "\0\0", "rubbish", ";;;;", ":;:;"]) {
      expect(parseDeviceId(Buffer.from(text))).toBeNull();
    }
  });

  test("the first of two equal keys; no command set is none", () => {
    expect(parseDeviceId(Buffer.from("MDL:a;MDL:b;CMD:;"))).toMatchObject({ model: "a", commandSets: [] });
  });

  test("any bytes are read or refused, never more than 64 keys", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(parseDeviceId(bytes)?.fields.size ?? 0).toBeLessThanOrEqual(64);
      }),
    );
    const many = Buffer.from(Array.from({ length: 5000 }, (_, index) => `K${index}:v;`).join(""));
    expect(parseDeviceId(many)?.fields.size).toBe(64);
  });

  test("what an honest printer says comes back", () => {
    const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 .-]{0,20}[A-Za-z0-9]$/);
    fc.assert(
      fc.property(word, word, fc.array(word, { maxLength: 5 }), (maker, model, sets) => {
        const id = parseDeviceId(withLength(`MFG:${maker};MDL:${model};CMD:${sets.join(",")};`));
        expect(id).toMatchObject({ maker, model, commandSets: sets.map((set) => set.toUpperCase()) });
      }),
    );
  });
});
