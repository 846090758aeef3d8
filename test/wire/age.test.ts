import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import * as vectors from "cctv-age";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHeader, HeaderReader, openHeader } from "../../wire/age-header.ts";
import {
  derivePayloadKey,
  PAYLOAD_NONCE_BYTES,
  PayloadOpener,
  PayloadSealer,
  sealedPayloadBytes,
} from "../../wire/age-payload.ts";
import { nobleCipher } from "../../wire/cipher-noble.ts";
import { nodeCipher } from "../../wire/cipher-node.ts";
import { isPlatenError, PlatenError } from "../../wire/error.ts";
import { HEADER_BYTES_MAX } from "../../wire/limits.ts";
import { isMissing } from "./program.ts";
import { cut, openSealed } from "./sealed.ts";

const CHUNK = 65_536;
const SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 1_000_000];

let dir: string;
let identity: string;
let recipient: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "platen-test-"));
  identity = await generateX25519Identity();
  recipient = await identityToRecipient(identity);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function seal(
  plaintext: Uint8Array,
  pieces: readonly number[] = [plaintext.length || 1],
): Promise<Buffer> {
  const { header, fileKey } = await createHeader([recipient]);
  const nonce = randomBytes(PAYLOAD_NONCE_BYTES);
  const sealer = new PayloadSealer(nodeCipher, derivePayloadKey(fileKey, nonce));
  const out: Uint8Array[] = [header, nonce];
  for (const piece of cut(plaintext, pieces)) out.push(...sealer.push(piece));
  out.push(sealer.end());
  return Buffer.concat(out);
}

describe.skipIf(isMissing("age"))("beside the age command", () => {
  it.each(SIZES)("what it seals, %i bytes, opens here", async (size) => {
    const plaintext = randomBytes(size);
    const sealed = execFileSync("age", ["-r", recipient], { input: plaintext, maxBuffer: 1 << 24 });
    const opened = await openSealed(sealed, identity, [4096, 1, 70_000]);
    expect(opened.error).toBeNull();
    expect(opened.plaintext.equals(plaintext)).toBe(true);
  });

  it.each(SIZES)("what is sealed here, %i bytes in random pieces, it opens", async (size) => {
    const plaintext = randomBytes(size);
    const pieces = Array.from(randomBytes(16), (byte) => 1 + byte * 317);
    const sealed = await seal(plaintext, pieces);
    expect(sealed.length - sealedPayloadBytes(size)).toBeLessThan(1024);
    const key = join(dir, "identity");
    writeFileSync(key, identity, { mode: 0o600 });
    const opened = execFileSync("age", ["-d", "-i", key], { input: sealed, maxBuffer: 1 << 24 });
    expect(opened.equals(plaintext)).toBe(true);
  });
});

interface Vector {
  readonly fields: Map<string, string[]>;
  readonly file: Buffer;
}

function parseVector(bytes: Uint8Array): Vector {
  const text = Buffer.from(bytes);
  const end = text.indexOf("\n\n");
  const fields = new Map<string, string[]>();
  for (const line of text.toString("latin1", 0, end).split("\n")) {
    const [key = "", value = ""] = line.split(": ", 2);
    fields.set(key, [...(fields.get(key) ?? []), value]);
  }
  const file = text.subarray(end + 2);
  return { fields, file: fields.has("compressed") ? inflateSync(file) : file };
}

const parsed = Object.entries(vectors)
  .filter(([name]) => name !== "default" && name !== "module.exports")
  .map(([name, bytes]) => [name, parseVector(bytes)] as const);
const binary = parsed.filter(([, { fields }]) => !fields.has("armored") && fields.has("identity"));
const CODES: Readonly<Record<string, readonly string[]>> = {
  "header failure": ["seal-header", "seal-recipient"],
  "HMAC failure": ["seal-header"],
  "no match": ["seal-recipient"],
  "payload failure": ["seal-payload"],
};

/**
 * Here the reference releases a whole chunk before it finds that the file goes on, or ends, where it must not.
 * Ours looks first and withholds it.
 */
const WITHHELD = new Set([
  "stream_no_final_full",
  "stream_no_final_two_chunks_full",
  "stream_trailing_garbage_long",
  "stream_trailing_garbage_short",
  "stream_two_final_chunks",
  "stream_two_final_chunks_full",
  "stream_two_final_chunks_second",
]);

