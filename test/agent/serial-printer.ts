/** A terminal whose other side takes what it is told to, byte by byte: socat would take whatever comes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface SerialPrinter {
  readonly path: string;
  /** Takes that many bytes and waits for them. */
  take(sizeBytes: number): Promise<number>;
  /** Takes what is there, and tells how much that was. */
  empty(): Promise<number>;
  say(bytes: Uint8Array): void;
  hangUp(): Promise<void>;
}

export async function openSerialPrinter(): Promise<SerialPrinter> {
  const script = new URL("serial-printer.py", import.meta.url).pathname;
  const child = spawn("python3", [script], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done) throw new Error("the line's other side ended");
    return value;
  };
  const ask = async (question: string): Promise<number> => {
    child.stdin.write(`${question}\n`);
    return Number(await answer());
  };
  return {
    path: await answer(),
    take: (sizeBytes) => ask(`take ${sizeBytes}`),
    empty: () => ask("empty"),
    say: (bytes) => void child.stdin.write(`say ${Buffer.from(bytes).toString("hex")}\n`),
    async hangUp() {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}
