import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Decrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { build } from "esbuild";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createEnvelope, type Envelope, sealDocument, sealedBytes } from "../../client/seal.ts";
import { openDocument, SealedFile } from "../../client/sealed-file.ts";
import { cutParts, PartBuffers, type SealedSource } from "../../client/sealed-source.ts";
import { openSealedSpool } from "../../client/sealed-spool.ts";
import { nobleCipher } from "../../wire/cipher-noble.ts";
import { nodeCipher } from "../../wire/cipher-node.ts";

const MANIFEST = { v: 1, otp: "48213907" } as const;
const CHUNK = 65_536;

let dir: string;
let identity: string;
let envelope: Envelope;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "platen-test-"));
  identity = await generateX25519Identity();
  envelope = await createEnvelope([await identityToRecipient(identity)], MANIFEST);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function* cut(bytes: Uint8Array, sizes: readonly number[] = [bytes.length || 1]) {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(Uint8Array.from(piece));
  return Buffer.concat(pieces);
}

describe("sealing", () => {
  it("is whatever the chunking, and the same with either cipher", async () => {
    const document = randomBytes(200_000);
    const whole = await collect(sealDocument(envelope, nodeCipher, cut(document)));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 20 }),
        async (sizes) => {
          const sealed = await collect(sealDocument(envelope, nodeCipher, cut(document, sizes)));
          expect(sealed.equals(whole)).toBe(true);
        },
      ),
      { numRuns: 20 },
    );
    expect((await collect(sealDocument(envelope, nobleCipher, cut(document)))).equals(whole)).toBe(true);
    expect(whole.length).toBe(sealedBytes(envelope, document.length));
  });

  const line = Buffer.byteLength(`${JSON.stringify(MANIFEST)}\n`);
  it.each([0, 1, CHUNK - line - 1, CHUNK - line, CHUNK - line + 1, 2 * CHUNK - line, 1_000_000])(
    "of %i bytes has the predicted size and opens in age-encryption",
    async (size) => {
      const document = randomBytes(size);
      const sealed = await collect(sealDocument(envelope, nodeCipher, cut(document)));
      expect(sealed.length).toBe(sealedBytes(envelope, size));
      const decrypter = new Decrypter();
      decrypter.addIdentity(identity);
      const opened = Buffer.from(await decrypter.decrypt(sealed));
      expect(opened.equals(Buffer.concat([Buffer.from(`${JSON.stringify(MANIFEST)}\n`), document]))).toBe(
        true,
      );
    },
  );

  it("is different every time", async () => {
    const again = await createEnvelope([await identityToRecipient(identity)], MANIFEST);
    expect(Buffer.from(again.payloadKey).equals(Buffer.from(envelope.payloadKey))).toBe(false);
  });

  it("refuses a manifest with a bad field before anything is sealed", async () => {
    await expect(createEnvelope(["age1x"], { ...MANIFEST, otp: "12" })).rejects.toThrow("otp");
  });
});

describe("a sealed document read again from any offset gives the same bytes", () => {
  const size = 3 * CHUNK + 1234;
  const document = randomBytes(size);

  let files = 0;
  async function openFile(): Promise<SealedSource> {
    const path = join(dir, `document-${files++}`);
    await writeFile(path, document);
    return new SealedFile(await openDocument(path), envelope);
  }

  it.each([
    ["file", openFile],
    ["spool", () => openSealedSpool(cut(document, [10_000, 1]), envelope, dir)],
  ])("%s", async (_, open) => {
    const source = await open();
    const ahead = await open();
    const whole = await collect(sealDocument(envelope, nodeCipher, cut(document)));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length + 10 }), async (offset) => {
        const read = await collect(source.read(offset));
        expect(read.equals(whole.subarray(offset))).toBe(true);
      }),
      { numRuns: 40, examples: [[0], [envelope.head.length], [whole.length], [whole.length - 1]] },
    );
    expect(source.size).toBe(whole.length);
    // A spool that was not filled that far yet.
    for (const offset of [100_001, 7]) {
      expect((await collect(ahead.read(offset))).equals(whole.subarray(offset))).toBe(true);
    }
    await source.close();
    await ahead.close();
  });

  it("spools ciphertext only, private, and leaves nothing", async () => {
    await mkdir(join(dir, "spool"));
    const source = await openSealedSpool(cut(document), envelope, join(dir, "spool"));
    await collect(source.read(0));
    const [folder = ""] = await readdir(join(dir, "spool"));
    const spooled = await readFile(join(dir, "spool", folder, "sealed"));
    expect(spooled.includes(document.subarray(1000, 1032))).toBe(false);
    expect(spooled.includes("48213907")).toBe(false);
    await source.close();
    expect(await readdir(join(dir, "spool"))).toEqual([]);
  });

  it("counts a stream only as far as asked", async () => {
    let asked = 0;
    async function* counted() {
      for (;;) {
        asked++;
        yield document;
      }
    }
    const source = await openSealedSpool(counted(), envelope, dir);
    await source.fill(1000);
    expect(source.size).toBeNull();
    expect(asked).toBeLessThan(3);
    await source.close();
  });

  it("is cut into equal parts, the last one shorter or full", async () => {
    for (const [length, part] of [
      [10, 4],
      [8, 4],
      [3, 4],
      [4, 4],
    ] as const) {
      const parts: number[] = [];
      for await (const cutOff of cutParts(cut(document.subarray(0, length), [3]), new PartBuffers(part)))
        parts.push(cutOff.length);
      const expected = Array.from({ length: Math.ceil(length / part) }, (_, i) =>
        Math.min(part, length - i * part),
      );
      expect(parts).toEqual(expected);
    }
  });
});

describe("the sealing core", () => {
  it("is bundled for a browser, without node:, and what it seals opens here", async () => {
    const { outputFiles, metafile } = await build({
      stdin: {
        contents: `
          export { createEnvelope, sealDocument } from "./client/seal.ts";
          export { nobleCipher } from "./wire/cipher-noble.ts";
          export { verifyList } from "./wire/recipients.ts";
          export { drawOtp } from "./wire/otp.ts";`,
        resolveDir: new URL("../..", import.meta.url).pathname,
        loader: "ts",
      },
      bundle: true,
      write: false,
      metafile: true,
      format: "esm",
      platform: "browser",
      // A node: import would be left as it is and fail here below.
      packages: "bundle",
    });
    const inputs = Object.keys(metafile.inputs);
    expect(inputs.filter((file) => /^(agent|broker|cli|keypad)\//.test(file))).toEqual([]);
    const imported = Object.values(metafile.inputs).flatMap((input) =>
      input.imports.filter((i) => i.external),
    );
    expect(imported).toEqual([]);
    const code = outputFiles[0]?.text ?? "";
    const bundled = await import(`data:text/javascript;base64,${Buffer.from(code).toString("base64")}`);
    const inBrowser = await bundled.createEnvelope([await identityToRecipient(identity)], {
      ...MANIFEST,
      otp: bundled.drawOtp(8),
    });
    const document = randomBytes(100_000);
    const sealed = await collect(bundled.sealDocument(inBrowser, bundled.nobleCipher, cut(document)));
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const opened = Buffer.from(await decrypter.decrypt(sealed));
    expect(opened.subarray(-document.length).equals(document)).toBe(true);
  });
});
