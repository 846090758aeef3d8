/**
 * PJL status codes. Sources: HP, Printer Job Language Technical Reference Manual, chapter 7 ("Status category") and
 * appendix D, for the groups and 10006, 40021; Lexmark, Technical Reference, tables 3-12 and 3-14, for the others.
 * A display string is in the printer's tongue; the code is what counts.
 */
import type { PjlCondition } from "./pjl-status.ts";

/** By the first two digits. `null`: says nothing of the printer itself. */
export const GROUPS: Readonly<Record<number, PjlCondition | null>> = {
  /** Informational: ready, warming up, processing, put online or offline. */
  10: "fine",
  /** Background paper mount: one source is empty, another has the right paper. */
  11: "near-end",
  /** Background tray status: a tray is open, lifting. */
  12: "fine",
  /** Output bin full: it goes offline. */
  15: "bin-full",
  /** PJL parser errors, warnings, semantic errors. */
  20: null,
  25: null,
  27: null,
  /** Auto-continuable: goes on by itself, or waits for the key, as it is set up. */
  30: "continuable",
  /** File system errors. */
  32: null,
  /** Intervention may be required; goes on printing. */
  35: "fine",
  /** Intervention is required; printing halts. */
  40: "error",
  /** Foreground paper mount: no source has the paper. */
  41: "paper-out",
  /** Jams; 44 for the LaserJet 4000 and 5000. */
  42: "jam",
  44: "jam",
  /** External paper handling devices: hardware messages. */
  43: "error",
  /** Hardware and personality errors. */
  50: "error",
  55: "error",
};

/** Codes that say more than their group. */
export const CODES: Readonly<Record<number, PjlCondition>> = {
  /** Not ready, in the menus. */
  10002: "offline",
  /** Printer open. */
  40021: "cover-open",
  40022: "jam",
  /** Duplex door open. */
  40096: "cover-open",
};
