/** QEMU's machine protocol (QMP): commands with their answers, and what QEMU tells by itself. */
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { createInterface } from "node:readline";

interface Reply {
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
  readonly data?: unknown;
}

interface Asked {
  readonly command: string;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Emits QEMU's events by their names, as `SHUTDOWN`. */
export class Qmp extends EventEmitter {
  readonly #socket: Socket;
  readonly #asked: Asked[] = [];

  private constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on("error", () => undefined);
    socket.on("close", () => this.#end());
    createInterface(socket)
      .on("error", () => undefined)
      .on("line", (line) => this.#take(JSON.parse(line) as Reply));
  }

  /** The socket belongs to it from now on. */
  static async open(socket: Socket): Promise<Qmp> {
    const qmp = new Qmp(socket);
    await qmp.ask("qmp_capabilities");
    return qmp;
  }

  /** Rejects where QEMU says no, and when it is gone before it answered. */
  ask(command: string, values: object = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ command, resolve, reject });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: values })}\n`);
    });
  }

  /** A command of the human monitor, for what QMP has no words for. */
  async askMonitor(line: string): Promise<string> {
    return String(await this.ask("human-monitor-command", { "command-line": line }));
  }

  close(): void {
    this.#socket.destroy();
  }

  /** QEMU answers in order; its greeting is neither answer nor event. */
  #take(reply: Reply): void {
    if (reply.event !== undefined) {
      this.emit(reply.event, reply.data);
      return;
    }
    if (reply.error === undefined && !("return" in reply)) return;
    const asked = this.#asked.shift();
    if (reply.error !== undefined) asked?.reject(new Error(`${asked.command}: ${reply.error.desc}`));
    else asked?.resolve(reply.return);
  }

  #end(): void {
    for (const { command, reject } of this.#asked.splice(0)) reject(new Error(`${command}: QEMU is gone`));
  }
}
