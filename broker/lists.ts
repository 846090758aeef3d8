/**
 * The signed recipients list of each target: compared with what it should say after every change and every hour,
 * signed where the fleet key is at hand, waiting for it where it is not, withdrawn where nobody is left to read.
 */
import { formatPublicKey } from "../wire/minisign.ts";
import { type ListTerms, signList, verifyList } from "../wire/recipients.ts";
import type { BrokerDatabase } from "./database.ts";
import type { Fleet } from "./fleet.ts";
import { formatBundle, type PendingList, readSigned, refused, termsOf } from "./fleet-bundle.ts";
import { ListRows, type SignedRow } from "./lists-rows.ts";
import { type OtpPolicy, readWanted, textOf, type WantedList } from "./lists-wanted.ts";
import type { Lists, SignedList } from "./registry-port.ts";
import type { Warning } from "./warning.ts";

export interface ListPolicy extends OtpPolicy {
  readonly listDays: number;
  readonly autoSign: boolean;
}

/** Where a target's list stands. */
export interface ListStatus {
  readonly target: string;
  /** `none`: no printer of it said hello yet, or all are revoked. */
  readonly state: "signed" | "waiting" | "none";
  /** Of the list on offer; null while none is. Unix seconds. */
  readonly serial: number | null;
  readonly expires: number | null;
}

type Listener = (target: string, list: SignedList | null) => void;

export class SignedLists implements Lists {
  readonly #database: BrokerDatabase;
  readonly #rows: ListRows;
  readonly #fleet: Fleet;
  readonly #policy: ListPolicy;
  readonly #now: () => number;
  readonly #listeners = new Set<Listener>();

  constructor(database: BrokerDatabase, fleet: Fleet, policy: ListPolicy, now: () => number) {
    this.#database = database;
    this.#rows = new ListRows(database);
    this.#fleet = fleet;
    this.#policy = policy;
    this.#now = now;
  }