describe("age's own vectors (C2SP CCTV)", () => {
  it("are all here", () => {
    expect(parsed.length).toBe(143);
    expect(binary.length).toBe(85);
  });

  it.each(binary)("%s", async (name, { fields, file }) => {
    const expected = fields.get("expect")?.[0] ?? "";
    const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
    const attempts = await Promise.all((fields.get("identity") ?? []).map((key) => openSealed(file, key)));
    const opened = attempts.find(({ error }) => !isPlatenError(error, "seal-recipient")) ?? attempts[0]!;
    if (expected === "success") expect(opened.error).toBeNull();
    else {
      expect(opened.error).toBeInstanceOf(PlatenError);
      expect(CODES[expected]).toContain((opened.error as PlatenError).code);
    }
    const payload = fields.get("payload")?.[0];
    if (WITHHELD.has(name)) expect(opened.plaintext.length % CHUNK).toBe(0);
    else if (payload) expect(sha256(opened.plaintext)).toBe(payload);
    else expect(opened.plaintext.length).toBe(0);
  });

  it.each(parsed.filter(([, { fields }]) => fields.has("armored")))(
    "%s is armor, and refused",
    async (_, { file }) => {
      const opened = await openSealed(file, identity);
      expect(isPlatenError(opened.error, "seal-header")).toBe(true);
    },
  );

  it.each(parsed.filter(([, { fields }]) => fields.has("passphrase") && !fields.has("armored")))(
    "%s is for a passphrase, and refused without deriving one",
    async (_, { file }) => {
      const opened = await openSealed(file, identity);
      expect(opened.error).toBeInstanceOf(PlatenError);
      expect(opened.plaintext.length).toBe(0);
    },
  );
});

describe("what is left of age's own vectors", () => {
  const left = parsed.filter(
    ([, { fields }]) => !["armored", "identity", "passphrase"].some((key) => fields.has(key)),
  );

  it("is the empty file alone", () => expect(left.map(([name]) => name)).toEqual(["empty"]));

  it.each(left)("%s has no header", (_, { file }) => {
    expect(new HeaderReader().push(file)).toBeNull();
  });
});

