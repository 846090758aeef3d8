import type { Command, OversizeCommand } from "./command.ts";
import { type Dialect, type Entry, functionKey, type Grammar, grammarOf, type Node } from "./grammar.ts";
import { MORE } from "./layout.ts";
import { long, word } from "./measure.ts";
import { findRealTime } from "./real-time.ts";
import { type Draft, readFields } from "./values.ts";

/** How a stream is decoded; the defaults suit a printer of Epson's kind. */
export interface DecoderOptions {
  readonly dialect?: Dialect;
  /** Longest command kept whole, in bytes; longer ones are passed over as `oversize`. Default 16 MiB. */
  readonly maxCommandBytes?: number;
}

/** Longest run of text in one command. */
export const MAX_TEXT_BYTES = 4096;
const DEFAULT_MAX_COMMAND_BYTES = 16 * 1024 * 1024;
const FIRST_PRINTABLE = 0x20;
const NOTHING = new Uint8Array(0);

/**
 * Turns an ESC/POS byte stream into typed commands with byte ranges.
 *
 * The same bytes give the same commands however they are cut into chunks. Every byte of the stream belongs to exactly
 * one command. Memory: at most one unfinished command is kept, and never more of it than has arrived.
 *
 * Byte fields of commands are views into the chunks passed in (or into the decoder's buffer where a command spans
 * chunks): a caller that reuses its chunks must be done with the commands first.
 */
export class Decoder {
  readonly #grammar: Grammar;
  readonly #limit: number;
  /** The unfinished command, and how many of its bytes are there. */
  #held: Uint8Array = NOTHING;
  #heldLength = 0;
  /** Total bytes the unfinished command is known to need. */
  #need = 0;
  /** Whether that is all of it, or only what it takes to know more. */
  #declared = false;
  /** Offset in the stream of the first byte not yet given out. */
  #offset = 0;
  #skip = 0;
  #oversize: Omit<OversizeCommand, "end"> | null = null;

