import { type Bitmap, fromColumns } from "./bitmap.ts";
import type { Command, CommandOfKind } from "./command.ts";
import { word } from "./measure.ts";

/** Images that a stream has defined, by where they are kept and under which key; bounded in total. */
export class ImageMemory {
  readonly #images = new Map<string, Bitmap>();
  #bytes = 0;
  readonly #limit: number;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  get(key: string): Bitmap | null {
    return this.#images.get(key) ?? null;
  }

  /** Keeps what a defining command holds; returns false for commands that define no image. */
  define(command: Command): boolean {
    switch (command.kind) {
      case "download-image":
        this.#put("download", fromColumns(command.data, command.x * 8, command.y));
        return true;
      case "define-nv-images":
        this.#defineNv(command.count, command.images);
        return true;
      case "graphics-define":
        this.#defineGraphics(command);
        return true;
      case "windows-bitmap":
        this.#defineWindows(command);
        return true;
      default:
        return false;
    }
  }

  /** Characters defined by `ESC &`, by font and code. */
  defineCharacters(command: CommandOfKind<"user-characters-define">, font: number): void {
    let at = 0;
    for (let code = command.first; code <= command.last && at < command.bitmaps.length; code += 1) {
      const columns = command.bitmaps[at] ?? 0;
      const data = command.bitmaps.subarray(at + 1, at + 1 + columns * command.rows);
      if (columns > 0) this.#put(`character ${font} ${code}`, fromColumns(data, columns, command.rows));
      else this.#images.delete(`character ${font} ${code}`);
      at += 1 + columns * command.rows;
    }
  }

  forgetCharacter(code: number, font: number): void {
    this.#images.delete(`character ${font} ${code}`);
  }

  #put(key: string, bitmap: Bitmap): void {
    const old = this.#images.get(key)?.data.length ?? 0;
    if (this.#bytes - old + bitmap.data.length > this.#limit) return;
    this.#bytes += bitmap.data.length - old;
    this.#images.set(key, bitmap);
  }

  /** `FS q`: columns, numbered from 1. */
  #defineNv(count: number, images: Uint8Array): void {
    let at = 0;
    for (let number = 1; number <= count; number += 1) {
      const x = word(images, at);
      const y = word(images, at + 2);
      const size = x * y * 8;
      this.#put(`nv ${number}`, fromColumns(images.subarray(at + 4, at + 4 + size), x * 8, y));
      at += 4 + size;
    }
  }

  /** `GS ( L` 67, 68 (kept), 83, 84 (lost at power-off); the first colour stands for all. */
  #defineGraphics(command: CommandOfKind<"graphics-define">): void {
    const { width, height, planes, fn } = command;
    const data = planes.subarray(1);
    const key = `graphics ${fn >= 80 ? "download" : "nv"} ${command.key1} ${command.key2}`;
    const bytesPerColumn = (height + 7) >> 3;
    if (fn === 68 || fn === 84) {
      if (data.length >= width * bytesPerColumn) this.#put(key, fromColumns(data, width, bytesPerColumn));
      return;
    }
    const stride = (width + 7) >> 3;
    if (data.length >= stride * height) this.#put(key, { width, height, stride, data });
  }

  /** `GS D`: uncompressed bitmaps of one bit a pixel. */
  #defineWindows(command: CommandOfKind<"windows-bitmap">): void {
    const bmp = command.bitmap;
    if (bmp.length < 62 || word(bmp, 28) !== 1 || word(bmp, 30) !== 0) return;
    const width = word(bmp, 18);
    const height = word(bmp, 22);
    const from = word(bmp, 10);
    const sourceStride = ((width + 31) >> 5) << 2;
    if (from + sourceStride * height > bmp.length || word(bmp, 20) !== 0 || word(bmp, 24) !== 0) return;
    const stride = (width + 7) >> 3;
    const data = new Uint8Array(stride * height);
    // Colour 0 is black unless the palette says that it is light.
    const flip = (bmp[54] ?? 0) < 128 ? 0xff : 0;
    for (let y = 0; y < height; y += 1) {
      const row = from + (height - 1 - y) * sourceStride;
      for (let x = 0; x < stride; x += 1) data[y * stride + x] = (bmp[row + x] ?? 0) ^ flip;
    }
    this.#put(`graphics ${command.fn >= 80 ? "download" : "nv"} ${command.key1} ${command.key2}`, {
      width,
      height,
      stride,
      data,
    });
  }
}
