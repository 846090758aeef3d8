import { type Keypad, type KeypadCondition, KeypadError, type KeypadEvents } from "./keypad.ts";

/** Hardware that is open now. */
export interface Source {
  /** Resolves when it ended by itself: unplugged, hung up, deleted. */
  readonly ended: Promise<void>;
  /** Never throws. */
  close(): Promise<void>;
}

/** Opens what there is. Null while it is missing; rejects with `KeypadError` where waiting would not help. */
export type OpenSource = () => Promise<Source | null>;

/** A look that takes longer never ends: a driver hangs. */
const LOOK_MS_MAX = 60_000;

/** A keypad whose hardware comes and goes: looks for it, tells, looks again. */
export class Attachment implements Keypad {
  readonly uri: string;
  readonly #open: OpenSource;
  readonly #events: KeypadEvents;
  readonly #pollMs: number;
  #condition: KeypadCondition | null = null;
  #refusal: string | null = null;
  #source: Source | null = null;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #lookedAtMs = performance.now();
  #isClosed = false;

  constructor(uri: string, open: OpenSource, events: KeypadEvents, pollMs: number) {
    this.uri = uri;
    this.#open = open;
    this.#events = events;
    this.#pollMs = pollMs;
  }

  /** Looks for the first time; only this rejects, and only where nobody asked for refusals. */
  async start(): Promise<this> {
    this.#take(
      await this.#open().catch((cause: unknown) => {
        if (this.#events.onRefused === undefined || !(cause instanceof KeypadError)) throw cause;
        return this.#refuse(cause);
      }),
    );
    return this;
  }

  isWorking(): boolean {
    const isLooking = performance.now() - this.#lookedAtMs < this.#pollMs + LOOK_MS_MAX;
    return this.#source !== null || this.#isClosed || isLooking;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#looking;
    await this.#source?.close();
    this.#source = null;
  }

  #take(source: Source | null): void {
    this.#source = source;
    if (source === null) {
      this.#lookedAtMs = performance.now();
      this.#tell("gone");
      this.#timer = setTimeout(() => {
        this.#looking = this.#look();
      }, this.#pollMs);
      return;
    }
    this.#refusal = null;
    this.#tell("attached");
    void source.ended.then(async () => {
      await source.close();
      if (!this.#isClosed) this.#take(null);
    });
  }

  async #look(): Promise<void> {
    // What is refused now (a device node that has no group yet) may be allowed in a moment.
    const source = await this.#open().catch((cause: unknown) => this.#refuse(cause));
    if (this.#isClosed) await source?.close();
    else this.#take(source);
  }

  /** Told once: the same refusal comes with every look. */
  #refuse(cause: unknown): null {
    if (cause instanceof KeypadError && cause.message !== this.#refusal && !this.#isClosed) {
      this.#refusal = cause.message;
      this.#events.onRefused?.(cause);
    }
    return null;
  }

  #tell(condition: KeypadCondition): void {
    if (this.#condition === condition || this.#isClosed) return;
    this.#condition = condition;
    this.#events.onCondition(condition);
  }
}
