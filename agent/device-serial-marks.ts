/**
 * What a line says of itself amid what the printer says. With PARMRK (POSIX termios) the kernel puts a byte that came
 * damaged as FF 00 and the byte, a break as FF 00 00, and a true FF as FF FF. Without it a break would pass for a NUL,
 * and a damaged byte for a status byte or for nothing at all.
 *
 * It is the one way to such errors that needs no system call Node lacks and that works for USB adapters too, as far
 * as their drivers tell the kernel: the kernel's counters in /proc are root's, and kept for built-in ports only.
 */
import type { LineErrors } from "./device.ts";

const MARK = 0xff;

export class LineMarks {
  /** The beginning of a mark whose rest has not come: none, FF, or FF 00. */
  #begun: 0 | 1 | 2 = 0;
  #damagedBytes = 0;
  #breaks = 0;

  get errors(): LineErrors {
    return { damagedBytes: this.#damagedBytes, breaks: this.#breaks };
  }

  /** What the printer said: without marks, and without what they mark. */
  take(bytes: Uint8Array): Uint8Array {
    // Never longer: one byte that was begun before can come out as two.
    const clean = new Uint8Array(bytes.length + 1);
    let length = 0;
    for (const byte of bytes) {
      if (this.#begun === 2) {
        this.#count(byte);
        this.#begun = 0;
      } else if (this.#begun === 1 && byte === 0) {
        this.#begun = 2;
      } else if (this.#begun === 0 && byte === MARK) {
        this.#begun = 1;
      } else {
        // A lone FF is from before the kernel was told to mark.
        if (this.#begun === 1 && byte !== MARK) clean[length++] = MARK;
        clean[length++] = byte;
        this.#begun = 0;
      }
    }
    return clean.subarray(0, length);
  }

  /** A break, and a byte of zeros whose stop bit was missing, look the same. */
  #count(byte: number): void {
    if (byte === 0) this.#breaks += 1;
    else this.#damagedBytes += 1;
  }
}
