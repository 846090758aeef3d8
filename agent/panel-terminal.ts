/**
 * A terminal as panel: one line, rewritten in place; where the output is no terminal, one line per change.
 * Colour only on terminals, and not with NO_COLOR (no-color.org).
 */
import type { Panel, PanelState } from "./panel.ts";
import { type Lamp, PANEL_SIGNALS } from "./panel-signals.table.ts";
import { wordPanel } from "./panel-words.table.ts";

/** The part of a writable stream that is used: `process.stdout`, or a test's. */
export interface PanelOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface TerminalPanelOptions {
  readonly output?: PanelOutput;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Rings the terminal's bell where the grammar has a sound. Off by default: terminals ring one tone only. */
  readonly bell?: boolean;
}

const SGR: Readonly<Record<Lamp, number>> = { white: 1, yellow: 33, green: 32, red: 31, blue: 34 };
const CLEAR_LINE = "\r\x1b[2K";

export class TerminalPanel implements Panel {
  readonly #output: PanelOutput;
  readonly #isLive: boolean;
  readonly #hasColour: boolean;
  readonly #bell: boolean;
  #shown: string | null = null;

  constructor({ output = process.stdout, env = process.env, bell = false }: TerminalPanelOptions = {}) {
    this.#output = output;
    this.#isLive = output.isTTY === true && env.TERM !== "dumb";
    this.#hasColour = this.#isLive && (env.NO_COLOR ?? "") === "";
    this.#bell = bell && this.#isLive;
  }

  show(state: PanelState): void {
    const words = printable(wordPanel(state));
    if (words === this.#shown) return;
    this.#shown = words;
    if (!this.#isLive) {
      this.#output.write(`${words}\n`);
      return;
    }
    const line = this.#paint(clip(words, this.#output.columns || 80), state);
    const rings = this.#bell && PANEL_SIGNALS[state.kind].sounds.some((sound) => sound.on === "enter");
    this.#output.write(`${CLEAR_LINE}${line}${rings ? "\x07" : ""}`);
  }

  /** The dots that `show` adds are the tick a terminal can give at once. */
  tick(): void {}

  async close(): Promise<void> {
    if (this.#isLive && this.#shown !== null) this.#output.write("\n");
    this.#shown = null;
  }

  #paint(line: string, state: PanelState): string {
    if (!this.#hasColour) return line;
    const { light } = PANEL_SIGNALS[state.kind];
    const lamp = light.pattern === "off" ? "white" : (light.lamps.at(-1) ?? "white");
    return `\x1b[${SGR[lamp]}m${line}\x1b[0m`;
  }
}

/** Printers' names are checked elsewhere, and what broke may quote anything: no control reaches the terminal. */
function printable(text: string): string {
  return text.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, "?");
}

/** A line that wraps could not be rewritten. */
function clip(text: string, columns: number): string {
  const room = Math.max(columns - 1, 10);
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}
