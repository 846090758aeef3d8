/** One line on stderr that tells how far a transfer is; nothing at all where stderr is no terminal. */
import { formatBytes } from "./size.ts";
import { showsBlocks } from "./terminal.ts";

const REDRAW_MS = 100;
const BAR_MAX = 32;

export interface Progress {
  readonly done: number;
  /** Null while it is not known (stdin). */
  readonly total: number | null;
}

/** The line itself; never longer than `width`. */
export function layoutProgress(
  label: string,
  { done, total }: Progress,
  seconds: number,
  width: number,
  blocks: boolean,
): string {
  const rate = seconds > 0.5 ? `  ${formatBytes(done / seconds)}/s` : "";
  const share = total === null || total === 0 ? null : Math.min(1, done / total);
  const amount =
    share === null || total === null ? formatBytes(done) : `${formatBytes(done)} of ${formatBytes(total)}`;
  const percent = share === null ? "" : `  ${String(Math.floor(share * 100)).padStart(3)} %`;
  const tail = `${percent}  ${amount}${rate}`;
  const room = Math.min(BAR_MAX, width - label.length - tail.length - 2);
  const [full, empty] = blocks ? ["█", "░"] : ["#", "."];
  const filled = Math.round((share ?? 0) * room);
  const bar = share !== null && room >= 8 ? `  ${full.repeat(filled)}${empty.repeat(room - filled)}` : "";
  return `${label}${bar}${tail}`.slice(0, Math.max(0, width));
}

export class ProgressBar {
  readonly #label: string;
  readonly #stream: NodeJS.WriteStream;
  readonly #startedMs = performance.now();
  #drawnMs = Number.NEGATIVE_INFINITY;
  #shown = false;

  constructor(label: string, stream: NodeJS.WriteStream) {
    this.#label = label;
    this.#stream = stream;
  }

  update(progress: Progress): void {
    const now = performance.now();
    if (!this.#stream.isTTY || now - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = now;
    this.#shown = true;
    // Room for the `^C` that a terminal echoes: a line that wraps could not be taken away.
    const width = (this.#stream.columns || 80) - 4;
    const seconds = (now - this.#startedMs) / 1000;
    const line = layoutProgress(this.#label, progress, seconds, width, showsBlocks(this.#stream));
    this.#stream.write(`\r\u001B[K${line}`);
  }

  /** Takes the line away, so that what follows stands at its place. */
  clear(): void {
    if (this.#shown) this.#stream.write("\r\u001B[K");
    this.#shown = false;
  }
}
