/** A bucket of tries: so many at once, one back per interval of running time. */
export class Bucket {
  readonly #capacity: number;
  readonly #refillMs: number;
  #level: number;
  #at: number;

  constructor(capacity: number, refillMs: number, nowMs: number) {
    this.#capacity = capacity;
    this.#refillMs = refillMs;
    this.#level = capacity;
    this.#at = nowMs;
  }

  /** Takes one; false when there is none. `nowMs` of a clock that never goes back. */
  take(nowMs: number): boolean {
    this.#refill(nowMs);
    if (this.#level < 1) return false;
    this.#level--;
    return true;
  }

  /** Until there is one again, in whole seconds; 0 when there is. */
  waitSeconds(nowMs: number): number {
    this.#refill(nowMs);
    return this.#level >= 1 ? 0 : Math.ceil(((1 - this.#level) * this.#refillMs) / 1000);
  }

  #refill(nowMs: number): void {
    this.#level = Math.min(this.#capacity, this.#level + (nowMs - this.#at) / this.#refillMs);
    this.#at = nowMs;
  }
}
