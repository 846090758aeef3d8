import { type CjkTable, cjkTableOf } from "./cjk.ts";
import { type CodePage, codePageOf } from "./code-page.ts";
import type { Profile } from "./profile.ts";

/** One code page as a printer numbers it. */
export interface NumberedPage {
  readonly number: number;
  readonly page: CodePage;
}

/**
 * Which characters a printer's own code pages hold, and where. Pages are in order of their numbers; a page the
 * printer has twice counts once.
 */
export class Repertoire {
  readonly pages: readonly NumberedPage[];
  readonly cjk: CjkTable | null;
  /** For each character, the indices into `pages` of those that hold it. */
  readonly #homes: ReadonlyMap<number, readonly number[]>;
  #last: NumberedPage | null = null;

  constructor(profile: Profile) {
    const pages: NumberedPage[] = [];
    for (const [number, name] of Object.entries(profile.codePages)) {
      const page = codePageOf(name);
      if (page !== null && !pages.some((known) => known.page === page))
        pages.push({ number: Number(number), page });
    }
    this.pages = pages;
    this.cjk = profile.cjk === null ? null : cjkTableOf(profile.cjk);
    const homes = new Map<number, number[]>();
    for (const [index, { page }] of pages.entries()) {
      for (const codePoint of page.bytes.keys()) {
        const list = homes.get(codePoint);
        if (list === undefined) homes.set(codePoint, [index]);
        else list.push(index);
      }
    }
    this.#homes = homes;
  }

  /** Indices of the pages that hold a character beyond ASCII; `null` when none does. */
  homesOf(codePoint: number): readonly number[] | null {
    return this.#homes.get(codePoint) ?? null;
  }

  /** The page of a number, or `null` when the printer has none whose characters are known. */
  pageOf(number: number | null): NumberedPage | null {
    if (this.#last?.number !== number) this.#last = this.pages.find((page) => page.number === number) ?? null;
    return this.#last;
  }

  /** The page to take for what comes: of those that hold the first character, the one that stays right longest. */
  bestPage(text: string, from: number): NumberedPage | null {
    let candidates: readonly number[] | null = null;
    for (let at = from; at < text.length && candidates?.length !== 1; at += 1) {
      const codePoint = text.codePointAt(at) ?? 0;
      const homes = codePoint < 0x80 ? null : this.homesOf(codePoint);
      if (homes === null) continue;
      if (candidates === null) candidates = homes;
      const both: readonly number[] = candidates.filter((index) => homes.includes(index));
      if (both.length === 0) break;
      candidates = both;
    }
    return this.pages[candidates?.[0] ?? -1] ?? null;
  }
}

const repertoires = new WeakMap<Profile, Repertoire>();

/** The repertoire of a profile, built on first use. */
export function repertoireOf(profile: Profile): Repertoire {
  let repertoire = repertoires.get(profile);
  if (repertoire === undefined) {
    repertoire = new Repertoire(profile);
    repertoires.set(profile, repertoire);
  }
  return repertoire;
}
