import { type Bitmap, createBitmap } from "./bitmap.ts";
import { BLUE_NOISE_SIZE, makeBlueNoise } from "./blue-noise.ts";
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
      return compare(map, blueNoiseMask(), BLUE_NOISE_SIZE);
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
  blueNoise ??= makeBlueNoise();
  return blueNoise;
}

/** Every second row runs from right to left, which avoids the worms of one-way diffusion. */
function diffuseFloydSteinberg(map: LightMap): Bitmap {
  const { width, height, light } = map;
  const bitmap = createBitmap(width, height);
  const { data, stride } = bitmap;
  // One cell of margin on either side, so that the inner loop needs no bounds.
  let current = new Float64Array(width + 2);
  let next = new Float64Array(width + 2);
  for (let y = 0; y < height; y += 1) {
    const step = (y & 1) === 0 ? 1 : -1;
    const end = step === 1 ? width : -1;
    // What the pixel before passes on to this one and below, kept out of memory.
    let ahead = 0;
    let below = 0;
    let belowAhead = 0;
    for (let x = step === 1 ? 0 : width - 1; x !== end; x += step) {
      const wanted = (light[y * width + x] as number) + (current[x + 1] as number) + ahead;
      let error = wanted / 16;
      if (wanted >= 0.5) error -= 1 / 16;
      else {
        const at = y * stride + (x >> 3);
        data[at] = (data[at] as number) | (0x80 >> (x & 7));
      }
      ahead = error * 7;
      next[x + 1 - step] = below + error * 3;
      below = belowAhead + error * 5;
      belowAhead = error;
    }
    next[end + 1 - step] = below;
    [current, next] = [next, current];
  }
  return bitmap;
}

/** Passes on six eighths of the error only: lighter highlights, deeper shadows. */
function diffuseAtkinson(map: LightMap): Bitmap {
  const { width, height, light } = map;
  const bitmap = createBitmap(width, height);
  const { data, stride } = bitmap;
  let rows = [new Float64Array(width + 4), new Float64Array(width + 4), new Float64Array(width + 4)] as const;
  for (let y = 0; y < height; y += 1) {
    const [current, next, second] = rows;
    for (let x = 0; x < width; x += 1) {
      const at = x + 2;
      const wanted = (light[y * width + x] as number) + (current[at] as number);
      const white = wanted >= 0.5;
      const error = (white ? wanted - 1 : wanted) / 8;
      if (!white) {
        const byte = y * stride + (x >> 3);
        data[byte] = (data[byte] as number) | (0x80 >> (x & 7));
      }
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
