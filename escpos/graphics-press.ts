import { type Bitmap, fromColumns } from "./bitmap.ts";
import type { Command, CommandOfKind } from "./command.ts";
import type { ImageMemory } from "./image-memory.ts";
import type { ImageItem } from "./paper.ts";

/** An image that is not drawn yet. */
interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly draw: () => Bitmap;
}

/** Turns image commands into what is printed; keeps the image that `GS ( L` stores before it is printed. */
export class GraphicsPress {
  readonly #images: ImageMemory;
  #stored: Drawing | null = null;
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
        const image = this.#stored;
        this.#stored = null;
        return image === null ? null : imageItem(image, ...this.#scale);
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

  #store(command: CommandOfKind<"graphics-store" | "graphics-store-column">, image: Drawing | null): void {
    this.#stored = image;
    this.#scale = [command.scaleX, command.scaleY];
  }

  #kept(key: string, mode: number): ImageItem | null {
    const bitmap = this.#images.get(key);
    return bitmap === null ? null : imageItem(bitmap, (mode & 1) + 1, ((mode >> 1) & 1) + 1);
  }
}

/** The image of an `ESC *`, which stands in the line like a character. */
export function columnItem({ mode, columns, data }: CommandOfKind<"column-image">, x: number): ImageItem {
  const bytesPerColumn = mode < 32 ? 1 : 3;
  const scaleX = mode % 32 === 0 ? 2 : 1;
  const scaleY = mode < 32 ? 3 : 1;
  const draw = (): Bitmap => fromColumns(data, columns, bytesPerColumn);
  return { kind: "image", x, width: columns * scaleX, height: 24, draw, scaleX, scaleY };
}

function rasterItem({ mode, bytesPerRow, rows, data }: CommandOfKind<"raster-image">): ImageItem {
  const bitmap = { width: bytesPerRow * 8, height: rows, stride: bytesPerRow, data };
  return imageItem(bitmap, (mode & 1) + 1, ((mode >> 1) & 1) + 1);
}

function rowsOf({ width, height, data }: CommandOfKind<"graphics-store">): Drawing | null {
  const stride = (width + 7) >> 3;
  return data.length < stride * height
    ? null
    : { width, height, draw: () => ({ width, height, stride, data }) };
}

function columnsOf({ width, height, data }: CommandOfKind<"graphics-store-column">): Drawing | null {
  const bytesPerColumn = (height + 7) >> 3;
  if (data.length < width * bytesPerColumn) return null;
  return { width, height: bytesPerColumn * 8, draw: () => fromColumns(data, width, bytesPerColumn) };
}

function imageItem(image: Bitmap | Drawing, wide: number, high: number): ImageItem {
  const scaleX = wide === 2 ? 2 : 1;
  const scaleY = high === 2 ? 2 : 1;
  const draw = "draw" in image ? image.draw : (): Bitmap => image;
  return {
    kind: "image",
    x: 0,
    width: image.width * scaleX,
    height: image.height * scaleY,
    draw,
    scaleX,
    scaleY,
  };
}
