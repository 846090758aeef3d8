import { type Bitmap, createBitmap } from "./bitmap.ts";

/** A strip of paper that grows downwards, up to a limit. */
export class Canvas {
  readonly width: number;
  readonly maxHeight: number;
  #bitmap: Bitmap;
  #height = 0;

  constructor(width: number, maxHeight: number) {
    this.width = width;
    this.maxHeight = maxHeight;
    this.#bitmap = createBitmap(width, 256);
  }

  get height(): number {
    return this.#height;
  }

  /** The paper down to at least this row, for drawing on; `null` when that is beyond the limit. */
  reach(height: number): Bitmap | null {
    if (height > this.maxHeight) return null;
    if (height > this.#bitmap.height) {
      const larger = createBitmap(
        this.width,
        Math.min(this.maxHeight, Math.max(height, this.#bitmap.height * 2)),
      );
      larger.data.set(this.#bitmap.data);
      this.#bitmap = larger;
    }
    this.#height = Math.max(this.#height, height);
    return this.#bitmap;
  }

  /** What was drawn on. */
  bitmap(): Bitmap {
    const { stride, width } = this.#bitmap;
    return { width, height: this.#height, stride, data: this.#bitmap.data.slice(0, stride * this.#height) };
  }
}
