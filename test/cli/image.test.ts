import { createHash, randomBytes } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseSetupFile } from "../../agent/setup-file.ts";
import { formatTemplate, TEMPLATE_BYTES } from "../../agent/setup-template.ts";
import { describeDisk } from "../../cli/image/disk.ts";
import { flashImage } from "../../cli/image/flash.ts";
import { describeImage, proveImage } from "../../cli/image/image-file.ts";
import { composeSetup, prepareImage } from "../../cli/image/prepare.ts";
import { readRoom } from "../../cli/image/room.ts";
import { formatPublicKeyFile, generateFleetKey, signMessage } from "../../wire/minisign.ts";
import { CLAIM } from "../agent/claim.ts";

const MIB = 1024 * 1024;
/** Where the set-up file lies in the image below; not at a mebibyte. */
const ROOM_AT = 2 * MIB + 37 * 512;
let root = "";
const at = (...parts: string[]) => join(root, ...parts);
const QUIET = { onWrite: () => {}, onVerify: () => {} };

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "platen-image-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** 4 MiB: a partition table, and a FAT partition of 2 MiB from the first mebibyte on. */
function makeImage(): Buffer {
  const image = randomBytes(4 * MIB);
  image.fill(0, 0, 512);
  image.writeUInt8(0x0c, 450);
  image.writeUInt32LE(MIB / 512, 454);
  image.writeUInt32LE((2 * MIB) / 512, 458);
  image.writeUInt16LE(0xaa55, 510);
  image.set(formatTemplate(), ROOM_AT);
  return image;
}

describe("preparing", () => {
  const text = () =>
    composeSetup({ claim: CLAIM, wifi: { name: "Büro", password: "12345678", country: "DE" } }, null);

  it.each([
    ["platen.img", (image: Buffer) => image],
    ["platen.img.zst", zstdCompressSync],
    ["platen.img.gz", gzipSync],
  ])("writes into a copy of %s what the machine reads, and nothing else", async (name, pack) => {
    const image = makeImage();
    writeFileSync(at(name), pack(image));
    await prepareImage(at(name), at("lobby.img"), text);
    const made = readFileSync(at("lobby.img"));
    const settings = parseSetupFile(made.subarray(ROOM_AT, ROOM_AT + TEMPLATE_BYTES), false);
    expect(settings).toMatchObject({ claim: CLAIM, wifi: { name: "Büro", country: "DE" } });
    image.copy(made, ROOM_AT, ROOM_AT, ROOM_AT + TEMPLATE_BYTES);
    expect(made.equals(image)).toBe(true);
    expect(statSync(at("lobby.img")).mode & 0o077).toBe(0);
  });

  it("in place, and again for another printer", async () => {
    writeFileSync(at("platen.img"), makeImage());
    await prepareImage(at("platen.img"), null, text);
    await prepareImage(at("platen.img"), null, () =>
      composeSetup({ claim: CLAIM, broker: "print.example.org" }, null),
    );
    expect(parseSetupFile(await readRoom(at("platen.img")), false)).toMatchObject({
      broker: "print.example.org",
    });
    expect(parseSetupFile(await readRoom(at("platen.img")), false).wifi).toBeUndefined();
  });

  it("keeps what all printers share", () => {
    const base = '[wifi]\r\nname = "Office"\r\ncountry = "DE"\r\npassword = "12345678"\r\n';
    const made = composeSetup(
      { claim: CLAIM, printer: { name: "lobby", uri: "tcp:10.0.0.9" } },
      Buffer.from(base),
    );
    expect(parseSetupFile(Buffer.from(made), false)).toMatchObject({
      wifi: { name: "Office" },
      printer: { lobby: { uri: "tcp:10.0.0.9" } },
    });
  });

  it("asks for no code where the rest is wrong, and touches nothing that lies there", async () => {
    expect(() => composeSetup({ wifi: { name: "Office" } }, null)).toThrow("Wi-Fi needs the country");
    expect(() => composeSetup({}, null)).not.toThrow();
    const asked = vi.fn(async () => text());
    writeFileSync(at("lobby.img"), "another's");
    await expect(prepareImage(at("none.img"), at("lobby.img"), asked)).rejects.toThrow("it cannot be read");
    writeFileSync(at("platen.img"), makeImage());
    await expect(prepareImage(at("platen.img"), at("lobby.img"), asked)).rejects.toThrow("lobby.img");
    expect(asked).not.toHaveBeenCalled();
    expect(readFileSync(at("lobby.img"), "utf8")).toBe("another's");
    asked.mockRejectedValueOnce(new Error("no broker"));
    await expect(prepareImage(at("platen.img"), at("hall.img"), asked)).rejects.toThrow("no broker");
    expect(() => statSync(at("hall.img"))).toThrow("ENOENT");
  });

  it("refuses what the machine would refuse, before anything is written", () => {
    expect(() => composeSetup({ claim: CLAIM, wifi: { name: "Office" } }, null)).toThrow(
      "Wi-Fi needs the country",
    );
    expect(() => composeSetup({ claim: CLAIM }, Buffer.from("[wifi]\nname = Office"))).toThrow(
      "platen.toml, line 2:",
    );
  });

  it.each([
    ["no image at all", () => Buffer.from("hello"), "it is no image of a Platen card"],
    [
      "an image whose file was edited",
      () => makeImage().fill(0x41, ROOM_AT, ROOM_AT + 40),
      "not where a fresh image has it",
    ],
    [
      "a file in pieces",
      () => makeImage().fill(0x41, ROOM_AT + 4096, ROOM_AT + 9000),
      "not where a fresh image has it",
    ],
  ])("%s is left as it is", async (_name, make, why) => {
    const image = make();
    writeFileSync(at("platen.img"), image);
    await expect(prepareImage(at("platen.img"), null, text)).rejects.toThrow(why);
    expect(readFileSync(at("platen.img")).equals(image)).toBe(true);
    const asked = vi.fn(text);
    await expect(prepareImage(at("platen.img"), at("out.img"), asked)).rejects.toThrow(why);
    expect(asked).not.toHaveBeenCalled();
    expect(() => statSync(at("out.img"))).toThrow("ENOENT");
  });
});

