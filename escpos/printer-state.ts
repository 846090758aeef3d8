import type { Command } from "./command.ts";
import type { TextStyle } from "./paper.ts";
import type { Profile } from "./profile.ts";
import { type CharacterState, INITIAL_CHARACTERS } from "./text-decoder.ts";

/** What settings have made of a printer: everything that `ESC @` resets. */
export interface PrinterState {
  readonly style: TextStyle;
  readonly characters: CharacterState;
  /** `ESC %`: whether characters the stream has defined stand for their codes. */
  readonly userCharacters: boolean;
  readonly align: number;
  /** Dots from one line to the next. */
  readonly lineSpacing: number;
  readonly characterSpacing: number;
  readonly leftMargin: number;
  readonly printWidth: number;
  /** Dots; empty means every eight characters. */
  readonly tabs: readonly number[];
  /** Dots of a motion unit. */
  readonly unitX: number;
  readonly unitY: number;
  readonly barcodeHeight: number;
  readonly barcodeModule: number;
  readonly barcodeText: number;
}

const PLAIN_STYLE: TextStyle = {
  font: 0,
  bold: false,
  underline: 0,
  invert: false,
  rotated: false,
  upsideDown: false,
  scaleX: 1,
  scaleY: 1,
  colour: 0,
};

/** Width to draw on where the profile has none: what its first font needs at 12 dots a character. */
export function drawingWidth(profile: Profile): number {
  return profile.widthDots ?? (profile.fonts["0"]?.columns ?? 42) * 12;
}

/** The state after `ESC @`. Vertical units are half dots, as Epson's; one dot where the maker follows no standard. */
export function resetState(profile: Profile): PrinterState {
  return {
    style: PLAIN_STYLE,
    characters: INITIAL_CHARACTERS,
    userCharacters: false,
    align: 0,
    lineSpacing: 30,
    characterSpacing: 0,
    leftMargin: 0,
    printWidth: drawingWidth(profile),
    tabs: [],
    unitX: 1,
    unitY: profile.quirks.includes("kanji-after-reset") ? 1 : 0.5,
    barcodeHeight: 162,
    barcodeModule: 3,
    barcodeText: 0,
  };
}

/** The state after a setting; the same object for commands that set nothing. */
export function applySetting(state: PrinterState, command: Command, profile: Profile): PrinterState {
  const style = applyStyle(state.style, command);
  if (style !== null) return { ...state, style };
  const characters = applyCharacters(state.characters, command);
  if (characters !== null) return { ...state, characters };
  switch (command.kind) {
    case "user-characters-on":
      return { ...state, userCharacters: (command.on & 1) === 1 };
    case "align":
      return command.where % 48 <= 2 ? { ...state, align: command.where % 48 } : state;
    case "line-spacing-default":
      return { ...state, lineSpacing: 30 };
    case "line-spacing":
      return { ...state, lineSpacing: Math.round(command.units * state.unitY) };
    case "character-spacing":
      return { ...state, characterSpacing: Math.round(command.dots * state.unitX) };
    case "left-margin":
      return {
        ...state,
        leftMargin: Math.min(drawingWidth(profile) - 1, Math.round(command.x * state.unitX)),
      };
    case "print-width":
      return { ...state, printWidth: Math.max(1, Math.round(command.width * state.unitX)) };
    case "motion-units":
      return { ...state, ...motionUnits(command.x, command.y, profile) };
    case "barcode-height":
      return { ...state, barcodeHeight: Math.max(1, command.dots) };
    case "barcode-width":
      return { ...state, barcodeModule: Math.max(1, Math.min(8, command.module)) };
    case "barcode-text":
      return { ...state, barcodeText: command.where % 48 };
    default:
      return state;
  }
}

function motionUnits(x: number, y: number, profile: Profile): Pick<PrinterState, "unitX" | "unitY"> {
  const dpi = profile.dpi ?? 203;
  const usual = resetState(profile);
  return { unitX: x === 0 ? usual.unitX : dpi / x, unitY: y === 0 ? usual.unitY : dpi / y };
}

function applyStyle(style: TextStyle, command: Command): TextStyle | null {
  switch (command.kind) {
    case "print-mode":
      return applyPrintMode(style, command.mode);
    case "bold":
    case "double-strike":
      return { ...style, bold: (command.on & 1) === 1 };
    case "underline":
      return { ...style, underline: thickness(command.thickness) };
    case "rotate":
      return { ...style, rotated: (command.on & 1) === 1 };
    case "upside-down":
      return { ...style, upsideDown: (command.on & 1) === 1 };
    case "invert":
      return { ...style, invert: (command.on & 1) === 1 };
    case "colour":
      return { ...style, colour: command.colour % 48 };
    case "font":
      return { ...style, font: command.font % 48 };
    case "character-size":
      return { ...style, scaleX: ((command.size >> 4) & 7) + 1, scaleY: (command.size & 7) + 1 };
    case "kanji-quadruple":
      return { ...style, scaleX: (command.on & 1) + 1, scaleY: (command.on & 1) + 1 };
    default:
      return null;
  }
}

const thickness = (value: number): 0 | 1 | 2 => {
  const dots = value % 48;
  return dots === 1 || dots === 2 ? dots : 0;
};

function applyPrintMode(style: TextStyle, mode: number): TextStyle {
  return {
    ...style,
    font: mode & 1,
    bold: (mode & 0x08) !== 0,
    scaleY: (mode & 0x10) !== 0 ? 2 : 1,
    scaleX: (mode & 0x20) !== 0 ? 2 : 1,
    underline: (mode & 0x80) !== 0 ? 1 : 0,
  };
}

function applyCharacters(state: CharacterState, command: Command): CharacterState | null {
  switch (command.kind) {
    case "code-page":
      return { ...state, page: command.page };
    case "international":
      return { ...state, international: command.set };
    case "kanji-on":
      return { ...state, kanji: true };
    case "kanji-off":
      return { ...state, kanji: false };
    case "kanji-system":
      return { ...state, kanjiSystem: command.system % 48 };
    case "encoding":
      return { ...state, utf8: command.encoding % 48 === 2 };
    default:
      return null;
  }
}
