/** Talking with a printer over the device a job goes through: one question, then listening until its end. */
import { setTimeout as pause } from "node:timers/promises";
import { setDeadline } from "./deadline.ts";
import type { Device } from "./device.ts";
import type { Said, StatusSource } from "./printer-status.ts";
import type { Heard, Tongue } from "./printer-tongue.ts";

/** What a printer did when last spoken to. Kept as long as the program runs; one per printer. */
export interface Manners {
  /** It answered the question in time. One that did not is asked again, and waited for briefly. */
  answers: boolean;
  /** It confirmed a job; null: it had no occasion yet. One that did not is waited for briefly. */
  confirms: boolean | null;
}

export type Outcome =
  | "printed"
  /** It ended the job itself. */
  | "refused"
  /** It said nothing in time, or cannot say. */
  | "silent";

export interface Patience {
  /** How long without a sign of life. */
  readonly confirmMs: number;
  /** While this holds, time does not count: a person is needed first. */
  isBlocked(): boolean;
}

const QUESTION_MS = 2000;
/** What an answer takes that is under way at all. Short jobs are over before it, and nobody would hear it then. */
const SKEPTICAL_ANSWER_MS = 100;
const SKEPTICAL_MS = 2000;
const THROUGH_MS = 1500;
const TOTAL_MS = 30 * 60_000;
const TIMER_MS_MAX = 2 ** 31 - 1;

/** A printer says some hundred bytes a second. */
const BURST_BYTES = 16 * 1024;
const BURST_MS = 250;

/** One that talks without end must not keep the program from everything else. */
class Ear {
  #bytes = 0;
  #sinceMs = performance.now();

  /** After so many bytes were heard; resolves when more may be. What is not heard in time is lost. */
  async rest(bytes: number): Promise<void> {
    const now = performance.now();
    if (now - this.#sinceMs >= BURST_MS) {
      this.#bytes = 0;
      this.#sinceMs = now;
    }
    this.#bytes += bytes;
    if (this.#bytes < BURST_BYTES) return;
    await pause(this.#sinceMs + BURST_MS - now, undefined, { ref: false });
  }
}

export class Conversation {
  readonly #device: Device;
  readonly #tongue: Tongue;
  readonly #manners: Manners;
  readonly #onSaid: (said: Said, source: StatusSource) => void;
  #isAnswered = false;
  /** It answered before the document: only then it is spoken to around it. */
  #isHeld = false;
  #outcome: Outcome | null = null;
  #isOver = false;
  #signAtMs = 0;
  #wake: (() => void) | null = null;

  /** Listens from now on until the device is closed. */
  constructor(
    device: Device,
    tongue: Tongue,
    manners: Manners,
    onSaid: (said: Said, source: StatusSource) => void,
  ) {
    this.#device = device;
    this.#tongue = tongue;
    this.#manners = manners;
    this.#onSaid = onSaid;
    void this.#listen();
  }

  /**
   * Asks whether it can print; what it says goes to `onSaid`. Resolves when it answered, or after a bounded time,
   * a short one for a printer that did not answer the last time; at once for one that cannot be asked amid a document.
   * Rejects with DeviceError when not even the question goes through.
   */
  async ask(isAmid: boolean, signal?: AbortSignal): Promise<void> {
    const question = isAmid ? this.#tongue.questionAmid : this.#tongue.question;
    if (question === null) return;
    const limit = setDeadline(QUESTION_MS, signal);
    try {
      await this.#device.write(question, limit.signal);
    } finally {
      limit.clear();
    }
    const untilMs = performance.now() + (this.#manners.answers ? this.#tongue.answerMs : SKEPTICAL_ANSWER_MS);
    await this.#wait(
      () => this.#isAnswered,
      () => untilMs - performance.now(),
      signal,
    );
    this.#isHeld = this.#isAnswered;
    this.#manners.answers = this.#isAnswered;
    if (!this.#isAnswered) this.#tongue.forget();
  }

  /** What goes before the document. Empty for a printer that did not answer. */
  get opening(): Uint8Array {
    return this.#isHeld ? this.#tongue.opening : new Uint8Array(0);
  }

  /** What goes after it. Call right before it is sent. */
  close(): Uint8Array {
    return this.#isHeld ? this.#tongue.close() : new Uint8Array(0);
  }

  /** After a job was confirmed. */
  get farewell(): Uint8Array {
    return this.#tongue.farewell;
  }

  get isPrinted(): boolean {
    return this.#outcome === "printed";
  }

  /** Waits for the printer's word on the job. Rejects with the reason of `signal` only. */
  async confirm(patience: Patience, signal: AbortSignal): Promise<Outcome> {
    if (!this.#isHeld) return "silent";
    const { confirmMs } = patience;
    const patienceMs = this.#manners.confirms === false ? Math.min(confirmMs, SKEPTICAL_MS) : confirmMs;
    const endMs = performance.now() + TOTAL_MS;
    this.#signAtMs = performance.now();
    const leftMs = (): number => {
      const now = performance.now();
      if (patience.isBlocked()) {
        this.#signAtMs = now;
        return Number.POSITIVE_INFINITY;
      }
      return Math.min(this.#signAtMs + patienceMs, endMs) - now;
    };
    await this.#wait(() => this.#outcome !== null, leftMs, signal);
    const outcome = this.#outcome ?? "silent";
    this.#manners.confirms = outcome !== "silent";
    return outcome;
  }

  /**
   * After bytes that end what a document left open: whether the printer is through with them. True where it cannot be
   * told. Rejects with DeviceError.
   */
  async isThrough(signal: AbortSignal): Promise<boolean> {
    if (!this.#isHeld || this.#manners.confirms === false) return true;
    await this.#device.write(this.#tongue.close(), signal);
    const untilMs = performance.now() + THROUGH_MS;
    await this.#wait(
      () => this.isPrinted,
      () => untilMs - performance.now(),
      signal,
    );
    if (this.isPrinted) this.#manners.confirms = true;
    return this.isPrinted;
  }

  async #listen(): Promise<void> {
    const ear = new Ear();
    try {
      for await (const bytes of this.#device.read()) {
        for (const heard of this.#tongue.hear(bytes)) this.#take(heard);
        this.#wake?.();
        await ear.rest(bytes.length);
      }
    } catch {
      // A broken device is told by what is written to it.
    } finally {
      this.#isOver = true;
      this.#wake?.();
    }
  }

  #take(heard: Heard): void {
    switch (heard.kind) {
      case "answered":
        this.#isAnswered = true;
        // Late, perhaps: the next job waits for it again.
        this.#manners.answers = true;
        return;
      case "status":
        this.#onSaid(heard.said, heard.source);
        return;
      case "sign":
        this.#signAtMs = performance.now();
        return;
      case "printed":
      case "refused":
        this.#outcome ??= heard.kind;
        return;
    }
  }

  /** Until `done` holds, `leftMs` is used up, or the printer can say nothing any more. */
  async #wait(done: () => boolean, leftMs: () => number, signal?: AbortSignal): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      if (done() || this.#isOver) return;
      const ms = leftMs();
      if (ms <= 0) return;
      await this.#news(Math.min(ms, TIMER_MS_MAX), signal);
    }
  }

  async #news(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    const wake = (): void => resolve();
    signal?.addEventListener("abort", wake, { once: true });
    this.#wake = resolve;
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", wake);
      this.#wake = null;
    }
  }
}