describe("proof", () => {
  const key = generateFleetKey();
  const prove = (keyFile: string | null) => proveImage(describeImage(at("platen.img")), keyFile, () => {});

  beforeEach(() => {
    writeFileSync(at("platen.img"), "an image");
    const sums = `${createHash("sha256").update("an image").digest("hex")}  platen.img\n`;
    writeFileSync(at("SHA256SUMS"), sums);
    writeFileSync(at("SHA256SUMS.minisig"), signMessage(key, Buffer.from(sums), "platen image"));
    writeFileSync(at("key.pub"), formatPublicKeyFile(key));
  });

  it("by digest, by signature, or none", async () => {
    expect(await prove(null)).toBe("digest");
    expect(await prove(at("key.pub"))).toBe("signed");
    rmSync(at("SHA256SUMS"));
    expect(await prove(null)).toBe("none");
    await expect(prove(at("key.pub"))).rejects.toThrow("no SHA256SUMS lies beside it");
  });

  it("refuses what differs", async () => {
    writeFileSync(at("platen.img"), "an imagE");
    await expect(prove(null)).rejects.toThrow("it is not what SHA256SUMS names");
    writeFileSync(at("other.pub"), formatPublicKeyFile(generateFleetKey()));
    await expect(prove(at("other.pub"))).rejects.toThrow("the signature of SHA256SUMS does not fit the key");
    writeFileSync(at("SHA256SUMS"), "");
    await expect(prove(at("key.pub"))).rejects.toThrow("does not fit the key");
  });

  it("of one that it does not name: none, and with a key that is a refusal", async () => {
    renameSync(at("platen.img"), at("other.img"));
    writeFileSync(at("other.img"), "another image");
    const other = (keyFile: string | null) => proveImage(describeImage(at("other.img")), keyFile, () => {});
    expect(await other(null)).toBe("none");
    await expect(other(at("key.pub"))).rejects.toThrow("SHA256SUMS beside it does not name it");
  });

  it.each([["in place"], ["into a copy"]])(
    "of one that was prepared %s: its set-up file aside",
    async (how) => {
      writeFileSync(at("platen.img"), makeImage());
      const digest = createHash("sha256")
        .update(readFileSync(at("platen.img")))
        .digest("hex");
      const sums = `${digest}  platen.img\n`;
      writeFileSync(at("SHA256SUMS"), sums);
      writeFileSync(at("SHA256SUMS.minisig"), signMessage(key, Buffer.from(sums), "platen image"));
      const made = how === "in place" ? at("platen.img") : at("lobby.img");
      await prepareImage(at("platen.img"), made === at("platen.img") ? null : made, () =>
        composeSetup({ claim: CLAIM }, null),
      );
      const proof = () => proveImage(describeImage(made), at("key.pub"), () => {});
      expect(await proof()).toBe("signed");
      const image = readFileSync(made);
      image.writeUInt8((image[ROOM_AT + TEMPLATE_BYTES] ?? 0) ^ 1, ROOM_AT + TEMPLATE_BYTES);
      writeFileSync(made, image);
      await expect(proof()).rejects.toThrow("SHA256SUMS");
    },
  );
});

