import type { Command, CommandOfKind } from "./command.ts";
import type { CommandValue } from "./command-bytes.ts";
import { SYMBOLOGIES } from "./symbol.ts";

/** Barcode systems of `ESC b` as those of `GS k`. */
const SYSTEMS = [66, 65, 68, 67, 69, 70, 79, 72, 71, 74, 75, 76, 77, 78];
const QR = SYMBOLOGIES.qr;
const PDF417 = SYMBOLOGIES.pdf417;

/**
 * What a Star command is in Epson's terms, so that one printer model serves both.
 *
 * @returns none for commands without effect on paper, and for those that are Epson's already the command itself
 */
export function epsonCommands(command: Command): readonly Command[] {
  if (!command.kind.startsWith("star-")) return [command];
  const { start, end } = command;
  return translate(command).map((value) => ({ ...value, start, end }) as Command);
}

function translate(command: Command): readonly CommandValue[] {
  return (
    translateStyle(command) ??
    translateMotion(command) ??
    translateImage(command) ??
    translateCode(command) ??
    []
  );
}

const flag = (kind: "bold" | "invert" | "upside-down", on: 0 | 1): readonly CommandValue[] => [{ kind, on }];

function translateStyle(command: Command): readonly CommandValue[] | null {
  switch (command.kind) {
    case "star-bold-on":
      return flag("bold", 1);
    case "star-bold-off":
      return flag("bold", 0);
    case "star-invert-on":
      return flag("invert", 1);
    case "star-invert-off":
      return flag("invert", 0);
    case "star-upside-down-on":
      return flag("upside-down", 1);
    case "star-upside-down-off":
      return flag("upside-down", 0);
    case "star-underline":
      return [{ kind: "underline", thickness: command.on }];
    case "star-size": {
      const [high, wide] = [command.height & 7, command.width & 7];
      return [{ kind: "character-size", size: (wide << 4) | high }];
    }
    case "star-font":
      return [{ kind: "font", font: command.font }];
    case "star-code-page":
      return [{ kind: "code-page", page: command.page }];
    case "star-international":
      return [{ kind: "international", set: command.set }];
    case "star-character-spacing":
      return [{ kind: "character-spacing", dots: command.dots }];
    default:
      return null;
  }
}

function translateMotion(command: Command): readonly CommandValue[] | null {
  switch (command.kind) {
    case "star-align":
      return [{ kind: "align", where: command.where }];
    case "star-absolute-position":
      return [{ kind: "absolute-position", x: command.x }];
    case "star-relative-position":
      return [{ kind: "relative-position", dx: (command.dx << 16) >> 16 }];
    case "star-feed-lines":
      return [{ kind: "feed-lines", lines: command.lines }];
    // A quarter and an eighth of a millimetre: 2 and 1 dots at 203 dpi, 4 and 2 of Epson's half dots.
    case "star-feed":
      return [{ kind: "feed", units: Math.min(255, command.units * 4) }];
    case "star-feed-12":
      return [{ kind: "feed", units: Math.min(255, command.units * 2) }];
    case "star-line-spacing":
      return [{ kind: "line-spacing-default" }];
    case "star-line-spacing-small":
      return [{ kind: "line-spacing", units: 48 }];
    case "star-cut":
      return [{ kind: "feed-and-cut", mode: command.mode % 2 === 0 ? 65 : 66, feed: 0 }];
    case "star-pulse":
    case "star-pulse-now":
      return [{ kind: "pulse", pin: 0, on: 0, off: 0 }];
    case "star-pulse-2":
    case "star-pulse-2-now":
      return [{ kind: "pulse", pin: 1, on: 0, off: 0 }];
    default:
      return null;
  }
}

function translateImage(command: Command): readonly CommandValue[] | null {
  switch (command.kind) {
    case "star-raster-image": {
      const { bytesPerRow, rows, data } = command;
      return [{ kind: "raster-image", mode: 0, bytesPerRow, rows, data }];
    }
    case "star-column-image":
      return [{ kind: "column-image", mode: 33, columns: command.columns, data: command.data }];
    case "star-column-image-8":
    case "star-column-image-8-double": {
      const mode = command.kind === "star-column-image-8" ? 0 : 1;
      return [{ kind: "column-image", mode, columns: command.columns, data: command.data }];
    }
    default:
      return null;
  }
}

function translateCode(command: Command): readonly CommandValue[] | null {
  switch (command.kind) {
    case "star-barcode":
      return translateBarcode(command);
    case "star-qr-setting":
      if (command.fn === 49)
        return [{ kind: "symbol-setting", symbology: QR, fn: 69, values: Uint8Array.of(48 + command.value) }];
      if (command.fn === 50)
        return [{ kind: "symbol-setting", symbology: QR, fn: 67, values: Uint8Array.of(command.value) }];
      return [];
    case "star-qr-store":
      return [{ kind: "symbol-store", symbology: QR, mode: 48, data: command.data }];
    case "star-qr-print":
      return [{ kind: "symbol-print", symbology: QR, mode: 48 }];
    case "star-pdf417-store":
      return [{ kind: "symbol-store", symbology: PDF417, mode: 48, data: command.data }];
    case "star-pdf417-print":
      return [{ kind: "symbol-print", symbology: PDF417, mode: 48 }];
    default:
      return null;
  }
}

/** Star states everything in the command: text below or none (n2), module (n3), height (n4). */
function translateBarcode(command: CommandOfKind<"star-barcode">): readonly CommandValue[] {
  const system = SYSTEMS[command.system % 48] ?? 79;
  return [
    { kind: "barcode-height", dots: command.height },
    { kind: "barcode-width", module: (command.module % 48) + 1 },
    { kind: "barcode-text", where: command.text % 2 === 0 ? 2 : 0 },
    { kind: "barcode", system, data: command.data },
  ];
}
