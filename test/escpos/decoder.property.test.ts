import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeCommands } from "../../escpos/command-bytes.ts";
import { Decoder, decode } from "../../escpos/decoder.ts";
import type { Dialect } from "../../escpos/grammar.ts";
import { target } from "../fuzz/targets/escpos.ts";

const dialect = fc.constantFrom<Dialect>("epson", "citizen", "bixolon", "sii", "star");

/** Streams that look like ESC/POS more often than chance would have it. */
const lead = fc.constantFrom(0x1b, 0x1c, 0x1d, 0x10, 0x0a, 0x28, 0x6b, 0x4c, 0x38, 0x76, 0x30, 0x2a, 0x44);
const stream = fc
  .array(fc.oneof(lead, fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 2)), { maxLength: 300 })
  .map((bytes) => Uint8Array.from(bytes));
const options = { maxCommandBytes: 128 };

test("any bytes: every byte belongs to one command, in order", () => {
  fc.assert(
    fc.property(stream, dialect, (bytes, dialect) => {
      let at = 0;
      for (const command of decode(bytes, { dialect, ...options })) {
        expect(command.start).toBe(at);
        expect(command.end).toBeGreaterThan(at);
        at = command.end;
      }
      expect(at).toBe(bytes.length);
    }),
    { numRuns: 500 },
  );
});

test("any bytes, any chunking: the same commands", () => {
  fc.assert(
    fc.property(
      stream,
      dialect,
      fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 40 }),
      (bytes, dialect, cuts) => {
        const decoder = new Decoder({ dialect, ...options });
        const commands = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          commands.push(...decoder.push(bytes.slice(at, at + cut)));
          at += cut;
        }
        commands.push(...decoder.end());
        expect(commands).toEqual(decode(bytes, { dialect, ...options }));
      },
    ),
    { numRuns: 500 },
  );
});

test("any bytes: drawing, reading and counting keep their promises", () => {
  fc.assert(
    fc.property(stream, fc.integer({ min: 0, max: 255 }), (bytes, choice) => {
      return target.run(Uint8Array.of(choice, ...bytes)) === undefined;
    }),
    { numRuns: 60 },
  );
});

test("any bytes: commands encode to the bytes they came from", () => {
  fc.assert(
    fc.property(stream, dialect, (bytes, dialect) => {
      expect(encodeCommands(decode(bytes, { dialect }), dialect)).toEqual(bytes);
    }),
    { numRuns: 500 },
  );
});
