/** How long interrupted jobs can still be printed again, in running time: a restart begins it anew. */
import { type JobRef, jobKey } from "../wire/name.ts";

export class Graces {
  readonly #monotonic: () => number;
  readonly #graceMs: number;
  readonly #ends = new Map<string, number>();

  constructor(monotonic: () => number, graceMs: number) {
    this.#monotonic = monotonic;
    this.#graceMs = graceMs;
  }

  begin(ref: JobRef): void {
    this.#ends.set(jobKey(ref), this.#monotonic() + this.#graceMs);
  }

  isOver(ref: JobRef): boolean {
    const end = this.#ends.get(jobKey(ref));
    return end === undefined || this.#monotonic() >= end;
  }

  end(ref: JobRef): void {
    this.#ends.delete(jobKey(ref));
  }
}
