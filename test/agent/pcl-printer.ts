/** A printer with PCL 5 and nothing else: counted transfers, pages, resets. Silent. Under test/agent/fake-device.ts. */
import type { PrinterModel } from "./fake-device.ts";

export class PclPrinter implements PrinterModel {
  /** What each sheet in the bin shows: text, and `[n]` for each transfer of n bytes of raster. */
  readonly pages: string[] = [];
  readonly isFull = false;
  #page = "";
  #escape = "";
  #rasterLeft = 0;

  open(): void {}

  take(bytes: Uint8Array): void {
    for (const byte of bytes) this.#take(String.fromCharCode(byte));
  }

  #take(character: string): void {
    if (this.#rasterLeft > 0) this.#rasterLeft -= 1;
    else if (this.#escape !== "" || character === "\x1b") this.#takeEscape(character);
    else if (character === "\f") this.#eject();
    else if (character !== "\0") this.#page += character;
  }

  #takeEscape(character: string): void {
    this.#escape += character;
    if (this.#escape === "\x1bE") {
      if (this.#page !== "") this.#eject();
      this.#escape = "";
      return;
    }
    const raster = /^\x1b\*b(\d+)W$/.exec(this.#escape);
    if (raster !== null) {
      this.#rasterLeft = Number(raster[1]);
      this.#page += `[${raster[1]}]`;
    }
    // A zero is in no sequence: it ends one that broke off.
    if (/^\x1b[^E].*[A-Z\0]$/.test(this.#escape)) this.#escape = "";
  }

  #eject(): void {
    this.pages.push(this.#page);
    this.#page = "";
  }
}
