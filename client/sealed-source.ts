/** A sealed document that can be read again from any offset, since the broker may lack any part of it. */
export interface SealedSource {
  /** Sealed bytes in all; null while a stream has not ended. */
  readonly size: number | null;

  /** Makes sure that so many sealed bytes, or all there are, can be counted: `size` is right up to there. */
  fill(bytes: number): Promise<void>;

  /**
   * The sealed bytes from `offset` on: the same ones every time. One reader at a time. A piece stays untouched until
   * the next is asked for.
   * @throws PlatenError `document-changed`, `no-input`, `disk-full`, `storage-failed`
   */
  read(offset: number): AsyncIterable<Uint8Array>;

  /** Closes and removes what lies behind it. */
  close(): Promise<void>;
}

/** Part buffers used again once their part was acknowledged: a gigabyte in fresh ones keeps the garbage collector busy. */
export class PartBuffers {
  readonly partBytes: number;
  readonly #free: Uint8Array[] = [];

  constructor(partBytes: number) {
    this.partBytes = partBytes;
  }

  take(): Uint8Array {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.partBytes);
  }

  /** Only when nobody reads the part any more. */
  giveBack(part: Uint8Array): void {
    if (part.length === this.partBytes) this.#free.push(part);
  }
}

/** Cuts the sealed stream into parts, the last one shorter. Each is the caller's, in a buffer of `buffers`. */
export async function* cutParts(
  stream: AsyncIterable<Uint8Array>,
  buffers: PartBuffers,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { partBytes } = buffers;
  let part = buffers.take();
  let filled = 0;
  for await (const piece of stream) {
    for (let at = 0; at < piece.length; ) {
      const take = Math.min(partBytes - filled, piece.length - at);
      part.set(piece.subarray(at, at + take), filled);
      filled += take;
      at += take;
      if (filled === partBytes) {
        yield part;
        part = buffers.take();
        filled = 0;
      }
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}
