/** Dots: one bit each, eight to a byte, leftmost in the high bit; a set bit is black. Rows begin on a byte. */
export interface Bitmap {
  readonly width: number;
  readonly height: number;
  /** Bytes of a row. */
  readonly stride: number;
  readonly data: Uint8Array;
}

/** A white bitmap. */
export function createBitmap(width: number, height: number): Bitmap {
  const stride = (width + 7) >> 3;
  return { width, height, stride, data: new Uint8Array(stride * height) };
}

/** Whether a dot is black; outside is white. */
export function dotAt(bitmap: Bitmap, x: number, y: number): boolean {
  if (x < 0 || y < 0 || x >= bitmap.width || y >= bitmap.height) return false;
  return (((bitmap.data[y * bitmap.stride + (x >> 3)] ?? 0) >> (7 - (x & 7))) & 1) === 1;
}

/** Blackens a dot; outside is ignored. */
export function setDot(bitmap: Bitmap, x: number, y: number): void {
  if (x < 0 || y < 0 || x >= bitmap.width || y >= bitmap.height) return;
  const at = y * bitmap.stride + (x >> 3);
  bitmap.data[at] = (bitmap.data[at] ?? 0) | (0x80 >> (x & 7));
}

/** Draws the black dots of one bitmap into another, each `scaleX` by `scaleY` dots large. */
export function drawBitmap(
  target: Bitmap,
  source: Bitmap,
  x: number,
  y: number,
  scaleX = 1,
  scaleY = 1,
): void {
  for (let row = 0; row < source.height; row += 1) {
    for (let column = 0; column < source.width; column += 1) {
      if (dotAt(source, column, row)) fillRect(target, x + column * scaleX, y + row * scaleY, scaleX, scaleY);
    }
  }
}

/** Blackens a rectangle. */
export function fillRect(target: Bitmap, x: number, y: number, width: number, height: number): void {
  const right = Math.min(target.width, x + width);
  const bottom = Math.min(target.height, y + height);
  for (let row = Math.max(0, y); row < bottom; row += 1) {
    for (let column = Math.max(0, x); column < right; column += 1) setDot(target, column, row);
  }
}

/** Turns every dot of a rectangle into its opposite. */
export function invertRect(target: Bitmap, x: number, y: number, width: number, height: number): void {
  const right = Math.min(target.width, x + width);
  const bottom = Math.min(target.height, y + height);
  for (let row = Math.max(0, y); row < bottom; row += 1) {
    for (let column = Math.max(0, x); column < right; column += 1) {
      const at = row * target.stride + (column >> 3);
      target.data[at] = (target.data[at] ?? 0) ^ (0x80 >> (column & 7));
    }
  }
}

/** A clockwise quarter turn. */
export function rotateRight(source: Bitmap): Bitmap {
  const turned = createBitmap(source.height, source.width);
  for (let y = 0; y < source.height; y += 1) {
    for (let x = 0; x < source.width; x += 1)
      if (dotAt(source, x, y)) setDot(turned, source.height - 1 - y, x);
  }
  return turned;
}

/** Dots of a strip as column bytes, top dot in the high bit: the form `ESC *` and `ESC &` take. */
export function toColumns(
  bitmap: Bitmap,
  top: number,
  bytesPerColumn: number,
  from = 0,
  columns = bitmap.width,
): Uint8Array {
  const out = new Uint8Array(columns * bytesPerColumn);
  for (let x = 0; x < columns; x += 1) {
    for (let y = 0; y < bytesPerColumn * 8; y += 1) {
      if (!dotAt(bitmap, from + x, top + y)) continue;
      const at = x * bytesPerColumn + (y >> 3);
      out[at] = (out[at] ?? 0) | (0x80 >> (y & 7));
    }
  }
  return out;
}

/** The reverse of `toColumns`. */
export function fromColumns(data: Uint8Array, columns: number, bytesPerColumn: number): Bitmap {
  const bitmap = createBitmap(columns, bytesPerColumn * 8);
  for (let x = 0; x < columns; x += 1) {
    for (let y = 0; y < bytesPerColumn * 8; y += 1) {
      if ((((data[x * bytesPerColumn + (y >> 3)] ?? 0) << (y & 7)) & 0x80) !== 0) setDot(bitmap, x, y);
    }
  }
  return bitmap;
}
