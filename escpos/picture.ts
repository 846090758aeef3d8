/** Pixels, row by row: one channel (grey), three (RGB) or four (RGBA), 8-bit sRGB. `ImageData` is one. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** Light, row by row: 0 is black, 1 is white, linear (not gamma-encoded). */
export interface LightMap {
  readonly width: number;
  readonly height: number;
  readonly light: Float32Array;
}

const LINEAR = Float32Array.from({ length: 256 }, (_, value) => toLinear(value / 255));

/** sRGB to linear light, both 0 to 1 (IEC 61966-2-1). */
export function toLinear(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

/**
 * The light a picture reflects, on white paper (transparent is white), scaled to a width by averaging areas.
 *
 * @throws {TypeError} when the data does not fit the dimensions
 */
export function lightOf(picture: Picture, width = picture.width): LightMap {
  const { data } = picture;
  const pixels = picture.width * picture.height;
  const channels = data.length / pixels;
  if (pixels === 0 || (channels !== 1 && channels !== 3 && channels !== 4)) {
    throw new TypeError(
      `A picture of ${picture.width} x ${picture.height} has 1, 3 or 4 bytes a pixel; this one has ${data.length} bytes`,
    );
  }
  const light = new Float32Array(pixels);
  for (let at = 0, from = 0; at < pixels; at += 1, from += channels) {
    if (channels === 1) light[at] = LINEAR[data[from] as number] as number;
    else {
      const luminance =
        0.2126 * (LINEAR[data[from] as number] as number) +
        0.7152 * (LINEAR[data[from + 1] as number] as number) +
        0.0722 * (LINEAR[data[from + 2] as number] as number);
      const alpha = channels === 4 ? (data[from + 3] as number) / 255 : 1;
      light[at] = 1 + (luminance - 1) * alpha;
    }
  }
  return resize({ width: picture.width, height: picture.height, light }, width);
}

/** Scales to a width, keeping the proportions; every target pixel is the mean of the area it covers. */
function resize(source: LightMap, width: number): LightMap {
  if (width === source.width) return source;
  if (!Number.isInteger(width) || width < 1) throw new TypeError(`width: ${width} is not a number of dots`);
  const height = Math.max(1, Math.round((source.height * width) / source.width));
  const narrow = new Float32Array(width * source.height);
  for (let y = 0; y < source.height; y += 1)
    average(source.light, y * source.width, 1, source.width, narrow, y * width, 1, width);
  const light = new Float32Array(width * height);
  for (let x = 0; x < width; x += 1) average(narrow, x, width, source.height, light, x, width, height);
  return { width, height, light };
}

/** Resamples one line of `length` samples to `count`. */
function average(
  from: Float32Array,
  fromAt: number,
  fromStep: number,
  length: number,
  to: Float32Array,
  toAt: number,
  toStep: number,
  count: number,
): void {
  const ratio = length / count;
  for (let index = 0; index < count; index += 1) {
    const left = index * ratio;
    const right = left + ratio;
    let sum = 0;
    for (let at = Math.floor(left); at < right && at < length; at += 1) {
      sum += (from[fromAt + at * fromStep] as number) * (Math.min(right, at + 1) - Math.max(left, at));
    }
    to[toAt + index * toStep] = sum / ratio;
  }
}
