import fc from "fast-check";
import { expect, test } from "vitest";
import { Bucket } from "../../broker/bucket.ts";
import type { Copy, Job } from "../../broker/jobs.ts";
import { judgePart, judgeWhole } from "../../broker/receiving.ts";
import { listMissing, makeStatus } from "../../broker/status.ts";
import { MISSING_RANGES_MAX, PART_BYTES_MIN, PAYLOAD_BYTES_MAX } from "../../wire/limits.ts";
import { STATUS_BYTES_MAX, statusSchema } from "../../wire/status.ts";

type Parts = Parameters<typeof judgeWhole>[0];

/** What a part file tells of parts with these lengths. */
function partsOf(lengths: ReadonlyMap<number, number>): Parts {
  return {
    count: lengths.size,
    bytes: [...lengths.values()].reduce((sum, length) => sum + length, 0),
    has: (n: number) => lengths.has(n),
    lengthOf: (n: number) => lengths.get(n) ?? null,
    lengths: () => lengths.entries(),
  } as unknown as Parts;
}
const inOrder = (...lengths: number[]) => partsOf(new Map(lengths.entries()));

const job: Job = {
  user: "alice",
  job: "x".repeat(64),
  target: "lobby",
  state: "receiving",
  reason: null,
  at: 1_795_000_000,
  createdAt: 1_795_000_000,
  parts: 1000,
  bytes: null,
  expiresSaid: null,
  digest: null,
  expires: 1_795_000_000,
  otp: 8,
  isGroup: false,
  claimedAgent: null,
  deliveredAgent: null,
  isHidden: false,
  wish: null,
  endedAt: null,
};

test("missing parts are named as ranges, whatever is there", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 120 }), fc.uniqueArray(fc.nat(119)), (count, there) => {
      const ranges = listMissing(count, partsOf(new Map(there.map((n) => [n, 1]))));
      const named = ranges.flatMap(([first, last]) =>
        Array.from({ length: last - first + 1 }, (_, i) => first + i),
      );
      const missing = Array.from({ length: count }, (_, n) => n).filter((n) => !there.includes(n));
      expect(named).toEqual(missing);
      for (const [i, [first]] of ranges.entries())
        if (i > 0) expect(first).toBeGreaterThan(ranges[i - 1]![1] + 1);
    }),
  );
});

/** What a copy says that nobody printed. */
const NO_COPY = { until: null, again: false, bytes: null, bytesAtMost: null };

test("a status stays small: at most so many ranges and printers are named", () => {
  const holes = partsOf(new Map(Array.from({ length: 500 }, (_, i) => [2 * i, PAYLOAD_BYTES_MAX])));
  const receiving = makeStatus(job, [], holes);
  expect(receiving.missing?.length).toBe(MISSING_RANGES_MAX);
  const printers = Array.from({ length: 100 }, (_, i) => `printer-with-a-long-long-name-${i}`);
  const copy = {
    ...job,
    agent: "lobby",
    printers,
    printer: null,
    state: "held",
    final: false,
    ...NO_COPY,
  } as Copy;
  const held = makeStatus({ ...job, state: "held", isGroup: true }, [copy], null);
  expect(Object.keys(held.printers ?? {}).length).toBe(64);
  for (const status of [receiving, held]) {
    expect(statusSchema.safeParse(status).success).toBe(true);
    expect(JSON.stringify(status).length).toBeLessThan(STATUS_BYTES_MAX);
  }
});

const MIN = PART_BYTES_MIN;
test.each([
  ["one part of any size", inOrder(1), { parts: 1, bytes: 1 }, null],
  ["equal parts", inOrder(MIN, MIN, MIN), { parts: 3, bytes: 3 * MIN }, null],
  ["a shorter last one", inOrder(MIN, MIN, 1), { parts: 3, bytes: 2 * MIN + 1 }, null],
  ["a longer last one", inOrder(MIN, MIN, MIN + 1), { parts: 3, bytes: 3 * MIN + 1 }, "malformed"],
  ["a shorter one before", inOrder(MIN, MIN - 1, MIN), { parts: 3, bytes: 3 * MIN - 1 }, "malformed"],
  ["parts below 16 KiB", inOrder(MIN - 1, MIN - 1), { parts: 2, bytes: 2 * MIN - 2 }, "malformed"],
  ["bytes that are not said", inOrder(MIN, 5), { parts: 2, bytes: MIN + 6 }, "incomplete"],
  ["parts that are not said", inOrder(MIN, 5), { parts: 3, bytes: MIN + 5 }, "incomplete"],
])("a whole job of %s", (_, parts, end, reason) => {
  expect(judgeWhole(parts, end)).toBe(reason);
});

test("a part is judged by itself: its size, its number, and how many short ones there are", () => {
  const reception = {
    ref: job,
    target: "lobby",
    end: { parts: 3, bytes: 1 },
    heardAtMs: 0,
    toldAtMs: 0,
    shortParts: 0,
    completing: false,
  };
  const part = (bytes: number) => new Uint8Array(bytes);
  expect(judgePart(reception, 2, part(PAYLOAD_BYTES_MAX), true)).toBeNull();
  expect(judgePart(reception, 2, part(PAYLOAD_BYTES_MAX + 1), true)).toBe("too-large");
  expect(judgePart(reception, 2, part(0), true)).toBe("malformed");
  expect(judgePart(reception, 3, part(MIN), true)).toBe("incomplete");
  expect(judgePart({ ...reception, end: null }, 3, part(MIN), true)).toBeNull();
  expect(judgePart({ ...reception, shortParts: 1 }, 2, part(9), true)).toBe("malformed");
  expect(judgePart({ ...reception, shortParts: 1 }, 2, part(9), false)).toBeNull();
});

test("a bucket gives what time brought, and never more than it holds", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(500_000), { minLength: 1, maxLength: 60 }), (waits) => {
      const bucket = new Bucket(5, 120_000, 0);
      let now = 0;
      let taken = 0;
      for (const wait of waits) {
        now += wait;
        if (bucket.take(now)) taken++;
        else expect(bucket.take(now + bucket.waitSeconds(now) * 1000 - 1001)).toBe(false);
      }
      expect(taken).toBeLessThanOrEqual(5 + now / 120_000);
    }),
  );
});
