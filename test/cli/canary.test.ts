import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Canary, cutSlices, searchFolders } from "../../cli/demo/canary.ts";

const canary: Canary = { document: randomBytes(100_000), name: "Kündigung 7f3a.pdf", otp: "48213907" };
let folder = "";
let file = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "platen-canary-"));
  mkdirSync(join(folder, "deep"));
  file = join(folder, "deep", "file");
});
afterEach(() => rmSync(folder, { recursive: true }));

function search(content: Uint8Array | string) {
  writeFileSync(file, content);
  return searchFolders([folder], canary);
}
const around = (bytes: Uint8Array | string) =>
  Buffer.concat([randomBytes(777), Buffer.from(bytes), randomBytes(777)]);

describe("the search for canaries", () => {
  it("finds any 63 bytes of the document, wherever they begin and stand", () => {
    for (const at of [0, 1, 31, 32, 50_017, canary.document.length - 63 - (canary.document.length % 32)]) {
      const { findings } = search(around(canary.document.subarray(at, at + 63)));
      expect(findings.map(({ what }) => what)).toEqual(["document"]);
    }
  });

  it("finds every slice in a whole copy", () => {
    const { slicesFound } = search(around(canary.document));
    expect(slicesFound).toBe(cutSlices(canary.document).length);
    expect(slicesFound).toBe(3125);
  });

  it("leaves out slices that say nothing", () => {
    expect(
      cutSlices(Buffer.concat([Buffer.alloc(320), Buffer.from("0000000015 00000 n ".repeat(40))])),
    ).toEqual([]);
  });

  it.each([
    ["plain", Buffer.from(canary.name)],
    ["UTF-16", Buffer.from(canary.name, "utf16le")],
    ["hex", Buffer.from(canary.name).toString("hex")],
    ["in a URL", encodeURIComponent(canary.name)],
    ["base64", Buffer.from(canary.name).toString("base64")],
    ["base64 of something longer", Buffer.from(`{"name":"${canary.name}"}`).toString("base64")],
    ["base64, shifted", Buffer.from(`{"nam":"${canary.name}"}`).toString("base64")],
    ["base64, shifted again", Buffer.from(`{"na":"${canary.name}"}`).toString("base64")],
  ])("finds the name %s", (_, text) => {
    expect(search(around(text)).findings.map(({ what }) => what)).toEqual(["name"]);
  });

  it.each([
    ["in JSON", '{"otp":"48213907"}'],
    ["as people read it", "typed 4821 3907 at the keypad"],
    ["as bytes", Buffer.from([4, 8, 2, 1, 3, 9, 0, 7])],
    ["UTF-16", Buffer.from("48213907", "utf16le")],
    ["hex", Buffer.from("48213907").toString("hex")],
    ["base64 of something longer", Buffer.from('{"otp":"48213907"}').toString("base64")],
    ["between the values of a database row", "alice48213907held"],
    ["beside another number of a row", "748213907"],
  ])("finds the one-time password %s", (_, text) => {
    expect(search(text).findings.map(({ what }) => what)).toContain("otp");
  });

  it("lets a time of these days pass, and no other number", () => {
    const now = Date.now();
    const otp = String(now).slice(5);
    writeFileSync(file, `{"time":${now},"msg":"held"}`);
    expect(searchFolders([folder], { ...canary, otp }).findings).toEqual([]);
    writeFileSync(file, `{"time":${now}0,"msg":"held"}`);
    expect(searchFolders([folder], { ...canary, otp }).findings).toHaveLength(1);
  });

  it("finds nothing where nothing is, counts what it read, and follows no link", () => {
    writeFileSync(join(folder, "other"), randomBytes(500_000));
    symlinkSync(join(folder, "other"), join(folder, "link"));
    const result = search("held\n");
    expect(result).toEqual({ files: 2, bytes: 500_005, findings: [], slicesFound: 0 });
  });
});
