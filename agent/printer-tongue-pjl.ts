/** PJL: `INFO STATUS` asks, unsolicited status tells, the report of the job's end confirms. */
import { encodePjl } from "../pcl/pjl-command.ts";
import type { PjlMessage } from "../pcl/pjl-message.ts";
import { PjlReader } from "../pcl/pjl-reader.ts";
import { readPjlFindings } from "../pcl/pjl-status.ts";
import type { Heard, Tongue } from "./printer-tongue.ts";

/** @param name of the job, fresh; letters, digits and hyphens */
export function speakPjl(name: string): Tongue {
  return new PjlTongue(name);
}

class PjlTongue implements Tongue {
  readonly question: Uint8Array;
  readonly questionAmid = null;
  readonly answerMs = 1500;
  readonly opening: Uint8Array;
  readonly farewell = encodePjl([{ kind: "ustatus-off" }]);
  readonly #name: string;
  readonly #reader = new PjlReader();
  /** `stale`: what is heard may be an answer to somebody who asked before. */
  #asked: "stale" | "fresh" | "answered" = "stale";
  /** What it says back once it has read everything before our own `EOJ`. */
  readonly #lastWords: string;
  #isClosing = false;
  #isReadToTheEnd = false;

  constructor(name: string) {
    this.#name = name;
    this.#lastWords = `${name}-end`;
    this.question = encodePjl([
      { kind: "echo", words: name },
      { kind: "info", about: "STATUS" },
    ]);
    this.opening = encodePjl([
      { kind: "ustatus", of: "DEVICE", on: true },
      { kind: "ustatus", of: "JOB", on: true },
      { kind: "ustatus", of: "PAGE", on: true },
      { kind: "job", name },
    ]);
  }

  close(): Uint8Array {
    this.#isClosing = true;
    return encodePjl([
      { kind: "echo", words: this.#lastWords },
      { kind: "end-of-job", name: this.#name },
    ]);
  }

  /** The echo tells when an answer is its own, however late. */
  forget(): void {}

  hear(bytes: Uint8Array): Heard[] {
    return this.#reader.push(bytes).flatMap((message) => this.#understand(message));
  }

  #understand(message: PjlMessage): Heard[] {
    switch (message.kind) {
      case "echo":
        if (message.words === this.#name && this.#asked === "stale") this.#asked = "fresh";
        if (message.words === this.#lastWords && this.#isClosing) this.#isReadToTheEnd = true;
        return [];
      case "device":
        return this.#takeStatus(message);
      case "page":
        return [{ kind: "sign" }];
      case "job":
        return message.name === this.#name ? this.#takeJob(message) : [];
      default:
        return [];
    }
  }

  #takeStatus({ codes, online, asked }: Extract<PjlMessage, { kind: "device" }>): Heard[] {
    if (this.#asked === "stale") return [];
    const status: Heard = { kind: "status", said: readPjlFindings(codes, online), source: "pjl" };
    if (!asked || this.#asked === "answered") return [status];
    this.#asked = "answered";
    return [status, { kind: "answered" }];
  }

  /**
   * An end told before our own `EOJ` was read is another's (a document that closes more jobs than it opened), and one
   * without a page in the bin confirms nothing. When bytes were sent says nothing of when they are read: the echo does.
   */
  #takeJob({ step, pages, result }: Extract<PjlMessage, { kind: "job" }>): Heard[] {
    if (step === "start") return [{ kind: "sign" }];
    if (step === "canceled" || (result !== null && result !== "OK")) return [{ kind: "refused" }];
    return this.#isReadToTheEnd && pages !== null && pages > 0 ? [{ kind: "printed" }] : [];
  }
}
