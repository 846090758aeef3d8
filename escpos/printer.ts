import { widthOfCodePoint } from "./character-width.ts";
import { barcodeItem, type SymbolSource, SymbolStore } from "./code-item.ts";
import type { Command } from "./command.ts";
import { columnItem, GraphicsPress } from "./graphics-press.ts";
import { ImageMemory } from "./image-memory.ts";
import { alignItems, type Cast, LineBuffer } from "./line-buffer.ts";
import { PageMode } from "./page-mode.ts";
import type { Item, PaperSink } from "./paper.ts";
import { applySetting, drawingWidth, type PrinterState, resetState } from "./printer-state.ts";
import { type Cell, cellOf, type Profile } from "./profile.ts";
import { epsonCommands } from "./star.ts";
import { decodeText } from "./text-decoder.ts";

export interface PrinterOptions {
  /** Draws two-dimensional codes other than QR. */
  readonly symbols?: SymbolSource;
}

const MAX_IMAGE_MEMORY = 4 * 1024 * 1024;
const MAX_MACRO_BYTES = 2048;
/** All that macros may run to in one stream: a few bytes could otherwise ask for any amount of work. */
const MAX_MACRO_COMMANDS = 20_000;
const TAB_CHARACTERS = 8;
/** Text in which every code unit takes one cell. */
const NARROW = /^[\x20-\x7e\xa1-\xac\xae-\u02ff\u0370-\u03ff\u0410-\u044f\u2500-\u259f]*$/;

/**
 * A printer without paper: takes commands and tells a sink what would be printed, where. It keeps what a printer
 * keeps (settings, defined images and characters, a macro, a page), each bounded.
 */
export class Printer {
  readonly #profile: Profile;
  readonly #sink: PaperSink;
  readonly #symbols: SymbolStore;
  readonly #images = new ImageMemory(MAX_IMAGE_MEMORY);
  readonly #graphics = new GraphicsPress(this.#images);
  readonly #cells = new Map<number, Cell>();
  readonly #line = new LineBuffer();
  #state: PrinterState;
  #page: PageMode | null = null;
  #macro: Command[] = [];
  #recording = false;
  #macroBytes = 0;
  #macroBudget = MAX_MACRO_COMMANDS;
  #y = 0;
  #furthest = 0;

  constructor(profile: Profile, sink: PaperSink, options: PrinterOptions = {}) {
    this.#profile = profile;
    this.#sink = sink;
    this.#symbols = new SymbolStore(options.symbols ?? null);
    this.#state = resetState(profile);
  }

  /** Dots of paper used so far: the furthest it was fed, whatever was fed back. */
  get paperDots(): number {
    return this.#furthest;
  }

  /** Executes the next command of the stream. */
  execute(command: Command): void {
    if (command.kind.startsWith("star-")) for (const each of epsonCommands(command)) this.#execute(each);
    else this.#execute(command);
  }

  #execute(command: Command): void {
    if (this.#recording && command.kind !== "macro") this.#record(command);
    switch (command.kind) {
      case "text":
        this.#print(command.bytes);
        break;
      case "line-feed":
        this.#feed(this.#state.lineSpacing);
        break;
      case "macro":
        this.#toggleMacro();
        break;
      case "macro-run":
        this.#runMacro(command.times);
        break;
      default:
        if (!this.#move(command) && !this.#act(command) && !this.#draw(command)) this.#set(command);
    }
  }

  /** Prints what is still in the buffer, as a printer does when the next line comes. */
  finish(): void {
    if (!this.#line.empty) this.#feed(0);
  }

  #set(command: Command): void {
    if (command.kind === "user-characters-define") {
      this.#images.defineCharacters(command, this.#state.style.font);
    } else if (command.kind === "user-characters-undefine") {
      this.#images.forgetCharacter(command.character, this.#state.style.font);
    } else if (!this.#images.define(command)) {
      this.#state = applySetting(this.#state, command, this.#profile);
    }
  }

  get #buffer(): LineBuffer {
    return this.#page?.line ?? this.#line;
  }

