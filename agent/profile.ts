/** Printer profiles: what goes around a document, and which documents a printer understands. */
import { LANGUAGES, type Language } from "./language.ts";
import { PROFILES, type ProfileRow } from "./profiles.table.ts";

/** A row of the table in bytes. Sent around the document, never inside it. */
export interface Profile {
  readonly name: ProfileName;
  /** One line for people. */
  readonly about: string;
  readonly languages: readonly Language[];
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  /** Goes out instead of the rest of a document that broke off, before anything else prints. May be empty. */
  readonly abort: Uint8Array;
  /** In which language the printer can be asked, where it has a back-channel. */
  readonly status: ProfileRow["status"];
}

export type ProfileName = keyof typeof PROFILES;

export const PROFILE_NAMES: readonly ProfileName[] = Object.keys(PROFILES).filter(isProfileName);

/** The profile of that name. Names from outside go through {@link isProfileName} first. */
export function profileOf(name: ProfileName): Profile {
  const row: ProfileRow = PROFILES[name];
  return {
    name,
    about: row.about,
    languages: row.languages === "all" ? LANGUAGES : row.languages,
    before: Buffer.from(row.before, "latin1"),
    after: Buffer.from(row.after, "latin1"),
    abort: Buffer.from(row.abort, "latin1"),
    status: row.status,
  };
}

export function isProfileName(name: string): name is ProfileName {
  return Object.hasOwn(PROFILES, name);
}