  current(): Iterable<SignedList> {
    return this.#rows.offered();
  }

  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Brings every list up to date as far as this broker may. Call it after every change of printers, groups, agents,
   * and every hour. New recipients wait for a person where `autoSign` is off; renewals and removals never do.
   */
  refresh(): void {
    const wanted = this.#wanted();
    for (const row of this.#rows.offered()) {
      if (!wanted.has(row.target) || !this.#isReadable(row)) this.#withdraw(row.target);
    }
    for (const pending of this.#pendingOf(wanted)) {
      const fresh = pending.printers.some((printer) => printer.fresh);
      if (this.#policy.autoSign || !fresh) this.#signHere(pending);
    }
  }

  /** Lists that wait for the fleet key: changed, or due for renewal. */
  pending(): PendingList[] {
    return this.#pendingOf(this.#wanted());
  }

  /** Signs what waits, with the key that lies here: a person compared the fingerprints. @throws PlatenError `lists-refused` */
  sign(): string[] {
    const { secret } = this.#fleet;
    if (!secret) throw refused("the fleet key is kept elsewhere; export the lists and sign them there.");
    const pending = this.pending();
    for (const list of pending) this.#signHere(list);
    return pending.map(({ target }) => target);
  }

  /** What waits, as JSON for the machine that holds the fleet key. */
  export(): string {
    return formatBundle(formatPublicKey(this.#fleet.publicKey), this.pending());
  }

  /**
   * Takes signatures made elsewhere. Each must be by the fleet key, over what the list should say *now*, or nothing of
   * the file is taken. @returns the targets
   * @throws PlatenError `lists-refused`
   */
  import(json: string): string[] {
    const signed = readSigned(json);
    const pending = new Map(this.pending().map((list) => [list.target, list]));
    const checked = signed.lists.map(({ target, minisig }) => {
      const wanted = pending.get(target);
      if (!wanted) throw refused(`“${target}” waits for no signature.`);
      return { wanted, minisig, terms: this.#checkSignature(wanted, minisig) };
    });
    this.#database.transaction(() => {
      for (const { wanted, minisig, terms } of checked) this.#rows.put(wanted, terms, minisig, this.#now());
    })();
    for (const { wanted } of checked) this.#announce(wanted.target);
    return checked.map(({ wanted }) => wanted.target);
  }

  status(): ListStatus[] {
    const wanted = this.#wanted();
    const waiting = new Set(this.#pendingOf(wanted).map(({ target }) => target));
    return [...wanted.values()].map(({ target, printers }) => {
      const row = this.#rows.get(target);
      const offered = row?.offered ? row : null;
      const state = printers.length === 0 ? "none" : waiting.has(target) ? "waiting" : "signed";
      return { target, state, serial: offered?.serial ?? null, expires: offered?.expires ?? null };
    });
  }

  /** Lists on offer that nobody renewed though half of what was left after their half-life is over. */
  warnings(): Warning[] {
    const warnings: Warning[] = [];
    for (const { target, expires, signedAt } of this.#rows.offered()) {
      if (expires - this.#now() > (expires - signedAt) / 4) continue;
      const day = new Date(expires * 1000).toISOString().slice(0, 10);
      const sentence = `The signed list of “${target}” ends on ${day}; then nobody can send to it. Run: platen fleet sign`;
      warnings.push({ kind: "list-ending", subject: target, at: expires, sentence });
    }
    return warnings;
  }

  #wanted(): Map<string, WantedList> {
    return readWanted(this.#database, this.#policy);
  }

  #pendingOf(wanted: Map<string, WantedList>): PendingList[] {
    const pending: PendingList[] = [];
    for (const list of wanted.values()) {
      const row = this.#rows.get(list.target);
      if (list.printers.length > 0 && !this.#isGood(row, list)) pending.push(this.#pendingList(list, row));
    }
    return pending;
  }

  /** Says what it should, and is not yet half-way to its end. */
  #isGood(row: SignedRow | null, wanted: WantedList): boolean {
    if (!row?.offered || row.otp !== wanted.otp) return false;
    if (JSON.stringify(row.printers) !== JSON.stringify(wanted.printers)) return false;
    if (row.languages.join() !== wanted.languages.join()) return false;
    // Signed while the clock was ahead by more than clocks differ: its end would be, too.
    if (row.signedAt > this.#now() + 86_400) return false;
    return row.expires - this.#now() > (row.expires - row.signedAt) / 2;
  }

  #pendingList(wanted: WantedList, row: SignedRow | null): PendingList {
    const known = new Set(row?.printers.map(({ printer, recipient }) => `${printer} ${recipient}`));
    return {
      target: wanted.target,
      serial: (row?.serial ?? 0) + 1,
      expires: this.#now() + this.#policy.listDays * 86_400,
      otp: wanted.otp,
      languages: [...wanted.languages],
      printers: wanted.printers.map(({ printer, recipient }) => ({
        printer,
        recipient,
        fresh: !known.has(`${printer} ${recipient}`),
      })),
    };
  }

  /** Whether anyone in the list may still connect. */
  #isReadable(row: SignedRow): boolean {
    const enrolled = this.#database.prepare(
      "SELECT 1 FROM agents WHERE state = 'enrolled' AND recipient = ?",
    );
    return row.printers.some(({ recipient }) => enrolled.get(recipient) !== undefined);
  }

  #signHere(list: PendingList): void {
    if (!this.#fleet.secret) return;
    const text = new TextDecoder().decode(textOf(list));
    const minisig = signList(this.#fleet.secret, text, termsOf(list));
    this.#rows.put(list, termsOf(list), minisig, this.#now());
    this.#announce(list.target);
  }

  #checkSignature(wanted: PendingList, minisig: string): ListTerms {
    const offered = {
      target: wanted.target,
      list: textOf(wanted),
      minisig: new TextEncoder().encode(minisig),
    };
    let terms: ListTerms;
    try {
      terms = verifyList(this.#fleet.publicKey, offered, wanted.serial, this.#now());
    } catch {
      throw refused(
        `the signature of “${wanted.target}” is not by the fleet key, or its printers changed since.`,
      );
    }
    const same = terms.otp === wanted.otp && terms.languages.join() === wanted.languages.join();
    if (!same) throw refused(`“${wanted.target}” changed since it was exported.`);
    return terms;
  }

  #withdraw(target: string): void {
    this.#rows.withdraw(target);
    for (const listener of this.#listeners) listener(target, null);
  }

  #announce(target: string): void {
    const row = this.#rows.get(target);
    if (row) for (const listener of this.#listeners) listener(target, row);
  }
}
