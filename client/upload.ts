/** A sealed job on its way to the broker: what was acknowledged is remembered across connections. */

import { encodeJson } from "../wire/json.ts";
import { PAYLOAD_BYTES_MAX } from "../wire/limits.ts";
import type { JobRef } from "../wire/name.ts";
import type { End } from "../wire/status.ts";
import { sendTopic } from "../wire/topic.ts";
import type { Connection } from "./connection.ts";
import { cutParts, PartBuffers, type SealedSource } from "./sealed-source.ts";
import type { SendWindow } from "./send-window.ts";

export interface JobAddress extends JobRef {
  readonly target: string;
}

/** `bytes` of the sealed job were acknowledged; `total` is null while a stream has not ended. */
export type OnProgress = (bytes: number, total: number | null) => void;

export interface UploadOptions {
  readonly partBytes: number;
  /** Told to the broker with `end`; Unix seconds. */
  readonly expires?: number | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export class Upload {
  readonly #address: JobAddress;
  readonly #source: SealedSource;
  readonly #options: UploadOptions;
  /** Every part below is acknowledged, and those in `#ahead`. */
  #low = 0;
  readonly #ahead = new Set<number>();

  constructor(address: JobAddress, source: SealedSource, options: UploadOptions) {
    this.#address = address;
    this.#source = source;
    this.#options = options;
  }

  /** Sends the parts no connection has acknowledged yet; none when the job fits one message. */
  async send(connection: Connection, window: SendWindow): Promise<void> {
    await window.guard(this.#source.fill(PAYLOAD_BYTES_MAX + 1));
    if (!this.#isSmall()) await this.#sendParts(connection, window, this.#low, Number.POSITIVE_INFINITY);
  }

  /** Sends the parts the broker lacks, as ranges `[first, last]`. */
  async resend(
    connection: Connection,
    window: SendWindow,
    missing: readonly (readonly [number, number])[],
  ): Promise<void> {
    for (const [first, last] of missing) await this.#sendParts(connection, window, first, last);
  }

  /** Says `end`, or sends the whole job that fits one message as `only`; again and again is harmless. */
  async finish(connection: Connection, window: SendWindow): Promise<void> {
    const bytes = this.#source.size;
    if (bytes === null || this.#isSmall()) return this.#sendOnly(connection, window);
    const { partBytes, expires } = this.#options;
    const end: End = { parts: Math.ceil(bytes / partBytes), bytes, ...(expires && { expires }) };
    const { target } = this.#address;
    return window.guard(connection.publish(sendTopic(this.#address, target, "end"), encodeJson(end)));
  }

  #isSmall(): boolean {
    return this.#source.size !== null && this.#source.size <= PAYLOAD_BYTES_MAX;
  }

  async #sendOnly(connection: Connection, window: SendWindow): Promise<void> {
    for await (const whole of cutParts(this.#source.read(0), new PartBuffers(PAYLOAD_BYTES_MAX))) {
      const topic = sendTopic(this.#address, this.#address.target, "only");
      await window.guard(connection.publish(topic, whole));
      this.#options.onProgress?.(whole.length, whole.length);
    }
  }

  async #sendParts(connection: Connection, window: SendWindow, first: number, last: number): Promise<void> {
    // Of this attempt alone: what a lost connection still holds must not be written over.
    const buffers = new PartBuffers(this.#options.partBytes);
    const parts = cutParts(this.#source.read(first * buffers.partBytes), buffers);
    try {
      for (let n = first; n <= last; n++) {
        const { value: part, done } = await window.guard(parts.next());
        if (done || !part) break;
        await window.enter();
        const topic = sendTopic(this.#address, this.#address.target, n);
        window.track(connection.publish(topic, part), () => {
          buffers.giveBack(part);
          this.#acknowledge(n);
        });
      }
      await window.drain();
    } finally {
      // Not awaited: a reader that waits for a pipe would hold up the end.
      parts.return().catch(() => {});
    }
  }

  #acknowledge(n: number): void {
    if (n >= this.#low) this.#ahead.add(n);
    while (this.#ahead.delete(this.#low)) this.#low++;
    const { size } = this.#source;
    const bytes = (this.#low + this.#ahead.size) * this.#options.partBytes;
    this.#options.onProgress?.(Math.min(bytes, size ?? bytes), size);
  }
}
