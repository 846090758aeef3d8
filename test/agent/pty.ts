/** A real pseudo-terminal: the program opens `path`; the test sits at the other side, as printer or as person. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

/** Tests that need a program are skipped where it is missing, and fail where the house promised it. */
export function lacks(program: string): boolean {
  if (process.env.CI === "true") return false;
  return spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0;
}

export interface Pty {
  readonly path: string;
  /** What came through so far. */
  readonly taken: Buffer;
  type(bytes: Uint8Array | string): void;
  /** Resolves once `taken` fulfils the condition; rejects if the line ends before. */
  until(condition: (taken: Buffer) => boolean): Promise<Buffer>;
  /** Stops taking bytes: after some buffers the line is full. */
  stall(): void;
  resume(): void;
  /** Pulls the cable. */
  hangUp(): Promise<void>;
}

/** The other side of a terminal, for whoever reads it at their own pace. */
export interface Terminal {
  readonly path: string;
  readonly output: Readable;
  readonly input: Writable;
  /** Pulls the cable; resolves once `output` ended. */
  hangUp(): Promise<void>;
}

/** `modes` are socat's options for the terminal: raw as a printer's line by default, empty for a person's terminal. */
export async function openTerminal(modes = ",raw,echo=0"): Promise<Terminal> {
  const child = spawn("socat", ["-d", "-d", `PTY${modes}`, "STDIO"], { stdio: "pipe" });
  const path = await nameOf(child);
  child.stdin.on("error", () => undefined);
  const exited = once(child, "exit");
  return {
    path,
    output: child.stdout,
    input: child.stdin,
    async hangUp() {
      child.kill("SIGKILL");
      child.stdout.resume();
      await exited;
    },
  };
}

export async function openPty(modes?: string): Promise<Pty> {
  const { path, output, input, hangUp } = await openTerminal(modes);
  let chunks: Buffer[] = [];
  const taken = (): Buffer => {
    const all = Buffer.concat(chunks);
    chunks = [all];
    return all;
  };
  output.on("data", (chunk: Buffer) => chunks.push(chunk));
  const ended = once(output, "end");
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  return {
    path,
    get taken() {
      return taken();
    },
    type: (bytes) => void input.write(bytes),
    async until(condition) {
      while (!condition(taken())) {
        if (isOver) throw new Error(`the line ended after ${taken().length} bytes`);
        await Promise.race([once(output, "data"), ended]);
      }
      return taken();
    },
    stall() {
      output.pause();
    },
    resume() {
      output.resume();
    },
    hangUp,
  };
}

/** Resolves when the terminal has its modes too, which is later than it has its name. */
async function nameOf(child: ChildProcess): Promise<string> {
  let text = "";
  for await (const chunk of child.stderr ?? []) {
    text += String(chunk);
    const match = /PTY is (\S+)[\s\S]*starting data transfer loop/.exec(text);
    if (match?.[1] !== undefined) {
      child.stderr?.resume();
      return match[1];
    }
  }
  throw new Error(`socat made no terminal: ${text}`);
}
