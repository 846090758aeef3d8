/** The soak's senders from outside: one process, told what to send, telling what it heard. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { FromSenders, Person, ToSenders } from "./order.ts";

const PROGRAM = fileURLToPath(new URL("senders.ts", import.meta.url));

export interface PoolPlace {
  /** What the senders dial. */
  readonly address: string;
  /** Sealed documents on their way lie here, and nowhere else. */
  readonly temporary: string;
  readonly log: string;
}

export class SenderPool {
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  static async start(
    people: readonly Person[],
    place: PoolPlace,
    onMessage: (message: FromSenders) => void,
  ): Promise<SenderPool> {
    mkdirSync(place.temporary, { recursive: true });
    const child = fork(PROGRAM, [place.address, ...people.flatMap(({ dir, user }) => [dir, user])], {
      env: { ...process.env, TMPDIR: place.temporary },
      stdio: ["ignore", "ignore", openSync(place.log, "w"), "ipc"],
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.on("message", (message: FromSenders) => {
      if (message.kind === "ready") resolve();
      else onMessage(message);
    });
    child.once("exit", (code) => reject(new Error(`the senders ended with ${code}; see ${place.log}`)));
    await promise;
    return new SenderPool(child);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  tell(message: ToSenders): void {
    this.#process.send(message);
  }

  async close(): Promise<void> {
    if (!this.isRunning) return;
    this.#process.disconnect();
    await once(this.#process, "exit");
  }
}
