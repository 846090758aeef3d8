import { op, opWhen, sized, u8, u16 } from "./layout.ts";
import { untilRs, word } from "./measure.ts";

/** Seiko Instruments: the DC2 commands beside Epson's. */
export const SII = [
  op("sii-respond", "DC2 q", u8("n")),
  op("sii-response", "DC2 r", u8("n")),
  op("sii-mark-feed", "DC2 m", u8("n")),
  op("sii-function", "DC2 F", u8("n")),
] as const;

/** Citizen beside Epson's: second colour or inversion by mode, and the lamp of the bezel. */
export const CITIZEN = [
  op("citizen-colour", "ESC ~ J", u8("n")),
  op("citizen-bezel-lamp", "GS R 2", u8("n"), u8("t1"), u8("t2")),
] as const;

/** Bixolon's card reader settings: `BS M`, a letter, a length. Members are reported as `function`. */
export const BIXOLON_FAMILIES = [{ code: "BS M", lead: [0x08, 0x4d], letter: null, frame: "u16" }] as const;

/** Citizen, Bixolon and the many that follow them: buzzer and drawer by BEL, buzzer by `ESC B`. */
export const COMMON_EXTRAS = [op("bell", "BEL"), op("beep", "ESC B", u8("times"), u8("duration"))] as const;

/** Star Line Mode and StarPRNT. The same leads mean other things here: `ESC d` cuts, `ESC E` takes no parameter. */
// biome-ignore format: a table
export const STAR = [
  op("tab", "HT"),
  op("line-feed", "LF"),
  op("form-feed", "FF"),
  op("carriage-return", "CR"),
  op("cancel", "CAN"),
  op("star-pulse-now", "BEL"),
  op("star-pulse-2-now", "SUB"),
  op("star-pulse", "FS"),
  op("star-pulse-2", "EM"),
  op("star-upside-down-on", "SI"),
  op("star-upside-down-off", "DC2"),
  op("star-wide", "SO"),
  op("star-wide-off", "DC4"),
  op("initialise", "ESC @"),
  op("star-bold-on", "ESC E"),
  op("star-bold-off", "ESC F"),
  op("star-invert-on", "ESC 4"),
  op("star-invert-off", "ESC 5"),
  op("star-underline", "ESC -", u8("on")),
  op("star-overline", "ESC _", u8("on")),
  op("star-size", "ESC i", u8("height"), u8("width")),
  op("star-wide-times", "ESC W", u8("n")),
  op("star-high-times", "ESC h", u8("n")),
  op("star-character-spacing", "ESC SP", u8("dots")),
  op("star-international", "ESC R", u8("set")),
  op("star-kanji", "ESC $", u8("on")),
  op("star-kanji-spacing", "ESC s", u8("left"), u8("right")),
  op("star-font", "ESC RS F", u8("font")),
  op("star-align", "ESC GS a", u8("where")),
  op("star-status-mode", "ESC RS a", u8("mode")),
  op("star-code-page", "ESC GS t", u8("page")),
  op("star-absolute-position", "ESC GS A", u16("x")),
  op("star-relative-position", "ESC GS R", u16("dx")),
  op("star-left-margin", "ESC l", u8("columns")),
  op("star-right-margin", "ESC Q", u8("columns")),
  op("star-line-spacing-small", "ESC 0"),
  op("star-line-spacing", "ESC z", u8("n")),
  op("star-line-spacing-3mm", "ESC 1"),
  op("star-feed-lines", "ESC a", u8("lines")),
  op("star-feed", "ESC J", u8("units")),
  op("star-feed-12", "ESC I", u8("units")),
  op("star-cut", "ESC d", u8("mode")),
  op("star-tab-stops", "ESC D", sized("stops", (b, _at, from, end) => {
    for (let at = from; at < Math.min(end, from + 17); at += 1) if (b[at] === 0) return at - from + 1;
    return end < from + 17 ? -1 : -2;
  })),
  op("star-pulse-setting", "ESC BEL", u8("on"), u8("off")),
  op("star-buzzer", "ESC GS BEL", u8("channel"), u8("times"), u8("on"), u8("off")),
  op("star-barcode", "ESC b", u8("system"), u8("text"), u8("module"), u8("height"), sized("data", untilRs, "rs")),
  op("star-column-image", "ESC X", u16("columns"), sized("data", (b, at) => word(b, at + 2) * 3)),
  op("star-column-image-8", "ESC K", u16("columns"), sized("data", (b, at) => word(b, at + 2))),
  op("star-column-image-8-double", "ESC L", u16("columns"), sized("data", (b, at) => word(b, at + 2))),
  op("star-fine-image", "ESC k", u16("columns"), sized("data", (b, at) => word(b, at + 2) * 24)),
  op("star-raster-image", "ESC GS S", u8("tone"), u16("bytesPerRow"), u16("rows"), u8("colour"), sized("data", (b, at) => word(b, at + 4) * word(b, at + 6))),
  op("star-print-mode", "ESC GS P", u8("mode")),
  op("star-qr-setting", "ESC GS y S", u8("fn"), u8("value")),
  op("star-qr-store", "ESC GS y D", u8("mode"), u8("m"), u16("length"), sized("data", (b, at) => word(b, at + 6))),
  op("star-qr-print", "ESC GS y P"),
  op("star-qr-size", "ESC GS y I"),
  opWhen("star-pdf417-size", "ESC GS x S", [48], u8("fn"), u8("mode"), u8("rows"), u8("columns")),
  opWhen("star-pdf417-setting", "ESC GS x S", [49, 50, 51], u8("fn"), u8("value")),
  op("star-pdf417-store", "ESC GS x D", u16("length"), sized("data", (b, at) => word(b, at + 4))),
  op("star-pdf417-print", "ESC GS x P"),
  op("star-document-end", "ESC GS ETX", u8("s"), u8("n1"), u8("n2")),
  op("star-status", "ESC ACK SOH"),
  op("star-logo", "ESC FS p", u8("number"), u8("mode")),
] as const;
