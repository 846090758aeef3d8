/** What comes out of one opening of a printer: which document it is, and whether all of it came. */
import { createHash } from "node:crypto";
import { type BodyKind, digestBody, findHead, type Head } from "./body.ts";

/** More than this without a head is no document: the cleaning after an interruption. */
const HEAD_WAIT_BYTES = 8192;

export interface Caught {
  readonly job: string;
  readonly printer: string;
  /** Every byte of it, as it was sent. */
  readonly whole: boolean;
  /** The printer told, of this very copy, that it is on paper. */
  readonly confirmed: boolean;
}

export class Catcher {
  readonly #printer: string;
  readonly #kind: BodyKind;
  readonly #hash = createHash("sha256");
  #first: Buffer | null = Buffer.alloc(0);
  #head: Head | null = null;
  #left = 0;
  confirmed = false;

  constructor(printer: string, kind: BodyKind) {
    this.#printer = printer;
    this.#kind = kind;
  }

  take(bytes: Buffer): void {
    if (this.#head) this.#add(bytes);
    if (this.#head || !this.#first) return;
    this.#first = Buffer.concat([this.#first, bytes]);
    this.#head = findHead(this.#first);
    if (this.#head) {
      this.#left = this.#head.bytes;
      this.#add(this.#first.subarray(this.#head.at));
    }
    if (this.#head || this.#first.length > HEAD_WAIT_BYTES) this.#first = null;
  }

  /** Null when no document began. */
  end(): Caught | null {
    if (!this.#head) return null;
    const { job, bytes } = this.#head;
    const whole = this.#left === 0 && this.#hash.digest("hex") === digestBody(job, bytes, this.#kind);
    return { job, printer: this.#printer, whole, confirmed: this.confirmed };
  }

  #add(bytes: Buffer): void {
    const ours = bytes.subarray(0, this.#left);
    this.#left -= ours.length;
    this.#hash.update(ours);
  }
}
