/** What came out of printers, and which document each piece is of. */
import { readdirSync, readFileSync } from "node:fs";
import type { Fleet } from "../e2e/fleet.ts";
import { MARK_BYTES, type SentDocument } from "./sent-document.ts";

/** What one opening of a printer got: a file of a `file:` folder, or a connection of a `tcp:` printer. */
export interface Piece {
  readonly printer: string;
  readonly bytes: Buffer;
  /** The printer confirmed it after the last byte. Never for a file. */
  readonly isConfirmed: boolean;
  /** So many printable bytes a profile may send without a document (resets, questions): these are nobody's. */
  readonly aroundBytes: number;
}

export interface Paper {
  /** Pieces that begin a document, whole or not. */
  readonly begun: readonly Piece[];
  readonly whole: readonly Piece[];
}

/** The pieces in the folders of these `file:` printers. */
export function readTrays(fleet: Fleet, printers: readonly string[]): Piece[] {
  return printers.flatMap((printer) =>
    readdirSync(fleet.path("printed", printer)).map((file) => ({
      printer,
      bytes: readFileSync(fleet.path("printed", printer, file)),
      isConfirmed: false,
      aroundBytes: MARK_BYTES - 1,
    })),
  );
}

export function findPaper(pieces: readonly Piece[], { body }: SentDocument): Paper {
  const mark = body.subarray(0, MARK_BYTES);
  const begun = pieces.filter(({ bytes }) => bytes.includes(mark));
  return { begun, whole: begun.filter(({ bytes }) => bytes.includes(body)) };
}

/** Pieces with something on them that is of none of these documents. */
export function findStrangers(pieces: readonly Piece[], documents: readonly SentDocument[]): Piece[] {
  const marks = documents.map(({ body }) => body.subarray(0, MARK_BYTES));
  return pieces.filter(
    ({ bytes, aroundBytes }) =>
      countPrintable(bytes) > aroundBytes && !marks.some((mark) => bytes.includes(mark)),
  );
}

/** What ends a broken image is tens of kilobytes of zeros. */
function countPrintable(bytes: Buffer): number {
  return bytes.reduce((count, byte) => count + (byte >= 0x20 ? 1 : 0), 0);
}
