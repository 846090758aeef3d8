/** The three streams a command talks through, and what a person's terminal can show. */
import { styleText } from "node:util";
import { wrapText } from "./wrapping.ts";

type Style = Parameters<typeof styleText>[0];

export interface Terminal {
  /** `--json`: one document or JSON lines on stdout, sentences only on stderr. */
  readonly json: boolean;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Columns of stdout's terminal; Infinity where it is none. */
  readonly width: number;
  /** A result for people; silent under `--json`. */
  print(text: string): void;
  /** A result for programs: one line of JSON; silent without `--json`. */
  printJson(value: unknown): void;
  /** Something beside the result; goes to stderr. */
  note(text: string): void;
  /** `text` styled where stdout is a terminal that wants colour (NO_COLOR is honoured), else as it is. */
  style(style: Style, text: string): string;
}

export function createTerminal(json: boolean): Terminal {
  const { stdin, stdout, stderr } = process;
  const width = widthOf(stdout);
  return {
    json,
    stdin,
    stdout,
    stderr,
    width,
    print: (text) => {
      if (!json) stdout.write(`${wrapText(text, width)}\n`);
    },
    printJson: (value) => {
      if (json) stdout.write(`${JSON.stringify(value)}\n`);
    },
    note: (text) => {
      stderr.write(`${wrapText(text, widthOf(stderr))}\n`);
    },
    style: (style, text) => styleText(style, text, { stream: stdout }),
  };
}

/** Columns of a terminal; Infinity where there is none. */
export function widthOf(stream: NodeJS.WriteStream): number {
  // A terminal that nobody gave a size says 0.
  return stream.isTTY ? stream.columns || 80 : Number.POSITIVE_INFINITY;
}

/** True where block characters and cursor movement can be trusted to show as meant. */
export function showsBlocks(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv = process.env): boolean {
  if (!stream.isTTY || env.TERM === "dumb") return false;
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || "";
  return process.platform === "win32" || locale === "" || /utf-?8/i.test(locale);
}