describe.runIf(process.platform === "linux")("a disk", () => {
  /** sysfs and procfs of a machine with one card, which is a file here. */
  function makeMachine(files: Readonly<Record<string, string>> = {}): string {
    writeFileSync(at("sdz"), "");
    truncateSync(at("sdz"), 8 * MIB);
    const sys = "sys/class/block/sdz";
    const all = {
      [`${sys}/dev`]: "0:0",
      [`${sys}/size`]: String((8 * MIB) / 512),
      [`${sys}/ro`]: "0",
      [`${sys}/removable`]: "1",
      [`${sys}/device/vendor`]: "Generic ",
      [`${sys}/device/model`]: "SD Card Reader  ",
      [`${sys}/sdz1/partition`]: "1",
      "sys/class/block/sdz1/dev": "8:241",
      "proc/self/mountinfo": "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
      "proc/swaps": "Filename Type Size Used Priority\n",
      ...files,
    };
    for (const [path, text] of Object.entries(all)) {
      mkdirSync(join(at("machine"), path, ".."), { recursive: true });
      writeFileSync(join(at("machine"), path), `${text}\n`);
    }
    return at("machine");
  }
  const mounted = (where: string) => ({
    "proc/self/mountinfo": `22 1 8:1 / / rw - ext4 /dev/sda1 rw\n40 22 8:241 / ${where} rw - vfat /dev/sdz1 rw`,
  });

  it("is shown as what it is", () => {
    expect(describeDisk(at("sdz"), makeMachine())).toEqual({
      path: at("sdz"),
      sizeBytes: 8 * MIB,
      model: "Generic SD Card Reader",
      isRemovable: true,
    });
  });

  it.each([
    [
      "mounted",
      mounted("/media/my\\040card"),
      "it is mounted at /media/my card; take it off first: umount /media/my card",
    ],
    [
      "mounted with Btrfs",
      { "proc/self/mountinfo": "22 1 0:31 / /home rw shared:1 - btrfs /dev/sdz1 rw" },
      "this computer runs from it (/home)",
    ],
    ["the system's", mounted("/boot/efi"), "this computer runs from it (/boot/efi)"],
    ["swapped on", { "proc/swaps": "Filename Type\n/dev/sdz1 partition" }, "this computer swaps on it"],
    ["under LVM", { "sys/class/block/sdz1/holders/dm-0": "" }, "dm-0 is built on it"],
    ["write-protected", { "sys/class/block/sdz/ro": "1" }, "it is write-protected"],
    ["empty", { "sys/class/block/sdz/size": "0" }, "no card is in it"],
    ["a partition", { "sys/class/block/sdz/partition": "1" }, "name the whole disk"],
    [
      "another than the kernel's of this name",
      { "sys/class/block/sdz/dev": "8:240" },
      "there is no such disk",
    ],
  ])("%s is refused", (_name, files, why) => {
    expect(() => describeDisk(at("sdz"), makeMachine(files))).toThrow(why);
  });

  it("gets the image, whole and compared", async () => {
    const image = makeImage();
    writeFileSync(at("platen.img.zst"), zstdCompressSync(image));
    const disk = describeDisk(at("sdz"), makeMachine());
    const flashed = await flashImage(describeImage(at("platen.img.zst")), disk, QUIET);
    expect(flashed).toEqual({
      bytes: image.length,
      sha256: createHash("sha256").update(image).digest("hex"),
    });
    expect(readFileSync(at("sdz")).subarray(0, image.length).equals(image)).toBe(true);
  });

  it("that gives back something else, or too little, or is too small, is not called good", async () => {
    const image = makeImage();
    writeFileSync(at("platen.img"), image);
    const disk = describeDisk(at("sdz"), makeMachine());
    // While it is written, another takes its name: what is read back is that one's.
    const swapped = (other: Buffer) => ({
      ...QUIET,
      onWrite: () => {
        writeFileSync(at("other"), other);
        renameSync(at("other"), at("sdz"));
      },
    });
    const wrong = Buffer.from(image);
    wrong[3 * MIB] = (wrong[3 * MIB] ?? 0) ^ 1;
    const flash = (other: Buffer) => flashImage(describeImage(at("platen.img")), disk, swapped(other));
    await expect(flash(wrong)).rejects.toThrow("what it gives back is not what was written");
    await expect(flash(image.subarray(0, 3 * MIB))).rejects.toThrow("it gave back 3145728 of 4194304 bytes");
    const small = { ...disk, sizeBytes: 2 * MIB };
    await expect(flashImage(describeImage(at("platen.img")), small, QUIET)).rejects.toThrow("larger than it");
  });

  it("an image that was cut off never becomes a card", async () => {
    writeFileSync(at("platen.img"), makeImage().subarray(0, 2 * MIB));
    const disk = describeDisk(at("sdz"), makeMachine());
    await expect(flashImage(describeImage(at("platen.img")), disk, QUIET)).rejects.toThrow(
      "the image ends before its last partition does",
    );
  });

  it("a damaged image never becomes a card", async () => {
    const packed = zstdCompressSync(makeImage());
    writeFileSync(at("platen.img.zst"), packed.subarray(0, packed.length - 1000));
    const disk = describeDisk(at("sdz"), makeMachine());
    await expect(flashImage(describeImage(at("platen.img.zst")), disk, QUIET)).rejects.toThrow(
      "holds no whole image",
    );
  });
});