  get #lineWidth(): number {
    if (this.#page !== null) return this.#page.lineWidth;
    return Math.min(this.#state.printWidth, drawingWidth(this.#profile) - this.#state.leftMargin);
  }

  #cell(): Cell {
    const { font } = this.#state.style;
    let cell = this.#cells.get(font);
    if (cell === undefined) {
      cell = cellOf(this.#profile, font);
      this.#cells.set(font, cell);
    }
    return cell;
  }

  #print(bytes: Uint8Array): void {
    const { style, characterSpacing: gap, userCharacters } = this.#state;
    const cell = this.#cell();
    const run = decodeText(bytes, this.#state.characters, this.#profile);
    if (!userCharacters && NARROW.test(run)) {
      this.#castRun({ text: run, style, cell, cells: 1, gap, glyph: null });
      return;
    }
    for (const text of run) {
      const codePoint = text.codePointAt(0) ?? 0;
      const glyph = userCharacters ? this.#images.get(`character ${style.font} ${codePoint}`) : null;
      const cells = glyph === null ? widthOfCodePoint(codePoint) : 1;
      // Marks stand on the character before; other invisible characters are nothing.
      if (cells > 0 || /\p{M}/u.test(text)) this.#cast({ text, style, cell, cells, gap, glyph });
    }
  }

  /** Characters of one cell each: as many at once as the line takes. */
  #castRun(cast: Cast): void {
    const advance = LineBuffer.widthOf(cast);
    for (let at = 0; at < cast.text.length; ) {
      const room = Math.floor((this.#lineWidth - this.#buffer.x) / advance);
      if (room < 1 && this.#buffer.x > 0) this.#feed(this.#state.lineSpacing);
      const text = cast.text.slice(at, at + Math.max(1, room));
      if (room >= 1 || this.#buffer.x === 0) {
        this.#buffer.addText({ ...cast, text }, text.length);
        at += text.length;
      }
    }
  }

  #cast(cast: Cast): void {
    const buffer = this.#buffer;
    if (buffer.x > 0 && buffer.x + LineBuffer.widthOf(cast) > this.#lineWidth)
      this.#feed(this.#state.lineSpacing);
    buffer.addText(cast);
  }

  /** Puts the line on paper and feeds: by the spacing, or by the line's own height where that is more. */
  #feed(spacing: number): void {
    if (this.#page !== null) {
      this.#page.feed(spacing);
      this.#page.line.moveTo(0);
      return;
    }
    const items = this.#line.take();
    const height = items.reduce((most, item) => Math.max(most, item.height), 0);
    if (items.length > 0) {
      const { align, leftMargin, style } = this.#state;
      const placed = alignItems(items, align, leftMargin, this.#lineWidth);
      this.#sink.line({ top: this.#y, height, items: placed, upsideDown: style.upsideDown });
    }
    this.#advance(Math.max(height, Math.round(spacing)));
  }

  #advance(dots: number): void {
    this.#y = Math.max(0, this.#y + dots);
    this.#furthest = Math.max(this.#furthest, this.#y);
  }

  /** Something printed by itself, below what is in the buffer. */
  #printBlock(item: Item): void {
    if (this.#page !== null) {
      this.#page.line.addItem({ ...item, x: this.#page.line.x });
      return;
    }
    if (!this.#line.empty) this.#feed(0);
    this.#line.addItem(item);
    this.#feed(0);
  }

  #move(command: Command): boolean {
    const { unitX, unitY, lineSpacing } = this.#state;
    switch (command.kind) {
      case "carriage-return":
        return true;
      case "tab":
        this.#tab();
        return true;
      case "absolute-position":
        this.#buffer.moveTo(command.x * unitX);
        return true;
      case "relative-position":
        this.#buffer.moveTo(this.#buffer.x + command.dx * unitX);
        return true;
      case "feed":
        this.#feed(command.units * unitY);
        return true;
      case "feed-lines":
        this.#feed(command.lines * lineSpacing);
        return true;
      case "reverse-feed":
        this.#feed(0);
        this.#advance(-Math.round(command.units * unitY));
        return true;
      case "reverse-feed-lines":
        this.#feed(0);
        this.#advance(-command.lines * lineSpacing);
        return true;
      case "tab-stops": {
        const { width } = this.#cell();
        const advance = width * this.#state.style.scaleX + this.#state.characterSpacing;
        this.#state = {
          ...this.#state,
          tabs: [...command.stops].filter((n) => n > 0).map((n) => n * advance),
        };
        return true;
      }
      default:
        return this.#movePage(command);
    }
  }

