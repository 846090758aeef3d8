/** What comes from outside, as arbitrary bytes: refused with our own error, never a crash. */
import "reflect-metadata";
import fc from "fast-check";
import { expect, test } from "vitest";
import { placeOf } from "../../broker/accounts-throttle.ts";
import { readCsr } from "../../broker/authority-certificates.ts";
import { formatBundle, readBundle, readSigned } from "../../broker/fleet-bundle.ts";
import { createAgentKey, failure } from "./registry-fixture.ts";

test("arbitrary text is no certificate request", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary", maxLength: 200 }), async (text) => {
      expect((await failure(readCsr(text))).code).toBe("csr-refused");
    }),
    { numRuns: 50 },
  );
});

test("a certificate request with any byte changed is refused, or still proves the same key", async () => {
  const { csr } = await createAgentKey();
  const der = Buffer.from(csr.replace(/-----[^-]+-----/g, ""), "base64");
  const { hash } = await readCsr(csr);
  const change = fc.tuple(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }));
  await fc.assert(
    fc.asyncProperty(change, async ([at, by]) => {
      const bent = Buffer.from(der);
      bent[at] = (bent[at] as number) ^ by;
      const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${bent.toString("base64")}\n-----END CERTIFICATE REQUEST-----`;
      const outcome = await readCsr(pem).then(
        (key) => Buffer.from(key.hash).equals(Buffer.from(hash)),
        (error) => error.code === "csr-refused",
      );
      expect(outcome).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test("arbitrary text and arbitrary JSON are no bundle", async () => {
  const text = fc.oneof(fc.string({ unit: "binary", maxLength: 500 }), fc.json({ maxDepth: 4 }));
  await fc.assert(
    fc.asyncProperty(text, async (json) => {
      expect((await failure(() => readBundle(json))).code).toBe("lists-refused");
      expect((await failure(() => readSigned(json))).code).toBe("lists-refused");
    }),
    { numRuns: 100 },
  );
});

test("a bundle reads back as it was written", () => {
  const name = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/);
  const printer = fc.record({
    printer: name,
    recipient: fc.stringMatching(/^age1[a-z0-9]{58}$/),
    fresh: fc.boolean(),
  });
  const list = fc.record({
    target: name,
    serial: fc.integer({ min: 1, max: 1e9 }),
    expires: fc.integer({ min: 1, max: 4e9 }),
    otp: fc.integer({ min: 8, max: 12 }),
    languages: fc.array(fc.constantFrom("pdf", "text", "pcl-5"), { maxLength: 3 }),
    printers: fc.array(printer, { minLength: 1, maxLength: 5 }),
  });
  fc.assert(
    fc.property(fc.array(list, { maxLength: 5 }), (lists) => {
      const read = readBundle(formatBundle("RW", lists)).map(({ fingerprints: _, ...rest }) => rest);
      expect(read).toEqual(lists);
    }),
    { numRuns: 50 },
  );
});

test("any address is some place", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), (text) => typeof placeOf(text) === "string"),
  );
  fc.assert(
    fc.property(fc.ipV6(), fc.ipV6(), (a, b) => {
      const blocks = (text: string) => new URL(`http://[${text}]/`).hostname;
      return blocks(a) !== blocks(b) || placeOf(a) === placeOf(b);
    }),
  );
});
