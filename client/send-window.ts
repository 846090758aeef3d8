/** A bound on publishes under way: the next one waits until an earlier one was acknowledged. */
export class SendWindow {
  readonly #size: number;
  #inFlight = 0;
  #failure: { readonly error: unknown } | null = null;
  readonly #waiting = new Set<{ resolve(): void; reject(error: unknown): void }>();

  constructor(size: number) {
    this.#size = size;
  }

  /** Settles when there is room; rejects once the window failed. */
  async enter(): Promise<void> {
    while (!this.#failure && this.#inFlight >= this.#size) await this.#change();
    this.#throwFailure();
  }

  /** Settles when nothing is under way any more. */
  async drain(): Promise<void> {
    while (!this.#failure && this.#inFlight > 0) await this.#change();
    this.#throwFailure();
  }

  /** Counts `sent` as under way until it settles; `onDone` when it succeeded. Its failure fails the window. */
  track(sent: Promise<void>, onDone: () => void): void {
    this.#inFlight++;
    sent.then(
      () => {
        this.#inFlight--;
        if (!this.#failure) onDone();
        this.#wake();
      },
      (error) => this.fail(error),
    );
  }

  /** `promise`, or the window's failure if that comes first. */
  guard<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiter = { resolve() {}, reject };
      this.#waiting.add(waiter);
      promise.then(resolve, reject).finally(() => this.#waiting.delete(waiter));
      if (this.#failure) reject(this.#failure.error);
    });
  }

  /** Everyone who waits, now or later, is rejected with the first `error`. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(this.#failure.error);
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }

  #change(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.add({ resolve, reject }));
  }

  #wake(): void {
    for (const waiter of this.#waiting) {
      // Guards wait for their own promise, not for room.
      waiter.resolve();
    }
  }
}
