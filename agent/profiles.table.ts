/**
 * What printers want around a document. `bytes` strings are Latin-1, byte for character; `abort` ends whatever a
 * document that broke off left open.
 */
import type { Language } from "./language.ts";

export interface ProfileRow {
  readonly about: string;
  readonly languages: readonly Language[] | "all";
  readonly before: string;
  readonly after: string;
  readonly abort: string;
  /** In which language it can be asked how it is and what became of a job, where it has a back-channel. */
  readonly status: "escpos" | "pjl" | "none";
}

const UEL = "\x1b%-12345X";
/**
 * A printer counts jobs inside jobs, and forgets no open one; an EOJ too many it ignores (HP LaserJet 5200, service
 * manual, chapter 6). Ours, and what a document may have opened in it.
 */
const EOJS = "@PJL EOJ\r\n".repeat(4);
/** PCL's longest counted transfer is 32767 bytes; zeros complete one that broke off, and print nothing outside. */
const PCL_PAD = "\0".repeat(32_767);
/** A full page of 80 mm raster (576 x 815 dots) in one command is 58,680 bytes. ESC/POS ignores zeros elsewhere. */
const ESCPOS_PAD = "\0".repeat(65_536);
/** Where a command's head was cut: zeros make it an empty one; anything else would be taken for its size. */
const ESCPOS_HEAD_PAD = "\0".repeat(16);
const ESCPOS_INIT = "\x1b@";
/** GS V 66: feed to the cutter and cut, leaving one point; printers without a cutter feed. */
const ESCPOS_CUT = "\n\x1dV\x42\x00";
/** DLE DC4 8: clear the buffers, at once. */
const ESCPOS_CLEAR = "\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08";

export const PROFILES = {
  raw: {
    about: "anything, with nothing around it: files, tests, printers that sort themselves out",
    languages: "all",
    before: "",
    after: "",
    abort: "",
    status: "none",
  },
  pjl: {
    about: "office laser printers: PJL, PCL 5 and 6, PostScript, PDF",
    languages: ["pjl", "pdf", "pcl", "pclxl", "ps", "text"],
    before: `${UEL}@PJL RESET\r\n${UEL}`,
    after: UEL,
    abort: `${PCL_PAD}${UEL}${EOJS}@PJL RESET\r\n${UEL}`,
    status: "pjl",
  },
  pcl: {
    about: "printers with PCL 5 and without PJL",
    languages: ["pcl", "text"],
    before: "\x1bE",
    after: "\x1bE",
    abort: `${PCL_PAD}\x1bE`,
    status: "none",
  },
  postscript: {
    about: "printers with PostScript alone",
    languages: ["ps"],
    before: "\x04",
    after: "\x04",
    abort: "\x03\x04",
    status: "none",
  },
  escpos: {
    about: "receipt printers: ESC/POS, with feed and cut at the end",
    languages: ["escpos", "text"],
    before: ESCPOS_INIT,
    after: ESCPOS_CUT,
    abort: `${ESCPOS_HEAD_PAD}${ESCPOS_CLEAR}${ESCPOS_PAD}${ESCPOS_INIT}${ESCPOS_CUT}`,
    status: "escpos",
  },
  text: {
    about: "printers that know text alone",
    languages: ["text"],
    before: "",
    after: "\r\x0c",
    abort: "\r\x0c",
    status: "none",
  },
} as const satisfies Readonly<Record<string, ProfileRow>>;