  #movePage(command: Command): boolean {
    const { unitX, unitY } = this.#state;
    switch (command.kind) {
      case "page-mode":
        if (this.#page === null && this.#line.empty) this.#page = new PageMode(drawingWidth(this.#profile));
        return true;
      case "standard-mode":
        this.#page = null;
        return true;
      case "page-print":
        this.#printPage();
        return true;
      case "form-feed":
        this.#printPage();
        this.#page = null;
        return true;
      case "cancel":
        this.#page?.cancel();
        return true;
      case "page-area":
        this.#page?.setArea(command, unitX, unitY);
        return true;
      case "page-direction":
        this.#page?.setDirection(command.direction);
        return true;
      case "page-absolute-vertical":
        this.#page?.moveTo(command.y * unitY);
        return true;
      case "page-relative-vertical":
        this.#page?.moveBy(command.dy * unitY);
        return true;
      default:
        return false;
    }
  }

  #printPage(): void {
    const page = this.#page?.page();
    if (page === undefined || page.height === 0) return;
    this.#sink.line({ top: this.#y, height: page.height, items: [page], upsideDown: false });
    this.#advance(page.height);
  }

  #tab(): void {
    const { tabs, characterSpacing, style } = this.#state;
    const every = TAB_CHARACTERS * (this.#cell().width * style.scaleX + characterSpacing);
    const x = this.#buffer.x;
    const next = tabs.length === 0 ? (Math.floor(x / every) + 1) * every : tabs.find((stop) => stop > x);
    if (next !== undefined) this.#buffer.moveTo(next);
  }

  #act(command: Command): boolean {
    switch (command.kind) {
      case "initialise":
        this.#line.clear();
        this.#page = null;
        this.#state = resetState(this.#profile);
        return true;
      case "cut":
        return this.#cut(command.mode % 48 === 1 ? "partial" : "full", 0);
      case "feed-and-cut":
        return this.#cut(command.mode % 2 === 0 ? "partial" : "full", command.feed * this.#state.unitY);
      case "full-cut":
      case "partial-cut":
        return this.#cut(command.kind === "full-cut" ? "full" : "partial", 0);
      case "pulse":
      case "real-time-pulse":
        this.#sink.pulse(this.#y, command.pin % 48 === 1 ? 5 : 2);
        return true;
      case "bell":
        this.#sink.pulse(this.#y, 2);
        return true;
      case "real-time-status":
      case "real-time-status-extended":
      case "transmit-status":
      case "transmit-id":
      case "request-response":
      case "automatic-status":
        this.#sink.request(command.kind);
        return true;
      default:
        return false;
    }
  }

  #cut(kind: "full" | "partial", feed: number): boolean {
    if (!this.#line.empty) this.#feed(0);
    this.#advance(Math.round(feed));
    this.#sink.cut(this.#y, kind);
    return true;
  }

  #draw(command: Command): boolean {
    if (command.kind === "column-image") {
      const buffer = this.#buffer;
      buffer.addItem(columnItem(command, buffer.x));
      return true;
    }
    if (command.kind === "barcode") {
      this.#printBlock(barcodeItem(command.system, command.data, this.#state));
      return true;
    }
    const item = this.#graphics.take(command) ?? this.#symbols.take(command);
    if (item !== null) this.#printBlock(item);
    return item !== null;
  }

  #toggleMacro(): void {
    if (!this.#recording) {
      this.#macro = [];
      this.#macroBytes = 0;
    }
    this.#recording = !this.#recording;
  }

  #record(command: Command): void {
    this.#macroBytes += command.end - command.start;
    if (command.kind === "macro-run" || this.#macroBytes > MAX_MACRO_BYTES) return;
    this.#macro.push(command);
  }

  #runMacro(times: number): void {
    if (this.#recording) return;
    for (let run = 0; run < times; run += 1) {
      this.#macroBudget -= this.#macro.length;
      if (this.#macroBudget < 0 || this.#macro.length === 0) return;
      for (const command of this.#macro) this.execute(command);
    }
  }
}
