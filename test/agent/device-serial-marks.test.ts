import fc from "fast-check";
import { expect, it } from "vitest";
import { LineMarks } from "../../agent/device-serial-marks.ts";

type Item = number | { readonly damaged: number } | "break";

const item: fc.Arbitrary<Item> = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 255 }) },
  { weight: 2, arbitrary: fc.constant(0xff) },
  fc.integer({ min: 1, max: 255 }).map((damaged) => ({ damaged })),
  fc.constant<Item>("break"),
);

/** As `n_tty.c` of Linux does it. */
function mark(items: readonly Item[]): Uint8Array {
  return Uint8Array.from(
    items.flatMap((each) => {
      if (each === "break") return [0xff, 0, 0];
      if (typeof each === "object") return [0xff, 0, each.damaged];
      return each === 0xff ? [0xff, 0xff] : [each];
    }),
  );
}

/** Cut anywhere: a mark may come in pieces. */
function takeInPieces(marks: LineMarks, bytes: Uint8Array, cuts: readonly number[]): number[] {
  const said: number[] = [];
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let at = 0;
  for (const end of ends) {
    said.push(...marks.take(bytes.subarray(at, end)));
    at = end;
  }
  return said;
}

it("tells what was said from what was damaged, wherever the line is cut", () => {
  fc.assert(
    fc.property(fc.array(item), fc.array(fc.nat(), { maxLength: 5 }), (items, cuts) => {
      const marks = new LineMarks();
      expect(takeInPieces(marks, mark(items), cuts)).toEqual(
        items.filter((each) => typeof each === "number"),
      );
      expect(marks.errors).toEqual({
        damagedBytes: items.filter((each) => typeof each === "object").length,
        breaks: items.filter((each) => each === "break").length,
      });
    }),
  );
});

it("takes whatever comes, and never says more than that", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.array(fc.nat(), { maxLength: 5 }), (bytes, cuts) => {
      const marks = new LineMarks();
      const said = takeInPieces(marks, bytes, cuts).length;
      const { damagedBytes, breaks } = marks.errors;
      expect(said + 3 * (damagedBytes + breaks)).toBeLessThanOrEqual(bytes.length);
    }),
  );
});

it("lets a lone FF through, which came before the kernel marked anything", () => {
  expect([...new LineMarks().take(Uint8Array.of(0xff, 0x12, 0xff, 0xff))]).toEqual([0xff, 0x12, 0xff]);
});
