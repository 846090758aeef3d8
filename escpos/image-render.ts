import { type Bitmap, drawBitmap, fillRect } from "./bitmap.ts";
import { Canvas } from "./canvas.ts";
import type { SymbolSource } from "./code-item.ts";
import type { Command } from "./command.ts";
import { Decoder } from "./decoder.ts";
import { receiptFont } from "./font.ts";
import type { GlyphSource } from "./glyph.ts";
import type { PaperSink } from "./paper.ts";
import { Press } from "./press.ts";
import { Printer } from "./printer.ts";
import { drawingWidth } from "./printer-state.ts";
import type { Profile } from "./profile.ts";

export interface ImageRenderOptions {
  /** Draws characters. Default: the bundled font. */
  readonly glyphs?: GlyphSource;
  /** Draws PDF417, DataMatrix, MaxiCode and Aztec codes; without it they are boxes with their names. */
  readonly symbols?: SymbolSource;
  /** Longest paper drawn, in dots. Default 50,000 (more than six metres at 203 dpi). */
  readonly maxHeightDots?: number;
  /** Whether cuts and drawer pulses are drawn. Default `true`; `false` gives the printed dots only. */
  readonly marks?: boolean;
}

/** A stream as printed. */
export interface RenderedPaper {
  readonly bitmap: Bitmap;
  /** True when the paper was longer than the limit, or the stream asked for more drawing than is sane. */
  readonly truncated: boolean;
}

const DEFAULT_MAX_HEIGHT = 50_000;
const MAX_TOUCHED_DOTS = 400_000_000;
const MARK_HEIGHT = 32;
/** Paper shown below the last line. */
const BOTTOM_MARGIN = 12;

/** Draws a stream as it comes: the virtual printer. */
export class ImageRenderer implements PaperSink {
  readonly #decoder: Decoder;
  readonly #printer: Printer;
  readonly #canvas: Canvas;
  readonly #press: Press;
  readonly #glyphs: GlyphSource;
  readonly #marks: boolean;
  /** Dots that marks have added above what comes next. */
  #shift = 0;
  #truncated = false;

  constructor(profile: Profile, options: ImageRenderOptions = {}) {
    this.#decoder = new Decoder({ dialect: profile.dialect });
    const symbols = options.symbols === undefined ? {} : { symbols: options.symbols };
    this.#printer = new Printer(profile, this, symbols);
    this.#canvas = new Canvas(drawingWidth(profile), options.maxHeightDots ?? DEFAULT_MAX_HEIGHT);
    this.#glyphs = options.glyphs ?? receiptFont;
    this.#press = new Press(this.#glyphs, MAX_TOUCHED_DOTS);
    this.#marks = options.marks ?? true;
  }

  push(chunk: Uint8Array): void {
    this.#execute(this.#decoder.push(chunk));
  }

  /** Ends the stream and returns the paper. */
  end(): RenderedPaper {
    this.#execute(this.#decoder.end());
    this.#printer.finish();
    const height = this.#printer.paperDots + this.#shift + (this.#marks ? BOTTOM_MARGIN : 0);
    if (this.#canvas.reach(Math.max(1, height)) === null) this.#truncated = true;
    return { bitmap: this.#canvas.bitmap(), truncated: this.#truncated || this.#press.exhausted };
  }

  line(line: Parameters<PaperSink["line"]>[0]): void {
    const top = line.top + this.#shift;
    const target = this.#canvas.reach(top + line.height);
    if (target === null) this.#truncated = true;
    else if (!this.#press.exhausted) this.#press.drawLine(target, line, top);
  }

  /** Dashes across; a full cut has scissors' ends at both sides, a partial one leaves the middle uncut. */
  cut(y: number, kind: "full" | "partial"): void {
    const target = this.#mark(y);
    if (target === null) return;
    const middle = y + this.#shift - MARK_HEIGHT / 2;
    const { width } = target;
    for (let x = 0; x < width; x += 12) {
      const uncut = kind === "partial" && Math.abs(x - width / 2) < 30;
      if (!uncut) fillRect(target, x, middle, 8, 2);
    }
  }

  pulse(y: number, pin: 2 | 5): void {
    const target = this.#mark(y);
    if (target === null) return;
    const top = y + this.#shift - MARK_HEIGHT + 4;
    let x = 24;
    for (const character of `[drawer ${pin === 2 ? 1 : 2}]`) {
      const glyph = this.#glyphs.glyph(character.codePointAt(0) ?? 0, { width: 12, height: 24 });
      if (glyph !== null) drawBitmap(target, glyph, x, top);
      x += 12;
    }
  }

  request(): void {}

  #mark(y: number): Bitmap | null {
    if (!this.#marks) return null;
    const target = this.#canvas.reach(y + this.#shift + MARK_HEIGHT);
    if (target === null) this.#truncated = true;
    else this.#shift += MARK_HEIGHT;
    return target;
  }

  #execute(commands: readonly Command[]): void {
    for (const command of commands) {
      if (this.#truncated || this.#press.exhausted) return;
      this.#printer.execute(command);
    }
  }
}

/** Draws a whole stream. */
export function renderImage(
  bytes: Uint8Array,
  profile: Profile,
  options: ImageRenderOptions = {},
): RenderedPaper {
  const renderer = new ImageRenderer(profile, options);
  renderer.push(bytes);
  return renderer.end();
}
