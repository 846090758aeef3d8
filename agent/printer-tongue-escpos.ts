/** ESC/POS: `DLE EOT` asks, automatic status tells, the echo of `GS ( H` confirms. */
import { type PrinterStatus as EscposStatus, type StatusEvent, StatusReader } from "../escpos/status.ts";
import type { Said } from "./printer-status.ts";
import type { Heard, Tongue } from "./printer-tongue.ts";

/** Printer, cause of being offline, cause of an error, paper sensors. */
const QUESTIONS = [1, 2, 3, 4] as const;
const QUESTION = Uint8Array.from(QUESTIONS.flatMap((n) => [0x10, 0x04, n]));
/** Zeros make an empty one of a command whose head was cut; the question would be taken for its size. */
const QUESTION_AMID = Uint8Array.from([...new Uint8Array(16), ...QUESTION]);
/** GS a: online and offline, errors, paper; not the drawer. */
const AUTOMATIC_ON = Uint8Array.of(0x1d, 0x61, 0x0e);
const AUTOMATIC_OFF = Uint8Array.of(0x1d, 0x61, 0x00);

/** @param id four printable ASCII characters, fresh for this job */
export function speakEscpos(id: string): Tongue {
  if (!/^[ -~]{4}$/.test(id)) throw new TypeError("a process id has four printable ASCII characters");
  return new EscposTongue(id);
}

class EscposTongue implements Tongue {
  readonly question = QUESTION;
  readonly questionAmid = QUESTION_AMID;
  readonly answerMs = 500;
  readonly opening = AUTOMATIC_ON;
  readonly farewell = AUTOMATIC_OFF;
  readonly #id: string;
  readonly #reader = new StatusReader();
  /** Null once all four came; which is which is known by their order alone. */
  #answers: number[] | null = [];
  #isForgotten = false;
  #isClosed = false;

  constructor(id: string) {
    this.#id = id;
    for (const n of QUESTIONS) this.#reader.expect({ kind: "real-time", n });
  }

  /** Automatic status again, as a document may end it; then GS ( H, function 48: answered once all before it was done. */
  close(): Uint8Array {
    this.#isClosed = true;
    const fence = [0x1d, 0x28, 0x48, 0x06, 0x00, 0x30, 0x30, ...Buffer.from(this.#id, "latin1")];
    return Uint8Array.from([...AUTOMATIC_ON, ...fence]);
  }

  /** One of the answers may be lost, and an image may hold what asks again: nobody could tell them apart. */
  forget(): void {
    this.#isForgotten = true;
    this.#reader.forget();
  }

  hear(bytes: Uint8Array): Heard[] {
    return this.#reader.push(bytes).flatMap((event) => this.#understand(event));
  }

  #understand(event: StatusEvent): Heard[] {
    if (event.kind === "real-time") return this.#takeAnswer(event.n);
    if (event.kind === "automatic")
      return [{ kind: "status", said: sayOf(this.#reader.state), source: "asb" }];
    if (event.kind === "power-off") return [{ kind: "status", said: { offline: true }, source: "asb" }];
    const isOurs = event.kind === "response" && this.#isClosed && event.id === this.#id;
    // Everything before it was printed, so nothing can be in its way.
    return isOurs ? [{ kind: "status", said: CLEAR, source: "fence" }, { kind: "printed" }] : [];
  }

  #takeAnswer(n: number | null): Heard[] {
    if (this.#isForgotten) return [{ kind: "answered" }];
    if (n === null || this.#answers === null) return [];
    this.#answers.push(n);
    if (this.#answers.length < QUESTIONS.length) return [];
    this.#answers = null;
    return [{ kind: "status", said: sayOf(this.#reader.state), source: "dle-eot" }, { kind: "answered" }];
  }
}

const CLEAR: Said = { "paper-out": false, "cover-open": false, jam: false, offline: false, error: false };

function sayOf({ online, cover, paper, error, waiting }: EscposStatus): Said {
  // A hot head cools down by itself.
  const isStuck = error === "recoverable" || error === "unrecoverable";
  return {
    "paper-out": paper === null ? null : paper === "end",
    "near-end": paper === null || paper === "end" ? null : paper === "near-end",
    "cover-open": cover === null ? null : cover === "open",
    jam: error === null ? null : error === "autocutter",
    offline: online === null ? null : !online,
    error: error === null && waiting === null ? null : isStuck || waiting === true,
  };
}
