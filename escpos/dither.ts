import { type Bitmap, createBitmap } from "./bitmap.ts";
import { BLUE_NOISE_64 } from "./blue-noise.table.ts";
import { type LightMap, lightOf, type Picture, toLinear } from "./picture.ts";

export type DitherMethod = "threshold" | "ordered" | "floyd-steinberg" | "atkinson" | "blue-noise";

export interface DitherOptions {
  /** Default `floyd-steinberg`. */
  readonly method?: DitherMethod;
  /** Scale to this many dots across first. */
  readonly width?: number;
  /** For `threshold`: the sRGB value from which a pixel is white, 0 to 255. Default 128. */
  readonly threshold?: number;
}

/** Turns a picture into dots. All methods work in linear light, so that the mean brightness is kept. */
export function dither(picture: Picture, options: DitherOptions = {}): Bitmap {
  const map = lightOf(picture, options.width ?? picture.width);
  switch (options.method ?? "floyd-steinberg") {
    case "threshold":
      return compare(map, Float32Array.of(toLinear((options.threshold ?? 128) / 255)), 1);
    case "ordered":
      return compare(map, bayerMask(), 8);
    case "blue-noise":
      return compare(map, blueNoiseMask(), 64);
    case "floyd-steinberg":
      return diffuseFloydSteinberg(map);
    case "atkinson":
      return diffuseAtkinson(map);
  }
}

/** Black where the light is below a repeated square mask. */
function compare(map: LightMap, mask: Float32Array, size: number): Bitmap {
  const bitmap = createBitmap(map.width, map.height);
  const { data, stride } = bitmap;
  for (let y = 0; y < map.height; y += 1) {
    const maskRow = (y % size) * size;
    const row = y * map.width;
    for (let x = 0; x < map.width; x += 1) {
      if ((map.light[row + x] as number) < (mask[maskRow + (x % size)] as number)) {
        const at = y * stride + (x >> 3);
        data[at] = (data[at] as number) | (0x80 >> (x & 7));
      }
    }
  }
  return bitmap;
}

/** Bayer's 8 x 8 matrix: the bits of x ^ y and y, interleaved from the lowest up. */
function bayerMask(): Float32Array {
  return Float32Array.from({ length: 64 }, (_, index) => {
    const x = index & 7;
    const y = index >> 3;
    let rank = 0;
    for (let bit = 0; bit < 3; bit += 1) {
      rank = (rank << 2) | ((((x ^ y) >> bit) & 1) << 1) | ((y >> bit) & 1);
    }
    return (rank + 0.5) / 64;
  });
}

let blueNoise: Float32Array | null = null;

function blueNoiseMask(): Float32Array {
  blueNoise ??= Float32Array.from(atob(BLUE_NOISE_64), (character) => (character.charCodeAt(0) + 0.5) / 256);
  return blueNoise;
}

/** Every second row runs from right to left, which avoids the worms of one-way diffusion. */
function diffuseFloydSteinberg(map: LightMap): Bitmap {
  const { width, height, light } = map;
  const bitmap = createBitmap(width, height);
  // One cell of margin on either side, so that the inner loop needs no bounds.
  let current = new Float32Array(width + 2);
  let next = new Float32Array(width + 2);
  for (let y = 0; y < height; y += 1) {
    const forward = (y & 1) === 0;
    const step = forward ? 1 : -1;
    for (let count = 0, x = forward ? 0 : width - 1; count < width; count += 1, x += step) {
      const wanted = (light[y * width + x] as number) + (current[x + 1] as number);
      const white = wanted >= 0.5;
      const error = (white ? wanted - 1 : wanted) / 16;
      if (!white) blacken(bitmap, x, y);
      current[x + 1 + step] = (current[x + 1 + step] as number) + error * 7;
      next[x + 1 - step] = (next[x + 1 - step] as number) + error * 3;
      next[x + 1] = (next[x + 1] as number) + error * 5;
      next[x + 1 + step] = (next[x + 1 + step] as number) + error;
    }
    [current, next] = [next, current];
    next.fill(0);
  }
  return bitmap;
}

/** Passes on six eighths of the error only: lighter highlights, deeper shadows. */
function diffuseAtkinson(map: LightMap): Bitmap {
  const { width, height, light } = map;
  const bitmap = createBitmap(width, height);
  let rows: [Float32Array, Float32Array, Float32Array] = [
    new Float32Array(width + 4),
    new Float32Array(width + 4),
    new Float32Array(width + 4),
  ];
  for (let y = 0; y < height; y += 1) {
    const [current, next, second] = rows;
    for (let x = 0; x < width; x += 1) {
      const at = x + 2;
      const wanted = (light[y * width + x] as number) + (current[at] as number);
      const white = wanted >= 0.5;
      const error = (white ? wanted - 1 : wanted) / 8;
      if (!white) blacken(bitmap, x, y);
      current[at + 1] = (current[at + 1] as number) + error;
      current[at + 2] = (current[at + 2] as number) + error;
      next[at - 1] = (next[at - 1] as number) + error;
      next[at] = (next[at] as number) + error;
      next[at + 1] = (next[at + 1] as number) + error;
      second[at] = (second[at] as number) + error;
    }
    current.fill(0);
    rows = [next, second, current];
  }
  return bitmap;
}

function blacken(bitmap: Bitmap, x: number, y: number): void {
  const at = y * bitmap.stride + (x >> 3);
  bitmap.data[at] = (bitmap.data[at] as number) | (0x80 >> (x & 7));
}
