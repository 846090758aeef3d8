/**
 * The slow step between an OTP and what it opens: scrypt, one at a time, the keypad before the arrivals. Several at
 * once would make a person at the printer wait for all of them.
 */
import { scrypt } from "node:crypto";

/** As docs/protocol.md says. */
const COST = 2 ** 15;
const R = 8;
const P = 1;
/** scrypt needs 128 * N * r and a little more; Node's default refuses that. */
const MAXMEM = 64 * 1024 * 1024;
const BYTES = 32;
const PREFIX = new TextEncoder().encode("platen/otp/v1");

/** Who waits for it. */
export type Waiter = "keypad" | "arrival";

interface Task {
  readonly otp: string;
  waiter: Waiter;
  readonly result: Promise<Uint8Array>;
  readonly run: () => Promise<void>;
}

export class Stretch {
  readonly #salt: Uint8Array;
  readonly #cost: number;
  readonly #waiting: Task[] = [];
  #running: Task | null = null;

  /** @param deviceSalt 16 bytes */
  constructor(deviceSalt: Uint8Array, cost = COST) {
    this.#cost = cost;
    this.#salt = Buffer.concat([PREFIX, deviceSalt]);
  }

  /**
   * st of an OTP: 32 bytes, the caller's to wipe. Two who want the same share one derivation: an OTP typed while its
   * job arrives, or begun before Enter.
   */
  async derive(otp: string, waiter: Waiter): Promise<Uint8Array> {
    const task = this.#find(otp) ?? this.#add(otp, waiter);
    if (waiter === "keypad") task.waiter = "keypad";
    this.#start();
    return Uint8Array.from(await task.result);
  }

  #find(otp: string): Task | undefined {
    return this.#running?.otp === otp ? this.#running : this.#waiting.find((task) => task.otp === otp);
  }

  #add(otp: string, waiter: Waiter): Task {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const run = (): Promise<void> => deriveOnce(otp, this.#salt, this.#cost).then(resolve, reject);
    const task: Task = { otp, waiter, result: promise, run };
    this.#waiting.push(task);
    return task;
  }

  #start(): void {
    if (this.#running || this.#waiting.length === 0) return;
    const keypad = this.#waiting.findIndex((task) => task.waiter === "keypad");
    const [task] = this.#waiting.splice(Math.max(0, keypad), 1);
    if (!task) return;
    this.#running = task;
    void task.run().finally(() => {
      this.#running = null;
      this.#start();
    });
  }
}

function deriveOnce(otp: string, salt: Uint8Array, cost: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    scrypt(otp, salt, BYTES, { N: cost, r: R, p: P, maxmem: MAXMEM }, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}
