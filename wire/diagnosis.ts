/** What one check of `platen doctor` found, in words for whoever stands in front of the machine. */
export interface Diagnosis {
  /** What was looked at: `clock`, `printer lobby`. */
  readonly check: string;
  /** `note`: it works, and somebody should know. */
  readonly verdict: "good" | "note" | "bad";
  /** A sentence: what is so. */
  readonly what: string;
  /** A sentence: what to do about it. Null where all is well. */
  readonly remedy: string | null;
}

export function good(check: string, what: string): Diagnosis {
  return { check, verdict: "good", what, remedy: null };
}

export function note(check: string, what: string, remedy: string): Diagnosis {
  return { check, verdict: "note", what, remedy };
}

export function bad(check: string, what: string, remedy: string): Diagnosis {
  return { check, verdict: "bad", what, remedy };
}