describe("the header", () => {
  it("takes any chunking", async () => {
    const sealed = await seal(Buffer.from("hello"));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), async (pieces) => {
        const opened = await openSealed(sealed, identity, pieces);
        expect(opened.plaintext.toString()).toBe("hello");
        expect(opened.error).toBeNull();
      }),
    );
  });

  it("for several recipients opens for each, and for no other", async () => {
    const others = await Promise.all([generateX25519Identity(), generateX25519Identity()]);
    const recipients = await Promise.all([identity, others[0]!].map(identityToRecipient));
    const { header, fileKey } = await createHeader(recipients);
    expect(await openHeader(header, identity)).toEqual(fileKey);
    expect(await openHeader(header, others[0]!)).toEqual(fileKey);
    await expect(openHeader(header, others[1]!)).rejects.toMatchObject({ code: "seal-recipient" });
  });

  it.each([
    ["10 MB without an end", 10 * 1024 * 1024, CHUNK],
    ["just over the limit", HEADER_BYTES_MAX + 1, 1000],
  ])("of %s is refused at 64 KiB", (_, size, piece) => {
    const bytes = Buffer.concat([Buffer.from("age-encryption.org/v1\n-> X "), Buffer.alloc(size, "a")]);
    const reader = new HeaderReader();
    let taken = 0;
    expect(() => {
      for (const part of cut(bytes, [piece])) {
        taken += part.length;
        reader.push(part);
      }
    }).toThrow(expect.objectContaining({ code: "seal-header" }));
    expect(taken).toBeLessThanOrEqual(HEADER_BYTES_MAX + piece);
  });

  it("of many stanzas is refused past 64 KiB, however it is cut", async () => {
    const stanzas = "-> X\n\n".repeat(11_000);
    const bytes = Buffer.from(`age-encryption.org/v1\n${stanzas}--- ${"A".repeat(43)}\n`);
    for (const piece of [bytes.length, 1000]) {
      const opened = await openSealed(bytes, identity, [piece]);
      expect(isPlatenError(opened.error, "seal-header")).toBe(true);
    }
  });

  it("bytes that are none never crash it, and are refused or awaited", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 2000 }),
          fc
            .uint8Array({ maxLength: 500 })
            .map((tail) => Buffer.concat([Buffer.from("age-encryption.org/v1\n"), tail])),
          fc
            .tuple(fc.uint8Array({ maxLength: 300 }), fc.string({ maxLength: 60 }))
            .map(([body, mac]) =>
              Buffer.concat([Buffer.from("age-encryption.org/v1\n"), body, Buffer.from(`\n--- ${mac}\n`)]),
            ),
        ),
        fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 1 }),
        async (bytes, pieces) => {
          const { error, plaintext } = await openSealed(bytes, identity, pieces);
          expect(error).toBeInstanceOf(PlatenError);
          expect(plaintext.length).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("the payload", () => {
  it("round trips through any chunking, with either cipher on either side", async () => {
    const key = randomBytes(32);
    const ciphers = fc.constantFrom(nodeCipher, nobleCipher);
    const pieces = fc.array(fc.integer({ min: 1, max: 90_000 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 150_000 }),
        pieces,
        pieces,
        ciphers,
        ciphers,
        (size, a, b, seals, opens) => {
          const plaintext = randomBytes(size);
          const sealer = new PayloadSealer(seals, key);
          const sealed: Uint8Array[] = [];
          for (const piece of cut(plaintext, a)) sealed.push(...sealer.push(piece));
          sealed.push(sealer.end());
          const whole = Buffer.concat(sealed);
          expect(whole.length).toBe(sealedPayloadBytes(size));
          const opener = new PayloadOpener(opens, key);
          const opened: Uint8Array[] = [];
          for (const piece of cut(whole, b))
            for (const plain of opener.push(piece)) opened.push(Uint8Array.from(plain));
          opened.push(opener.end());
          expect(Buffer.concat(opened).equals(plaintext)).toBe(true);
        },
      ),
      {
        numRuns: 30,
        examples: [
          [0, [1], [1], nodeCipher, nobleCipher],
          [CHUNK, [1000], [CHUNK], nodeCipher, nodeCipher],
        ],
      },
    );
  });

  it("sealed again from the middle gives the same chunks", () => {
    const key = randomBytes(32);
    const plaintext = randomBytes(3 * CHUNK + 10);
    const whole = new PayloadSealer(nodeCipher, key);
    const chunks = [...whole.push(plaintext), whole.end()];
    for (const first of [0, 1, 2, 3]) {
      const again = new PayloadSealer(nodeCipher, key, first);
      expect([...again.push(plaintext.subarray(first * CHUNK)), again.end()]).toEqual(chunks.slice(first));
    }
  });

  it("releases nothing behind a flipped bit, a swapped, a repeated or a missing chunk", async () => {
    const plaintext = randomBytes(3 * CHUNK);
    const sealed = await seal(plaintext);
    const start = sealed.length - sealedPayloadBytes(plaintext.length);
    const chunk = (n: number) => sealed.subarray(start + n * (CHUNK + 16), start + (n + 1) * (CHUNK + 16));
    const head = sealed.subarray(0, start);
    const cases: [string, Buffer, number][] = [
      ["swapped", Buffer.concat([head, chunk(1), chunk(0), chunk(2)]), 0],
      ["repeated", Buffer.concat([head, chunk(0), chunk(0), chunk(1), chunk(2)]), CHUNK],
      ["without its first", Buffer.concat([head, chunk(1), chunk(2)]), 0],
      ["without its last", Buffer.concat([head, chunk(0), chunk(1)]), CHUNK],
      ["cut short", sealed.subarray(0, -1), 2 * CHUNK],
      ["longer by a byte", Buffer.concat([sealed, Buffer.of(0)]), 2 * CHUNK],
    ];
    for (const [what, changed, released] of cases) {
      const opened = await openSealed(changed, identity);
      expect([what, isPlatenError(opened.error, "seal-payload")]).toEqual([what, true]);
      expect([what, opened.plaintext.length]).toEqual([what, released]);
    }
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: start, max: sealed.length - 1 }),
        fc.integer({ min: 0, max: 7 }),
        async (at, bit) => {
          const flipped = Buffer.from(sealed);
          flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
          const opened = await openSealed(flipped, identity);
          expect(isPlatenError(opened.error, "seal-payload")).toBe(true);
          expect(opened.plaintext.length).toBeLessThanOrEqual(at - start);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("agrees with age-encryption", async () => {
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient);
    const plaintext = randomBytes(2 * CHUNK);
    const opened = await openSealed(await encrypter.encrypt(plaintext), identity);
    expect(opened.plaintext.equals(plaintext)).toBe(true);
  });
});
