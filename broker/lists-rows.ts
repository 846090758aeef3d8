/** The newest signed list of each target, as rows. They outlive their target, because a serial must never come twice. */
import type { ListedPrinter, ListTerms } from "../wire/recipients.ts";
import type { BrokerDatabase } from "./database.ts";
import { textOf } from "./lists-wanted.ts";
import type { SignedList } from "./registry-port.ts";

export interface SignedRow extends SignedList, ListTerms {
  readonly printers: readonly ListedPrinter[];
  /** Unix seconds. */
  readonly signedAt: number;
  readonly offered: boolean;
}

interface StoredRow {
  readonly target: string;
  readonly serial: number;
  readonly expires: number;
  readonly signed_at: number;
  readonly otp: number;
  readonly languages: string;
  readonly printers: string;
  readonly list: Buffer;
  readonly minisig: Buffer;
  readonly offered: number;
}

export class ListRows {
  readonly #database: BrokerDatabase;

  constructor(database: BrokerDatabase) {
    this.#database = database;
  }

  get(target: string): SignedRow | null {
    const row = this.#database.prepare("SELECT * FROM signed_lists WHERE target = ?").get(target);
    return row === undefined ? null : readRow(row as StoredRow);
  }

  offered(): SignedRow[] {
    const rows = this.#database.prepare("SELECT * FROM signed_lists WHERE offered = 1 ORDER BY target").all();
    return (rows as StoredRow[]).map(readRow);
  }

  put(
    wanted: { readonly target: string; readonly printers: readonly ListedPrinter[] },
    terms: ListTerms,
    minisig: string,
    now: number,
  ): void {
    const printers = wanted.printers.map(({ printer, recipient }) => ({ printer, recipient }));
    this.#database
      .prepare(
        `INSERT INTO signed_lists (target, serial, expires, signed_at, otp, languages, printers, list, minisig, offered)
         VALUES (@target, @serial, @expires, @now, @otp, @languages, @printers, @list, @minisig, 1)
         ON CONFLICT (target) DO UPDATE SET serial = @serial, expires = @expires, signed_at = @now, otp = @otp,
           languages = @languages, printers = @printers, list = @list, minisig = @minisig, offered = 1`,
      )
      .run({
        target: wanted.target,
        serial: terms.serial,
        expires: terms.expires,
        now,
        otp: terms.otp,
        languages: JSON.stringify(terms.languages),
        printers: JSON.stringify(printers),
        list: textOf(wanted),
        minisig: Buffer.from(minisig),
      });
  }

  withdraw(target: string): void {
    this.#database.prepare("UPDATE signed_lists SET offered = 0 WHERE target = ?").run(target);
  }
}

function readRow({ signed_at, languages, printers, offered, ...row }: StoredRow): SignedRow {
  return {
    ...row,
    languages: JSON.parse(languages) as string[],
    printers: JSON.parse(printers) as ListedPrinter[],
    signedAt: signed_at,
    offered: offered === 1,
  };
}
