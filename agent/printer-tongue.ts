/** How one asks a printer and understands its answers: ESC/POS and PJL behind one port. No clock, no device. */
import type { Said, StatusSource } from "./printer-status.ts";

/** What a printer said. */
export type Heard =
  /** The question of this conversation was answered. */
  | { readonly kind: "answered" }
  | { readonly kind: "status"; readonly said: Said; readonly source: StatusSource }
  /** It works on the job: a page came out, a job began. */
  | { readonly kind: "sign" }
  /** The whole job is on paper. Only of the job of this conversation, and only after `closing` was sent. */
  | { readonly kind: "printed" }
  /** The printer ended the job itself: cancelled at its panel, or for want of something. */
  | { readonly kind: "refused" };

/** One conversation's tongue: its names are fresh, so that no other job's echo can be taken for its own. */
export interface Tongue {
  /** Asks whether it can print. Before anything else. */
  readonly question: Uint8Array;
  /** The same in the middle of a document that broke off; null where it would be taken for a part of it. */
  readonly questionAmid: Uint8Array | null;
  /** How long an answer may take, in milliseconds. */
  readonly answerMs: number;
  /** Nobody waits for the answer any more: what still comes only shows that it can answer. */
  forget(): void;
  /** Before the document. */
  readonly opening: Uint8Array;
  /** After the document: what comes after it confirms the job. Call right before it is sent. */
  close(): Uint8Array;
  /** Once the job is confirmed: silence again. */
  readonly farewell: Uint8Array;
  /** Reads the next bytes of the back-channel; any bytes. */
  hear(bytes: Uint8Array): Heard[];
}