  constructor(options: DecoderOptions = {}) {
    this.#grammar = grammarOf(options.dialect ?? "epson");
    this.#limit = options.maxCommandBytes ?? DEFAULT_MAX_COMMAND_BYTES;
    if (!(this.#limit >= 64)) throw new TypeError("maxCommandBytes: at least 64");
  }

  /** Decodes the next bytes of the stream; returns the commands that are now complete. */
  push(chunk: Uint8Array): Command[] {
    const out: Command[] = [];
    let bytes = chunk;
    if (this.#heldLength > 0) {
      this.#hold(chunk);
      if (this.#heldLength < this.#need) return out;
      bytes = this.#held.subarray(0, this.#heldLength);
    }
    const used = this.#run(bytes, out);
    if (used > 0 || bytes === chunk) {
      // What was given out may point into the held bytes: they are never written again.
      this.#held = NOTHING;
      this.#heldLength = 0;
      if (used < bytes.length) this.#hold(bytes.subarray(used));
    }
    return out;
  }

  /** Ends the stream: what is left becomes `truncated`, or text. The decoder can then begin another stream. */
  end(): Command[] {
    const out: Command[] = [];
    const rest = this.#held.subarray(0, this.#heldLength);
    const start = this.#offset;
    if (this.#oversize !== null) out.push({ ...this.#oversize, end: start });
    else if (rest.length > 0) {
      const kind = (rest[0] ?? 0) >= FIRST_PRINTABLE ? "text" : "truncated";
      out.push({ kind, start, end: start + rest.length, bytes: rest });
    }
    this.#held = NOTHING;
    this.#heldLength = 0;
    this.#offset = 0;
    this.#skip = 0;
    this.#oversize = null;
    return out;
  }

  /** Decodes from the start of `bytes`; returns how many of them are done with. */
  #run(bytes: Uint8Array, out: Command[]): number {
    const end = bytes.length;
    let at = 0;
    while (at < end) {
      const used = this.#skip > 0 ? this.#pass(end - at, out) : this.#step(bytes, at, end, out);
      if (used === 0) break;
      at += used;
      this.#offset += used;
    }
    return at;
  }

  #hold(chunk: Uint8Array): void {
    const length = this.#heldLength + chunk.length;
    if (length > this.#held.length) {
      // Twice what was there, so that small chunks are not copied again and again; but no more than is declared.
      const double = this.#held.length * 2;
      const wanted = this.#declared ? Math.min(double, this.#need) : double;
      const larger = new Uint8Array(Math.max(length, wanted));
      larger.set(this.#held.subarray(0, this.#heldLength));
      this.#held = larger;
    }
    this.#held.set(chunk, this.#heldLength);
    this.#heldLength = length;
  }

  #pass(available: number, out: Command[]): number {
    const used = Math.min(available, this.#skip);
    this.#skip -= used;
    if (this.#skip === 0 && this.#oversize !== null) {
      out.push({ ...this.#oversize, end: this.#offset + used });
      this.#oversize = null;
    }
    return used;
  }

  /** One command at `at`: returns its length, or 0 when it is not all there (and sets how much it needs). */
  #step(bytes: Uint8Array, at: number, end: number, out: Command[]): number {
    if ((bytes[at] ?? 0) >= FIRST_PRINTABLE) return this.#text(bytes, at, end, out);
    let node: Node = this.#grammar.root;
    let depth = 0;
    let entry: Entry | null = null;
    while (node.next !== null || node.any !== null) {
      if (at + depth >= end) return this.#wait(depth + 1);
      const child = node.next?.[bytes[at + depth] ?? 0] ?? node.any;
      if (child === null || child === undefined) break;
      depth += 1;
      node = child;
      if (node.entry !== null) entry = node.entry;
    }
    if (entry === null) return this.#unknown(bytes, at, depth, out);
    return this.#command(entry, bytes, at, end, out);
  }

  #text(bytes: Uint8Array, at: number, end: number, out: Command[]): number {
    const limit = Math.min(end, at + MAX_TEXT_BYTES);
    let cursor = at + 1;
    while (cursor < limit && (bytes[cursor] as number) >= FIRST_PRINTABLE) cursor += 1;
    if (cursor === end && end - at < MAX_TEXT_BYTES) return this.#wait(cursor - at + 1);
    const start = this.#offset;
    out.push({ kind: "text", start, end: start + cursor - at, bytes: bytes.subarray(at, cursor) });
    return cursor - at;
  }

  #wait(need: number, declared = false): 0 {
    this.#need = need;
    this.#declared = declared;
    return 0;
  }

  /** The bytes that led nowhere, and the one that ended the search unless it begins a command of its own. */
  #unknown(bytes: Uint8Array, at: number, depth: number, out: Command[]): number {
    const culprit = bytes[at + depth] ?? 0;
    const length = depth === 0 || culprit >= FIRST_PRINTABLE ? depth + 1 : depth;
    const start = this.#offset;
    const kind = depth === 0 ? "ignored" : "unknown";
    out.push({ kind, start, end: start + length, bytes: bytes.subarray(at, at + length) });
    return length;
  }

  #command(entry: Entry, bytes: Uint8Array, at: number, end: number, out: Command[]): number {
    const available = end - at;
    if (available < entry.header) return this.#wait(entry.header);
    let total = entry.header;
    if (entry.frame === "u16") total += word(bytes, at + entry.header - 2);
    else if (entry.frame === "u32") total += long(bytes, at + entry.header - 4);
    else if (entry.tail !== null) {
      const tail = entry.tail.measure(bytes, at, at + entry.header, end);
      // A search that runs past the limit, or cannot succeed: the lead is taken for garbage.
      if (tail < 0 && (tail !== MORE || available >= this.#limit)) {
        return this.#unknown(bytes, at, entry.leadLength - 1, out);
      }
      if (tail === MORE) return this.#wait(available + 1);
      total += tail;
      if (total > this.#limit && entry.tail.scanned)
        return this.#unknown(bytes, at, entry.leadLength - 1, out);
    }
    if (total > this.#limit) return this.#oversized(entry, bytes, at, total);
    if (available < total) return this.#wait(total, true);
    out.push(this.#build(entry, bytes, at, total));
    return total;
  }

  #oversized(entry: Entry, bytes: Uint8Array, at: number, total: number): number {
    this.#oversize = {
      kind: "oversize",
      code: entry.code,
      start: this.#offset,
      head: bytes.slice(at, at + entry.header),
      declaredBytes: total,
    };
    this.#skip = total - entry.header;
    return entry.header;
  }

  #build(entry: Entry, bytes: Uint8Array, at: number, total: number): Command {
    const start = this.#offset;
    const end = at + total;
    let draft: Draft = { kind: entry.op?.kind ?? "function", start, end: start + total };
    if (entry.op !== null) readFields(draft, entry.op.fields, bytes, at + entry.leadLength, end);
    else draft = this.#buildFunction(entry, bytes, at, end, start);
    if (total - entry.leadLength > 2) {
      const spots = findRealTime(bytes.subarray(at + entry.leadLength, end), start + entry.leadLength);
      if (spots !== null) draft.realTime = spots;
    }
    return draft as unknown as Command;
  }

  #buildFunction(entry: Entry, bytes: Uint8Array, at: number, end: number, start: number): Draft {
    const lead = bytes[at] ?? 0;
    const letter = bytes[at + 2] ?? 0;
    const from = at + entry.header;
    const span = { start, end: start + end - at };
    for (const op of this.#grammar.functions.get(functionKey(lead, letter)) ?? []) {
      const draft: Draft = { kind: op.kind, ...span };
      if (readFields(draft, op.fields, bytes, from, end)) {
        if (entry.frame === "u32") draft.wide = true;
        return draft;
      }
    }
    return { kind: "function", ...span, family: entry.code, letter, body: bytes.subarray(from, end) };
  }
}

/** Decodes a whole stream held in memory. */
export function decode(bytes: Uint8Array, options: DecoderOptions = {}): Command[] {
  const decoder = new Decoder(options);
  const commands = decoder.push(bytes);
  for (const command of decoder.end()) commands.push(command);
  return commands;
}
