import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  decodePublicKey,
  encodePublicKey,
  type FleetKey,
  formatId,
  formatPublicKey,
  formatPublicKeyFile,
  formatSecretKeyFile,
  generateFleetKey,
  parsePublicKey,
  parseSecretKeyFile,
  signMessage,
  verifyMessage,
} from "../../wire/minisign.ts";
import {
  formatList,
  formatTerms,
  type ListTerms,
  parseTerms,
  signList,
  verifyList,
} from "../../wire/recipients.ts";
import { isMissing } from "./program.ts";

const RECIPIENT = `age1${"q".repeat(58)}`;
const NOW = 1_790_000_000;
const TERMS: ListTerms = { target: "lobby", serial: 3, expires: NOW + 60, otp: 8, languages: ["pdf", "pcl"] };
const LIST = formatList("lobby", [{ printer: "lobby", recipient: RECIPIENT }]);

let dir: string;
let key: FleetKey;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "platen-test-"));
  key = generateFleetKey();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(dir, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe.skipIf(isMissing("minisign"))("beside the minisign command", () => {
  it("it verifies what is signed here, and shows the trusted comment", () => {
    const list = file("list", LIST);
    file("list.minisig", signList(key, LIST, TERMS));
    const said = execFileSync("minisign", ["-V", "-m", list, "-P", formatPublicKey(key)], {
      encoding: "utf8",
    });
    expect(said).toContain("Signature and comment signature verified");
    expect(said).toContain(`Trusted comment: ${formatTerms(TERMS)}`);
    const keyFile = file("fleet.pub", formatPublicKeyFile(key));
    expect(spawnSync("minisign", ["-V", "-m", list, "-p", keyFile]).status).toBe(0);
    file("list", `${LIST} `);
    expect(spawnSync("minisign", ["-V", "-m", list, "-p", keyFile]).status).not.toBe(0);
  });

  it("what it signs, prehashed, verifies here", () => {
    const secret = join(dir, "its.key");
    const its = join(dir, "its.pub");
    execFileSync("minisign", ["-G", "-W", "-p", its, "-s", secret]);
    const message = file("message", "hello");
    execFileSync("minisign", ["-S", "-H", "-s", secret, "-m", message, "-t", "a trusted comment"]);
    const fleet = parsePublicKey(readFileSync(its, "utf8"));
    const minisig = readFileSync(`${message}.minisig`, "utf8");
    expect(verifyMessage(fleet!, bytes("hello"), minisig)).toBe("a trusted comment");
    expect(verifyMessage(fleet!, bytes("hellp"), minisig)).toBeNull();
    const parsed = parseSecretKeyFile(readFileSync(secret, "utf8"));
    expect(formatPublicKey(parsed!)).toBe(formatPublicKey(fleet!));
  });

  it("it signs with a secret key file written here", () => {
    const message = file("message2", "hello");
    execFileSync("minisign", [
      "-S",
      "-H",
      "-s",
      file("fleet.key", formatSecretKeyFile(key)),
      "-m",
      message,
      "-t",
      "c",
    ]);
    expect(verifyMessage(key, bytes("hello"), readFileSync(`${message}.minisig`, "utf8"))).toBe("c");
  });

  it("key ids are shown the same way", () => {
    const its = join(dir, "its.pub");
    const [comment = ""] = readFileSync(its, "utf8").split("\n");
    expect(comment.split(" ").at(-1)).toBe(formatId(parsePublicKey(readFileSync(its, "utf8"))!.id));
    expect(formatId(Uint8Array.of(0x77, 0xaa, 0x73, 0x0e, 0x4c, 0x9b, 0xf8, 0x01))).toBe("1F89B4C0E73AA77");
  });
});

describe("keys", () => {
  it("come back from each of their forms", () => {
    const publicKey = { id: key.id, key: key.key };
    expect(parsePublicKey(formatPublicKey(key))).toEqual(publicKey);
    expect(parsePublicKey(formatPublicKeyFile(key))).toEqual(publicKey);
    expect(decodePublicKey(encodePublicKey(key))).toEqual(publicKey);
    expect(parseSecretKeyFile(formatSecretKeyFile(key))).toEqual(key);
  });

  it("a damaged secret key file is refused", () => {
    const text = formatSecretKeyFile(key);
    const at = text.indexOf("\n") + 120;
    const changed = `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
    expect(parseSecretKeyFile(changed)).toBeNull();
  });

  it("anything else is none", () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array({ maxLength: 100 }), (text, raw) => {
        expect(parsePublicKey(text)).toBeNull();
        expect(parseSecretKeyFile(`x\n${text}\n`)).toBeNull();
        if (raw.length !== 42) expect(decodePublicKey(raw)).toBeNull();
        expect(verifyMessage(key, raw, text)).toBeNull();
      }),
    );
  });
});

describe("signatures", () => {
  const message = bytes("the message");

  it("no byte of them can be changed", () => {
    const minisig = signMessage(key, message, "the comment");
    const signed = minisig.slice(minisig.indexOf("\n") + 1).trimEnd();
    const offset = minisig.indexOf(signed);
    fc.assert(
      fc.property(fc.nat(signed.length - 1), fc.constantFrom("A", "B", "0", "z"), (at, char) => {
        const changed = minisig.slice(0, offset + at) + char + minisig.slice(offset + at + 1);
        if (changed !== minisig) expect(verifyMessage(key, message, changed)).toBeNull();
      }),
      { numRuns: 60 },
    );
  });

  it("of another key, with or without this key's id, are none", () => {
    const other = generateFleetKey();
    expect(verifyMessage(key, message, signMessage(other, message, "c"))).toBeNull();
    expect(verifyMessage(key, message, signMessage({ ...other, id: key.id }, message, "c"))).toBeNull();
  });

  it("the old form, not prehashed, is refused", () => {
    const minisig = signMessage(key, message, "c");
    const [untrusted, blob = "", ...rest] = minisig.split("\n");
    const old = Buffer.from(blob, "base64");
    old.write("Ed");
    expect(verifyMessage(key, message, [untrusted, old.toString("base64"), ...rest].join("\n"))).toBeNull();
  });
});

describe("the recipients list", () => {
  const offer = (terms: ListTerms = TERMS, list = LIST, by = key) => ({
    target: "lobby",
    list: bytes(list),
    minisig: bytes(signList(by, list, terms)),
  });

  it("says its terms in the trusted comment, and what it does not know is passed over", () => {
    expect(formatTerms(TERMS)).toBe(
      `platen target=lobby serial=3 expires=${NOW + 60} otp=8 languages=pdf,pcl`,
    );
    expect(parseTerms(`${formatTerms(TERMS)} colour=blue x`)).toEqual(TERMS);
    expect(parseTerms(formatTerms({ ...TERMS, languages: [] }))).toEqual({ ...TERMS, languages: [] });
  });

  it("is taken with its terms and recipients", () => {
    expect(verifyList(key, offer(), 3, NOW)).toEqual({ ...TERMS, recipients: [RECIPIENT] });
  });

  it.each([
    ["expired this second", offer, { expires: NOW }, 0, "list-expired"],
    ["for another target", offer, { target: "attic" }, 0, "list-wrong-target"],
    ["older than seen", offer, {}, 4, "list-older"],
    ["with an OTP too short", offer, { otp: 6 }, 0, "list-malformed"],
    ["with serial 0", offer, { serial: 0 }, 0, "list-malformed"],
  ])("%s is refused", (_, make, change, seen, code) => {
    expect(() => verifyList(key, make({ ...TERMS, ...change }), seen, NOW)).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it.each([
    ["without recipients", "# nobody\n"],
    ["with a line that is none", `${LIST}ssh-ed25519 AAAA\n`],
    ["with a shell word", `${LIST}age1$(reboot)\n`],
    ["too long", `${LIST}# ${"x".repeat(65_536)}\n`],
  ])("signed but %s is refused", (_, list) => {
    const offered = offer(TERMS, list);
    expect(() => verifyList(key, offered, 0, NOW)).toThrow(
      expect.objectContaining({ code: "list-malformed" }),
    );
  });

  it("of arbitrary bytes is refused, whatever they are", () => {
    const arbitrary = fc.uint8Array({ maxLength: 300 });
    fc.assert(
      fc.property(arbitrary, arbitrary, fc.string(), (list, minisig, comment) => {
        expect(() => verifyList(key, { target: "lobby", list, minisig }, 0, NOW)).toThrow(
          expect.objectContaining({ code: "list-unsigned" }),
        );
        const parsed = parseTerms(comment);
        if (parsed) expect(comment.startsWith("platen ")).toBe(true);
        const signed = bytes(signMessage(key, list, comment.replace(/\s/g, "")));
        expect(() => verifyList(key, { target: "lobby", list, minisig: signed }, 0, NOW)).toThrow();
      }),
      { numRuns: 15 },
    );
  });
});
