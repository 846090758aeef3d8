import { type Bitmap, fromColumns } from "./bitmap.ts";
import type { Command, CommandOfKind } from "./command.ts";
import type { ImageMemory } from "./image-memory.ts";
import type { ImageItem } from "./paper.ts";

/** Turns image commands into what is printed; keeps the image that `GS ( L` stores before it is printed. */
export class GraphicsPress {
  readonly #images: ImageMemory;
  #stored: Bitmap | null = null;
  #scale: readonly [number, number] = [1, 1];

  constructor(images: ImageMemory) {
    this.#images = images;
  }

  /** Takes a command; returns the image it prints, or `null`. */
  take(command: Command): ImageItem | null {
    switch (command.kind) {
      case "raster-image":
        return rasterItem(command);
      case "graphics-store":
        this.#store(command, rowsOf(command));
        return null;
      case "graphics-store-column":
        this.#store(command, columnsOf(command));
        return null;
      case "graphics-print": {
        const bitmap = this.#stored;
        this.#stored = null;
        return bitmap === null ? null : imageItem(bitmap, ...this.#scale);
      }
      case "graphics-print-key": {
        const place = command.fn >= 80 ? "download" : "nv";
        const bitmap = this.#images.get(`graphics ${place} ${command.key1} ${command.key2}`);
        return bitmap === null ? null : imageItem(bitmap, command.scaleX, command.scaleY);
      }
      case "print-download-image":
        return this.#kept("download", command.mode);
      case "print-nv-image":
        return this.#kept(`nv ${command.number}`, command.mode);
      default:
        return null;
    }
  }

  #store(command: CommandOfKind<"graphics-store" | "graphics-store-column">, bitmap: Bitmap | null): void {
    this.#stored = bitmap;
    this.#scale = [command.scaleX, command.scaleY];
  }

  #kept(key: string, mode: number): ImageItem | null {
    const bitmap = this.#images.get(key);
    return bitmap === null ? null : imageItem(bitmap, (mode & 1) + 1, ((mode >> 1) & 1) + 1);
  }
}

/** The image of an `ESC *`, which stands in the line like a character. */
export function columnItem({ mode, columns, data }: CommandOfKind<"column-image">, x: number): ImageItem {
  const single = mode < 32;
  const bitmap = fromColumns(data, columns, single ? 1 : 3);
  const scaleX = mode % 32 === 0 ? 2 : 1;
  const scaleY = single ? 3 : 1;
  return {
    kind: "image",
    x,
    width: bitmap.width * scaleX,
    height: bitmap.height * scaleY,
    bitmap,
    scaleX,
    scaleY,
  };
}

function rasterItem({ mode, bytesPerRow, rows, data }: CommandOfKind<"raster-image">): ImageItem {
  const bitmap = { width: bytesPerRow * 8, height: rows, stride: bytesPerRow, data };
  return imageItem(bitmap, (mode & 1) + 1, ((mode >> 1) & 1) + 1);
}

function rowsOf({ width, height, data }: CommandOfKind<"graphics-store">): Bitmap | null {
  const stride = (width + 7) >> 3;
  return data.length < stride * height ? null : { width, height, stride, data };
}

function columnsOf({ width, height, data }: CommandOfKind<"graphics-store-column">): Bitmap | null {
  const bytesPerColumn = (height + 7) >> 3;
  return data.length < width * bytesPerColumn ? null : fromColumns(data, width, bytesPerColumn);
}

function imageItem(bitmap: Bitmap, wide: number, high: number): ImageItem {
  const scaleX = wide === 2 ? 2 : 1;
  const scaleY = high === 2 ? 2 : 1;
  return {
    kind: "image",
    x: 0,
    width: bitmap.width * scaleX,
    height: bitmap.height * scaleY,
    bitmap,
    scaleX,
    scaleY,
  };
}
