import { type PjlMessage, readPjlMessage } from "./pjl-message.ts";

const LF = 0x0a;
const FF = 0x0c;
const CR = 0x0d;
const LINE_CHARACTERS_MAX = 1024;
const LINES_MAX = 256;

/**
 * Reads a printer's PJL back-channel: chunks may be cut anywhere, lines may end in CR, LF or both, noise may stand
 * before a block, and a lost form feed costs one message at most, since a block also ends where the next begins.
 * Keeps at most one block of 256 lines of 1024 characters; what is longer is cut.
 */
export class PjlReader {
  #head: string | null = null;
  #lines: string[] = [];
  #line = "";

  /** Reads the next bytes; returns the messages that are complete. */
  push(chunk: Uint8Array): PjlMessage[] {
    const messages: PjlMessage[] = [];
    for (const byte of chunk) {
      if (byte === LF || byte === CR) this.#endLine(messages);
      else if (byte === FF) {
        this.#endLine(messages);
        this.#endBlock(messages);
      } else if (byte >= 0x20 && byte !== 0x7f && this.#line.length < LINE_CHARACTERS_MAX) {
        // Other control bytes are XON, XOFF and noise.
        this.#line += String.fromCharCode(byte);
      }
    }
    return messages;
  }

  /** Forgets a block that is not complete: after a silence its rest will not come. */
  forget(): void {
    this.#head = null;
    this.#lines = [];
    this.#line = "";
  }

  #endLine(messages: PjlMessage[]): void {
    const line = this.#line.trim();
    this.#line = "";
    if (line === "") return;
    // Inside a block only a line that begins so is a new one: a display may show anything.
    const at = this.#head === null ? line.search(/@PJL\b/i) : /^@PJL\b/i.test(line) ? 0 : -1;
    if (at >= 0) {
      this.#endBlock(messages);
      this.#head = line.slice(at);
    } else if (this.#head !== null && this.#lines.length < LINES_MAX) this.#lines.push(line);
  }

  #endBlock(messages: PjlMessage[]): void {
    if (this.#head !== null) messages.push(readPjlMessage(this.#head, this.#lines));
    this.#head = null;
    this.#lines = [];
  }
}
