/** A receipt printer that understands ESC/POS, answers, and misbehaves on demand. Under test/agent/fake-device.ts. */
import type { Command } from "../../escpos/command.ts";
import { Decoder } from "../../escpos/decoder.ts";
import type { PrinterModel } from "./fake-device.ts";

const BUFFER_BYTES = 2048;

export interface EscposTrouble {
  /** To `DLE EOT`. `late`: only once the document comes; `three`: one of four answers is lost. */
  answers?: "yes" | "no" | "late" | "three" | "rubbish";
  /** To `GS ( H`. `stale`: another job's; `held`: not before `confirm`. */
  fence?: "yes" | "no" | "wrong" | "stale" | "unasked" | "held";
  /** Says that all is well, whatever is. */
  lies?: boolean;
  /** So many bytes of commands are executed, then the roll is empty. */
  paperBytes?: number;
  /** One byte of back-channel at a time, with XOFF and XON in between. */
  drips?: boolean;
}

export class EscposPrinter implements PrinterModel {
  readonly trouble: EscposTrouble;
  /** What was executed, whole commands only. */
  readonly done: Command[] = [];
  isNearEnd = false;
  isCoverOpen = false;
  isJammed = false;
  isFull = false;
  #isOut = false;
  #say: (bytes: Uint8Array) => void = () => undefined;
  #decoder = new Decoder();
  #waiting: Command[] = [];
  #tail = Buffer.alloc(0);
  #owed: number[] = [];
  #isAutomatic = false;
  #used = 0;
  /** The end of the last fence, which a printer that mixes jobs up says again. */
  #lastId = "????";

  constructor(trouble: EscposTrouble = {}) {
    this.trouble = trouble;
  }

  open(say: (bytes: Uint8Array) => void): void {
    this.#say = say;
    if (this.trouble.fence === "unasked") this.#speak([0x37, 0x22, ...Buffer.from(this.#lastId), 0]);
  }

  take(bytes: Uint8Array): void {
    this.#listen(bytes);
    // The decoder keeps views of what it was given.
    this.#waiting.push(...this.#decoder.push(Uint8Array.from(bytes)));
    this.#work();
  }

  /** Switched off and on: whatever it held is gone. */
  reset(): void {
    this.#decoder = new Decoder();
    this.#waiting = [];
  }

  /** A new roll. */
  refill(): void {
    this.trouble.paperBytes = Number.POSITIVE_INFINITY;
    this.#isOut = false;
    this.isFull = false;
    this.tell();
    this.#work();
  }

  /** So many bytes of commands more, then the roll is empty. */
  runsOutIn(bytes: number): void {
    this.trouble.paperBytes = this.#used + bytes;
  }

  runOut(): void {
    this.#isOut = true;
    this.tell();
  }

  /** Says what a fence that is `held` would have said. */
  confirm(): void {
    this.#speak([0x37, 0x22, ...Buffer.from(this.#lastId), 0]);
  }

  /** Automatic status, where it was asked for. */
  tell(): void {
    if (!this.#isAutomatic || this.trouble.answers === "no") return;
    const { lies } = this.trouble;
    const isOffline = !lies && (this.#isOut || this.isCoverOpen || this.isJammed);
    const first = 0x10 | (isOffline ? 0x08 : 0) | (this.isCoverOpen && !lies ? 0x20 : 0);
    const second = this.isJammed && !lies ? 0x08 : 0;
    this.#speak([first, second, this.#paper(0x03, 0x0c), 0x0f]);
  }

  /** The document's bytes as far as they are text. */
  get text(): string {
    return this.done
      .map((command) => (command.kind === "text" ? Buffer.from(command.bytes).toString("latin1") : ""))
      .join("");
  }

  /** Real-time requests are executed on receipt, wherever they stand. */
  #listen(bytes: Uint8Array): void {
    const all = Buffer.concat([this.#tail, bytes]);
    for (let at = all.indexOf(0x10); at >= 0; at = all.indexOf(0x10, at + 1)) {
      const n = all[at + 2] ?? 0;
      if (all[at + 1] === 0x04 && n >= 1 && n <= 4) this.#hearQuestion(n);
    }
    this.#tail = all.subarray(-2);
  }

  #hearQuestion(n: number): void {
    const { answers = "yes" } = this.trouble;
    if (answers === "yes" || (answers === "three" && n !== 2)) this.#speak([this.#answer(n)]);
    if (answers === "late") this.#owed.push(this.#answer(n));
    if (answers === "rubbish") this.#speak([0xff, 0x80, 0x91, 0x5f, 0x41]);
  }

  #answer(n: number): number {
    if (this.trouble.lies) return 0x12;
    const isOffline = this.#isOut || this.isCoverOpen || this.isJammed;
    if (n === 1) return 0x12 | (isOffline ? 0x08 : 0);
    if (n === 2) {
      return 0x12 | (this.isCoverOpen ? 0x04 : 0) | (this.#isOut ? 0x20 : 0) | (this.isJammed ? 0x40 : 0);
    }
    if (n === 3) return 0x12 | (this.isJammed ? 0x08 : 0);
    return 0x12 | this.#paper(0x0c, 0x60);
  }

  #paper(nearEnd: number, end: number): number {
    if (this.trouble.lies) return 0;
    return (this.isNearEnd || this.#isOut ? nearEnd : 0) | (this.#isOut ? end : 0);
  }

  #work(): void {
    let at = 0;
    for (; at < this.#waiting.length; at++) {
      const next = this.#waiting[at] as Command;
      if (this.#used + next.end - next.start > (this.trouble.paperBytes ?? Number.POSITIVE_INFINITY)) {
        // What it has taken and not printed lies in its buffer.
        const waiting = this.#waiting.slice(at).reduce((sum, { start, end }) => sum + end - start, 0);
        this.isFull = waiting > BUFFER_BYTES;
        if (!this.#isOut) this.runOut();
        break;
      }
      this.#used += next.end - next.start;
      this.done.push(next);
      this.#execute(next);
    }
    this.#waiting.splice(0, at);
  }

  #execute(command: Command): void {
    if (command.kind === "automatic-status") {
      this.#isAutomatic = command.what !== 0;
      this.tell();
    }
    if (command.kind === "text" && this.#owed.length > 0) this.#speak(this.#owed.splice(0));
    if (command.kind === "request-response") this.#confirm([...command.id]);
  }

  #confirm(id: readonly number[]): void {
    const { fence = "yes" } = this.trouble;
    if (fence === "yes") this.#speak([0x37, 0x22, ...id, 0]);
    if (fence === "stale") this.#speak([0x37, 0x22, ...Buffer.from(this.#lastId), 0]);
    if (fence === "wrong") this.#speak([0x37, 0x22, ...id.map((byte) => byte ^ 1), 0]);
    this.#lastId = Buffer.from(id).toString("latin1");
  }

  #speak(bytes: readonly number[]): void {
    const pieces = this.trouble.drips ? bytes.flatMap((byte) => [[0x13], [byte], [0x11]]) : [bytes];
    for (const piece of pieces) this.#say(Uint8Array.from(piece));
  }
}
