/** A bound on publishes under way: the next one waits until an earlier one was acknowledged. */
export class SendWindow {
  readonly #size: number;
  #inFlight = 0;
  #failure: { readonly error: unknown } | null = null;
  /** Who waits for room, one at a time. */
  #change: PromiseWithResolvers<void> | null = null;
  readonly #guarded = new Set<(error: unknown) => void>();

  constructor(size: number) {
    this.#size = size;
  }

  /** Settles when there is room; rejects once the window failed. */
  async enter(): Promise<void> {
    while (!this.#failure && this.#inFlight >= this.#size) await this.#untilChange();
    this.#throwFailure();
  }

  /** Settles when nothing is under way any more. */
  async drain(): Promise<void> {
    while (!this.#failure && this.#inFlight > 0) await this.#untilChange();
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
      this.#guarded.add(reject);
      promise.then(resolve, reject).finally(() => this.#guarded.delete(reject));
      if (this.#failure) reject(this.#failure.error);
    });
  }

  /** Everyone who waits, now or later, is rejected with the first `error`. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    for (const reject of this.#guarded) reject(this.#failure.error);
    this.#guarded.clear();
    this.#wake();
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }

  #untilChange(): Promise<void> {
    this.#change ??= Promise.withResolvers<void>();
    return this.#change.promise;
  }

  #wake(): void {
    this.#change?.resolve();
    this.#change = null;
  }
}
