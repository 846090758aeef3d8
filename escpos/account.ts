import type { Command } from "./command.ts";
import { Decoder, type DecoderOptions } from "./decoder.ts";
import type { Line, PaperSink } from "./paper.ts";
import { Printer } from "./printer.ts";
import type { Profile } from "./profile.ts";

/** What printing a stream takes. */
export interface Account {
  /** Lines with something on them; an image or a code is one. */
  readonly lines: number;
  readonly characters: number;
  readonly images: number;
  readonly codes: number;
  readonly cuts: number;
  readonly pulses: number;
  readonly paperDots: number;
  /** `null` where the profile does not say how many dots make an inch. */
  readonly paperMillimetres: number | null;
  /** Bytes that no command could be made of, or that were too long to keep. */
  readonly unknownBytes: number;
}

/** Counts what a stream would print, without drawing anything, in pieces of any size. */
export class Accountant {
  readonly #decoder: Decoder;
  readonly #printer: Printer;
  readonly #dpi: number | null;
  readonly #counts = { lines: 0, characters: 0, images: 0, codes: 0, cuts: 0, pulses: 0, unknownBytes: 0 };

  constructor(profile: Profile, options: DecoderOptions = {}) {
    this.#decoder = new Decoder({ dialect: profile.dialect, ...options });
    this.#dpi = profile.dpi;
    const sink: PaperSink = {
      line: (line) => this.#countLine(line),
      cut: () => {
        this.#counts.cuts += 1;
      },
      pulse: () => {
        this.#counts.pulses += 1;
      },
      request: () => undefined,
    };
    this.#printer = new Printer(profile, sink);
  }

  push(chunk: Uint8Array): void {
    this.#execute(this.#decoder.push(chunk));
  }

  /** Ends the stream and returns what it took. */
  end(): Account {
    this.#execute(this.#decoder.end());
    this.#printer.finish();
    const paperDots = this.#printer.paperDots;
    const paperMillimetres = this.#dpi === null ? null : (paperDots * 25.4) / this.#dpi;
    return { ...this.#counts, paperDots, paperMillimetres };
  }

  #execute(commands: readonly Command[]): void {
    for (const command of commands) {
      this.#printer.execute(command);
      const { kind } = command;
      if (kind === "unknown" || kind === "ignored" || kind === "truncated" || kind === "oversize") {
        this.#counts.unknownBytes += command.end - command.start;
      }
    }
  }

  #countLine(line: Line): void {
    this.#counts.lines += 1;
    for (const item of line.items) {
      if (item.kind === "image") this.#counts.images += 1;
      else if (item.kind === "code") this.#counts.codes += 1;
      else if (item.kind === "text") this.#counts.characters += item.text.length;
      else for (const area of item.areas) for (const inner of area.lines) this.#countLine(inner);
    }
  }
}

/** Counts what a whole stream would print. */
export function account(bytes: Uint8Array, profile: Profile): Account {
  const accountant = new Accountant(profile);
  accountant.push(bytes);
  return accountant.end();
}
