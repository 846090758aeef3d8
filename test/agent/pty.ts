/** A real pseudo-terminal: the program opens `path`; the test sits at the other side, as printer or as person. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

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

/** `modes` are socat's options for the terminal: raw as a printer's line by default, empty for a person's terminal. */
export async function openPty(modes = ",raw,echo=0"): Promise<Pty> {
  const child = spawn("socat", ["-d", "-d", `PTY${modes}`, "STDIO"], { stdio: "pipe" });
  const path = await nameOf(child);
  let chunks: Buffer[] = [];
  const taken = (): Buffer => {
    const all = Buffer.concat(chunks);
    chunks = [all];
    return all;
  };
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on("error", () => undefined);
  const ended = once(child.stdout, "end");
  const exited = once(child, "exit");
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  return {
    path,
    get taken() {
      return taken();
    },
    type: (bytes) => void child.stdin.write(bytes),
    async until(condition) {
      while (!condition(taken())) {
        if (isOver) throw new Error(`the line ended after ${taken().length} bytes`);
        await Promise.race([once(child.stdout, "data"), ended]);
      }
      return taken();
    },
    stall() {
      child.stdout.pause();
    },
    resume() {
      child.stdout.resume();
    },
    async hangUp() {
      child.kill("SIGKILL");
      child.stdout.resume();
      await exited;
    },
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
