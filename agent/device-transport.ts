/**
 * The half of the device port that is the same for every printer: one transfer at a time, single use, pieces,
 * counts, abort. What differs between a file, a socket and a line is a {@link Transport}.
 */
import { type Device, DeviceError, type DeviceStatus, type LineErrors } from "./device.ts";

/** One way of moving bytes. Its methods are called one at a time and reject with {@link DeviceError}. */
export interface Transport {
  /** The largest piece `write` is given: the grain of progress and of an abort. */
  readonly pieceBytes: number;
  /** Whether a byte that `write` took is surely at its destination (a file), or perhaps in a buffer. */
  readonly keeps: boolean;
  write(piece: Uint8Array): Promise<void>;
  drain(): Promise<void>;
  read(): AsyncIterable<Uint8Array>;
  /** Left out by what is no serial line. */
  readonly lineErrors?: LineErrors | null;
  status(timeoutMs: number): Promise<DeviceStatus>;
  /** Makes a pending `write` or `drain` settle soon and stops the transfer. Only `close` follows. */
  cancel(): void;
  /** After `cancel`. Never waits for the printer. */
  close(): Promise<void>;
}

export const STATUS_UNKNOWN: DeviceStatus = { ready: "unknown", reason: null, source: "none" };

type Phase = "idle" | "busy" | "failed" | "closed";

/** A {@link Device} over a transport that is open already and belongs to it from now on. */
export class TransportDevice implements Device {
  readonly uri: string;
  readonly #transport: Transport;
  #phase: Phase = "idle";
  #offered = 0;
  #accepted = 0;
  #certain = 0;
  #closing: Promise<void> | null = null;

  constructor(uri: string, transport: Transport) {
    this.uri = uri;
    this.#transport = transport;
  }

  get bytesWritten(): number {
    return this.#accepted;
  }

  write(bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    return this.#transfer("write", () => this.#writePieces(bytes, signal), signal);
  }

  drain(signal?: AbortSignal): Promise<void> {
    return this.#transfer(
      "drain",
      async () => {
        await this.#transport.drain();
        this.#certain = this.#accepted;
      },
      signal,
    );
  }

  read(): AsyncIterable<Uint8Array> {
    return this.#transport.read();
  }

  get lineErrors(): LineErrors | null {
    return this.#transport.lineErrors ?? null;
  }

  async status(timeoutMs = 1000): Promise<DeviceStatus> {
    if (this.#phase === "closed" || this.#phase === "failed") return STATUS_UNKNOWN;
    return await this.#transport.status(timeoutMs);
  }

  close(): Promise<void> {
    if (this.#closing === null) {
      this.#phase = "closed";
      this.#transport.cancel();
      this.#closing = this.#transport.close().catch(() => undefined);
    }
    return this.#closing;
  }

  async #writePieces(bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    const { pieceBytes, keeps } = this.#transport;
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      if (signal?.aborted || this.#phase === "closed") return;
      const piece = bytes.subarray(at, at + pieceBytes);
      this.#offered += piece.length;
      await this.#transport.write(piece);
      this.#accepted += piece.length;
      if (keeps) this.#certain = this.#accepted;
    }
  }

  async #transfer(verb: string, run: () => Promise<void>, signal?: AbortSignal): Promise<void> {
    if (this.#phase !== "idle")
      throw new TypeError(`${verb} on a device that is ${this.#phase}: ${this.uri}`);
    if (signal?.aborted) throw this.#abandon(signal);
    this.#phase = "busy";
    const cancel = (): void => this.#transport.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      await run();
    } catch (cause) {
      throw this.#gaveUp(signal) ? this.#abandon(signal) : this.#fail(cause);
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
    // The transport was cancelled as its last piece went through: it cannot be used for another.
    if (this.#gaveUp(signal)) throw this.#abandon(signal);
    this.#phase = "idle";
  }

  #gaveUp(signal?: AbortSignal): boolean {
    return signal?.aborted === true || this.#phase === "closed";
  }

  #abandon(signal?: AbortSignal): DeviceError {
    const why: unknown = signal?.reason;
    // Who aborts may say why with a DeviceError; else it is a stall, the one thing that makes a worker give up.
    const reason = why instanceof DeviceError ? why.reason : "stalled";
    const message = "The transfer to the printer was stopped. Part of the document may be on paper.";
    return this.#fail(new DeviceError("device-aborted", reason, message, { cause: why }));
  }

  #fail(cause: unknown): DeviceError {
    if (this.#phase !== "closed") this.#phase = "failed";
    const taken = { atLeast: this.#certain, atMost: this.#offered };
    if (cause instanceof DeviceError) {
      return new DeviceError(cause.code, cause.reason, cause.message, { taken, cause: cause.cause });
    }
    const message = `The printer failed in a way nobody foresaw (${String(cause)}). Look at the agent's log.`;
    return new DeviceError("device-failed", "device", message, { taken, cause });
  }
}
