import { describe, expect, test } from "vitest";
import { dotAt } from "../../escpos/bitmap.ts";
import { makeBlueNoise } from "../../escpos/blue-noise.ts";
import { type DitherMethod, dither } from "../../escpos/dither.ts";
import { lightOf, toLinear } from "../../escpos/picture.ts";

const METHODS: readonly DitherMethod[] = [
  "threshold",
  "ordered",
  "floyd-steinberg",
  "atkinson",
  "blue-noise",
];
const flat = (value: number, size = 128) => ({
  width: size,
  height: size,
  data: new Uint8Array(size * size).fill(value),
});

const blackShare = (bitmap: ReturnType<typeof dither>) => {
  let black = 0;
  for (let y = 0; y < bitmap.height; y += 1)
    for (let x = 0; x < bitmap.width; x += 1) if (dotAt(bitmap, x, y)) black += 1;
  return black / (bitmap.width * bitmap.height);
};

describe.each(METHODS)("%s", (method) => {
  test("white stays white, black stays black", () => {
    expect(blackShare(dither(flat(255), { method }))).toBe(0);
    expect(blackShare(dither(flat(0), { method }))).toBe(1);
  });

  test("rows end clean: no dot beyond the width", () => {
    const bitmap = dither({ width: 13, height: 3, data: new Uint8Array(39) }, { method });
    expect([...bitmap.data]).toEqual([0xff, 0xf8, 0xff, 0xf8, 0xff, 0xf8]);
  });
});

test.each(["ordered", "floyd-steinberg", "blue-noise"] as const)("%s keeps the mean light", (method) => {
  for (const value of [40, 90, 128, 188, 230]) {
    expect(blackShare(dither(flat(value), { method }))).toBeCloseTo(1 - toLinear(value / 255), 1);
  }
});

/** Error diffusion as textbooks write it: a full image of errors, weights by place. */
function diffuse(
  picture: { width: number; height: number; data: Uint8Array },
  weights: readonly (readonly [number, number, number])[],
  serpentine: boolean,
) {
  const { width, height } = picture;
  const light = Float64Array.from(lightOf(picture).light);
  const rows: string[] = [];
  for (let y = 0; y < height; y += 1) {
    const row = new Array<string>(width);
    const step = serpentine && y % 2 === 1 ? -1 : 1;
    for (let x = step === 1 ? 0 : width - 1; x >= 0 && x < width; x += step) {
      const wanted = light[y * width + x]!;
      const white = wanted >= 0.5;
      row[x] = white ? "." : "#";
      for (const [dx, dy, weight] of weights) {
        const [tx, ty] = [x + dx * step, y + dy];
        if (tx >= 0 && tx < width && ty < height)
          light[ty * width + tx]! += (wanted - (white ? 1 : 0)) * weight;
      }
    }
    rows.push(row.join(""));
  }
  return rows;
}

test.each([
  [
    "floyd-steinberg",
    [
      [1, 0, 7 / 16],
      [-1, 1, 3 / 16],
      [0, 1, 5 / 16],
      [1, 1, 1 / 16],
    ],
    true,
  ],
  [
    "atkinson",
    [
      [1, 0, 1 / 8],
      [2, 0, 1 / 8],
      [-1, 1, 1 / 8],
      [0, 1, 1 / 8],
      [1, 1, 1 / 8],
      [0, 2, 1 / 8],
    ],
    false,
  ],
] as const)("%s agrees with the textbook, dot by dot", (method, weights, serpentine) => {
  const data = Uint8Array.from({ length: 40 * 30 }, (_, at) => (at * 197 + ((at * at) >> 3)) & 0xff);
  const bitmap = dither({ width: 40, height: 30, data }, { method });
  const ours = Array.from({ length: 30 }, (_, y) =>
    Array.from({ length: 40 }, (__, x) => (dotAt(bitmap, x, y) ? "#" : ".")).join(""),
  );
  expect(ours).toEqual(diffuse({ width: 40, height: 30, data }, weights, serpentine));
});

test("atkinson loses a quarter of the error: mid-greys keep their order", () => {
  const shares = [60, 110, 160, 210].map((value) => blackShare(dither(flat(value), { method: "atkinson" })));
  expect(shares).toEqual([...shares].sort((a, b) => b - a));
});

test("floyd-steinberg by hand: two pixels of mid light", () => {
  // 0.5 is white with error -0.5; 7/16 of it goes right: 0.5 - 0.21875 is black.
  const value = Math.round(255 * (1.055 * 0.5 ** (1 / 2.4) - 0.055));
  const bitmap = dither(
    { width: 2, height: 1, data: Uint8Array.of(value, value) },
    { method: "floyd-steinberg" },
  );
  expect([dotAt(bitmap, 0, 0), dotAt(bitmap, 1, 0)]).toEqual([false, true]);
});

test("the blue-noise mask has every threshold once", () => {
  const ranks = [...makeBlueNoise()]
    .map((threshold) => Math.round(threshold * 4096 - 0.5))
    .sort((a, b) => a - b);
  expect(ranks).toEqual(Array.from({ length: 4096 }, (_, rank) => rank));
});

test("blue noise has little energy at low frequencies, unlike white noise", () => {
  const variance = (bitmap: ReturnType<typeof dither>) => {
    const shares: number[] = [];
    for (let by = 0; by < 16; by += 1) {
      for (let bx = 0; bx < 16; bx += 1) {
        let black = 0;
        for (let at = 0; at < 64; at += 1)
          if (dotAt(bitmap, bx * 8 + (at & 7), by * 8 + (at >> 3))) black += 1;
        shares.push(black / 64);
      }
    }
    const mean = shares.reduce((a, b) => a + b) / shares.length;
    return shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length;
  };
  // White noise of share p has variance p(1-p)/64 in blocks of 64.
  const bitmap = dither(flat(188), { method: "blue-noise" });
  expect(variance(bitmap)).toBeLessThan((0.25 / 64) * 0.15);
});

describe("pictures", () => {
  test("transparent is paper; colours weigh as the eye sees them", () => {
    const rgba = { width: 2, height: 1, data: Uint8Array.of(0, 0, 0, 0, 0, 255, 0, 255) };
    expect(lightOf(rgba).light[0]).toBe(1);
    expect(lightOf(rgba).light[1]).toBeCloseTo(0.7152);
  });

  test("scaling averages light, not code values", () => {
    const stripes = { width: 4, height: 2, data: Uint8Array.of(0, 255, 0, 255, 0, 255, 0, 255) };
    const half = lightOf(stripes, 2);
    expect([half.width, half.height]).toEqual([2, 1]);
    expect([...half.light]).toEqual([0.5, 0.5]);
    expect(
      lightOf({ width: 2, height: 2, data: new Uint8Array(4).fill(255) }, 5).light.every(
        (l) => Math.abs(l - 1) < 1e-6,
      ),
    ).toBe(true);
  });

  test("data that does not fit is refused", () => {
    expect(() => lightOf({ width: 2, height: 2, data: new Uint8Array(5) })).toThrow(/5 bytes/);
  });
});
