const KEPT_BYTES = 65_536;

/** Bytes from a printer, kept for one reader; the oldest are dropped where nobody reads. */
export class BackChannel implements AsyncIterable<Uint8Array> {
  #chunks: Uint8Array[] = [];
  #size = 0;
  #ended = false;
  #wake: (() => void) | null = null;

  push(chunk: Uint8Array): void {
    if (this.#ended || chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size > KEPT_BYTES && this.#chunks.length > 1) this.#take();
    this.#wake?.();
  }

  /** What was pushed before can still be read. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#take();
      if (chunk !== undefined) {
        yield chunk;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = null;
      }
    }
  }

  #take(): Uint8Array | undefined {
    const chunk = this.#chunks.shift();
    this.#size -= chunk?.length ?? 0;
    return chunk;
  }
}
