import { cjkTableOf, decodeCjk, decodeJis } from "./cjk.ts";
import { codePageOf } from "./code-page.ts";
import { INTERNATIONAL_SETS, REPLACED } from "./international.table.ts";
import type { Profile } from "./profile.ts";

/** The part of a printer's state that decides which characters bytes are. */
export interface CharacterState {
  /** Number of `ESC t`. */
  readonly page: number;
  /** Number of `ESC R`. */
  readonly international: number;
  /** Between `FS &` and `FS .`. */
  readonly kanji: boolean;
  /** Number of `FS C`: 0 is JIS, 1 Shift_JIS. */
  readonly kanjiSystem: number;
  /** After `FS ( C` 48 2. */
  readonly utf8: boolean;
}

export const INITIAL_CHARACTERS: CharacterState = {
  page: 0,
  international: 0,
  kanji: false,
  kanjiSystem: 0,
  utf8: false,
};

/** Reads a run of text as a printer of this profile in this state would; what it cannot know becomes U+FFFD. */
export function decodeText(bytes: Uint8Array, state: CharacterState, profile: Profile): string {
  if (state.utf8) return new TextDecoder().decode(bytes);
  const charset = profile.cjk;
  if (charset === "shift_jis" && state.kanji && state.kanjiSystem === 0) return decodeJis(bytes);
  const multi = charset !== null && (state.kanji || (charset === "shift_jis" && state.kanjiSystem !== 0));
  if (!multi) return decodeSingle(bytes, state, profile);
  return cjkTableOf(charset).isLead(bytes[0] ?? 0) || bytes.some((byte) => byte >= 0x80)
    ? decodeCjk(bytes, charset)
    : decodeSingle(bytes, state, profile);
}

function decodeSingle(bytes: Uint8Array, state: CharacterState, profile: Profile): string {
  const upper = codePageOf(profile.codePages[state.page] ?? "")?.upper;
  let text = "";
  for (const byte of bytes) {
    if (byte >= 0x80) text += String.fromCodePoint(upper?.[byte - 0x80] ?? 0xfffd);
    else if (state.international === 0) text += String.fromCharCode(byte);
    else text += nationalCharacter(byte, state.international);
  }
  return text;
}

function nationalCharacter(byte: number, set: number): string {
  const character = String.fromCharCode(byte);
  const index = REPLACED.indexOf(character);
  return index < 0 ? character : (INTERNATIONAL_SETS[set]?.[index] ?? character);
}
