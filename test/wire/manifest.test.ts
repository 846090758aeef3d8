import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeJson, parseJson } from "../../wire/json.ts";
import { MANIFEST_BYTES_MAX, MISSING_RANGES_MAX } from "../../wire/limits.ts";
import { encodeManifest, type Manifest, ManifestReader, parseManifest } from "../../wire/manifest.ts";
import { REASONS } from "../../wire/reason.ts";
import { REASON_SENTENCES } from "../../wire/reasons.table.ts";
import { isEnd, JOB_STATES } from "../../wire/state.ts";
import { endSchema, STATUS_BYTES_MAX, statusSchema } from "../../wire/status.ts";
import { cut } from "./sealed.ts";

const name = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/);
const jobId = fc.stringMatching(/^[A-Za-z0-9-]{8,64}$/);

const set = fc
  .tuple(jobId, fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 99 }))
  .map(([id, a, b]) => ({ set: id, seq: Math.min(a, b), of: Math.max(a, b) }));
const manifests: fc.Arbitrary<Manifest> = fc
  .tuple(
    fc.record(
      {
        v: fc.constant(1 as const),
        otp: fc.stringMatching(/^[0-9]{6,12}$/),
        expires: fc.integer({ min: 0, max: 2 ** 33 }),
        name: fc.string({ maxLength: 200, unit: "grapheme" }),
        type: fc.string({ maxLength: 60 }),
        copies: fc.integer({ min: 1, max: 99 }),
        user: name,
        job: jobId,
        to: name,
        sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
        raw: fc.boolean(),
      },
      { requiredKeys: ["v", "otp"] },
    ),
    fc.option(set, { nil: {} }),
  )
  .map(([fields, together]) => ({ ...fields, ...together }) as Manifest);

function read(bytes: Uint8Array, pieces: readonly number[]) {
  const reader = new ManifestReader();
  const document: Uint8Array[] = [];
  for (const piece of cut(bytes, pieces)) document.push(Uint8Array.from(reader.push(piece)));
  return { result: reader.end(), document: Buffer.concat(document) };
}

