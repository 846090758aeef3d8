/** Shell commands in the guest: one base64 line each, answered with the status and the output; several may run at once. */
import type { Socket } from "node:net";
import { createInterface } from "node:readline";

export interface Outcome {
  readonly status: number;
  readonly output: string;
}

interface Running {
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
}

export class CommandChannel {
  readonly #socket: Socket;
  readonly #running = new Map<string, Running>();
  readonly #ready = Promise.withResolvers<void>();
  #count = 0;

  /** The socket belongs to it from now on. */
  constructor(socket: Socket) {
    this.#socket = socket;
    this.#ready.promise.catch(() => undefined);
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => this.#end());
    createInterface(this.#socket)
      .on("error", () => undefined)
      .on("line", (line) => this.#take(line));
  }

  /** Resolves once the guest listens; rejects when the channel closes first. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Rejects when the guest is gone before it answered. */
  run(command: string): Promise<Outcome> {
    this.#count += 1;
    const id = String(this.#count);
    return new Promise((resolve, reject) => {
      this.#running.set(id, { resolve, reject });
      this.#socket.write(`${id} ${Buffer.from(command).toString("base64")}\n`);
    });
  }

  /** The output of a command that must succeed. */
  async ask(command: string): Promise<string> {
    const { status, output } = await this.run(command);
    if (status !== 0) throw new Error(`${command}: status ${status}\n${output}`);
    return output;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(line: string): void {
    if (line.endsWith("READY")) this.#ready.resolve();
    const [id = "", status = "", output = ""] = line.split(" ");
    this.#running.get(id)?.resolve({
      status: Number(status),
      output: Buffer.from(output, "base64").toString(),
    });
    this.#running.delete(id);
  }

  #end(): void {
    const gone = new Error("the guest is gone");
    this.#ready.reject(gone);
    for (const { reject } of this.#running.values()) reject(gone);
    this.#running.clear();
  }
}