describe("the manifest", () => {
  it("comes back with the document behind it, however it is cut", () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 });
    fc.assert(
      fc.property(manifests, fc.uint8Array({ maxLength: 500 }), pieces, (manifest, document, sizes) => {
        const opened = read(Buffer.concat([encodeManifest(manifest), document]), sizes);
        expect(opened.result).toEqual({ ok: true, manifest });
        expect(opened.document.equals(Buffer.from(document))).toBe(true);
      }),
    );
  });

  it("is byte for byte what the protocol says", () => {
    expect(Buffer.from(encodeManifest({ v: 1, otp: "48213907" })).toString()).toBe(
      '{"v":1,"otp":"48213907"}\n',
    );
    const minimal = read(Buffer.from('{"v":1,"otp":"48213907"}\n%PDF'), [99]);
    expect(minimal.result).toEqual({ ok: true, manifest: { v: 1, otp: "48213907" } });
    expect(minimal.document.toString()).toBe("%PDF");
  });

  it("may hold fields nobody knows, in any order, with any JSON white space", () => {
    const line = ' { "later":[1,{"a":null}] ,"otp":"00000001", "v":1\r}';
    expect(parseManifest(Buffer.from(line))).toEqual({ ok: true, manifest: { v: 1, otp: "00000001" } });
  });

  it.each([
    ["no-json", "not json"],
    ["no-json", ""],
    ["no-json", '{"v":1,"otp":"48213907"'],
    ["no-json", '\ufeff{"v":1,"otp":"48213907"}'],
    ["bad-field", "null"],
    ["bad-field", "[]"],
    ["bad-field", '{"otp":"48213907"}'],
    ["bad-field", '{"v":2,"otp":"48213907"}'],
    ["bad-field", '{"v":1}'],
    ["bad-field", '{"v":1,"otp":48213907}'],
    ["bad-field", '{"v":1,"otp":"4821 3907"}'],
    ["bad-field", '{"v":1,"otp":"４８２１３９０７"}'],
    ["bad-field", '{"v":1,"otp":"48213"}'],
    ["bad-field", '{"v":1,"otp":"48213907","copies":0}'],
    ["bad-field", '{"v":1,"otp":"48213907","copies":1.5}'],
    ["bad-field", '{"v":1,"otp":"48213907","copies":100}'],
    ["bad-field", '{"v":1,"otp":"48213907","expires":-1}'],
    ["bad-field", '{"v":1,"otp":"48213907","expires":1e300}'],
    ["bad-field", '{"v":1,"otp":"48213907","user":"../x"}'],
    ["bad-field", '{"v":1,"otp":"48213907","job":"short"}'],
    ["bad-field", '{"v":1,"otp":"48213907","sha256":"ABC"}'],
    ["bad-field", '{"v":1,"otp":"48213907","set":"job-0001"}'],
    ["bad-field", '{"v":1,"otp":"48213907","set":"job-0001","seq":3,"of":2}'],
    ["bad-field", '{"v":1,"otp":"48213907","raw":"yes"}'],
    ["bad-field", `{"v":1,"otp":"48213907","name":"${"x".repeat(1025)}"}`],
  ])("%s: %s", (why, line) => {
    expect(parseManifest(Buffer.from(line))).toEqual({ ok: false, why });
  });

  it("with bad UTF-8 is refused", () => {
    const line = Buffer.concat([
      Buffer.from('{"v":1,"otp":"48213907","name":"'),
      Buffer.of(0xff),
      Buffer.from('"}'),
    ]);
    expect(parseManifest(line)).toEqual({ ok: false, why: "no-json" });
  });

  it("too long, or without an end, is refused without being kept", () => {
    const endless = new ManifestReader();
    for (let i = 0; i < 100; i++) expect(endless.push(Buffer.alloc(65_536, "x")).length).toBe(0);
    expect(endless.end()).toEqual({ ok: false, why: "too-long" });
    const filled = (length: number) => `${'{"v":1,"otp":"48213907","x":"'.padEnd(length - 2, "y")}"}`;
    expect(read(Buffer.from(`${filled(MANIFEST_BYTES_MAX - 1)}\n`), [1000]).result.ok).toBe(true);
    expect(read(Buffer.from(`${filled(MANIFEST_BYTES_MAX)}\n`), [1000]).result).toEqual({
      ok: false,
      why: "too-long",
    });
    expect(read(Buffer.from('{"v":1,"otp":"48213907"}'), [5]).result).toEqual({ ok: false, why: "no-line" });
    expect(read(Buffer.alloc(0), [5]).result).toEqual({ ok: false, why: "no-line" });
  });

  it("of arbitrary bytes never crashes, and lets no byte of a document through", () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 400 }),
          fc.json().map((text) => Buffer.from(`${text}\nx`)),
        ),
        pieces,
        (bytes, sizes) => {
          const { result, document } = read(bytes, sizes);
          if (!result.ok) expect(document.length).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("statuses and ends", () => {
  it("a status of 64 printers and 64 ranges stays within its bound", () => {
    const printers = Object.fromEntries(
      Array.from({ length: 64 }, (_, i) => [`${i}-`.padEnd(32, "p"), "interrupted" as const]),
    );
    const status = statusSchema.parse({
      state: "receiving",
      reason: "incomplete",
      at: 253_402_300_799,
      target: "t".repeat(32),
      progress: Number.MAX_SAFE_INTEGER,
      missing: Array.from({ length: MISSING_RANGES_MAX }, () => [9_999_998, 9_999_999]),
      printers,
    });
    const bytes = encodeJson(status);
    expect(bytes.length).toBeLessThanOrEqual(STATUS_BYTES_MAX);
    expect(parseJson(bytes, STATUS_BYTES_MAX, statusSchema)).toEqual(status);
  });

  it("anything else is none", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          const status = parseJson(bytes, STATUS_BYTES_MAX, statusSchema);
          if (status) expect(JOB_STATES).toContain(status.state);
          const end = parseJson(bytes, 1024, endSchema);
          if (end) expect(end.parts).toBeGreaterThan(0);
        },
      ),
    );
    const nested = Buffer.from("[".repeat(8000));
    expect(parseJson(nested, STATUS_BYTES_MAX, statusSchema)).toBeNull();
    expect(parseJson(Buffer.alloc(STATUS_BYTES_MAX + 1, " "), STATUS_BYTES_MAX, statusSchema)).toBeNull();
    expect(parseJson(Buffer.of(0x22, 0xff, 0x22), 10, endSchema)).toBeNull();
  });

  it.each([
    '{"parts":0,"bytes":1}',
    '{"parts":1,"bytes":0}',
    '{"parts":1.5,"bytes":9}',
    '{"parts":1,"bytes":1,"x":1}',
    '{"parts":1e99,"bytes":1}',
  ])("an end %s is none", (text) => expect(parseJson(Buffer.from(text), 1024, endSchema)).toBeNull());
});

describe("states and reasons", () => {
  it("each reason has a sentence that says what to do", () => {
    for (const reason of REASONS) expect(REASON_SENTENCES[reason]).toMatch(/^[A-Z].*\.$/);
    expect(Object.keys(REASON_SENTENCES).length).toBe(REASONS.length);
  });

  it("the ends are these", () => {
    expect(JOB_STATES.filter(isEnd)).toEqual(["printed", "delivered", "expired", "cancelled", "rejected"]);
  });
});
