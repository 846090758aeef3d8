/** Passwords as argon2id (RFC 9106) in PHC strings. Slow and hungry on purpose, so only few run at once. */
import { argon2, randomBytes, timingSafeEqual } from "node:crypto";

/** OWASP's second choice: 19 MiB, two passes; a Pi does it in a fraction of a second. */
const MEMORY_KIB = 19 * 1024;
const PASSES = 2;
const LANES = 1;
const HASH_BYTES = 32;
const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;
/** Two threads of Node's pool of four: the rest of the program must not wait for logins. */
const RUNNING_MAX = 2;
const WAITING_MAX = 64;

interface Cost {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** Derives on a bounded number of threads, in order. */
class ArgonQueue {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  get isFull(): boolean {
    return this.#waiting.length >= WAITING_MAX;
  }

  async derive(password: string, nonce: Uint8Array, cost: Cost, tagLength: number): Promise<Buffer> {
    if (this.#running < RUNNING_MAX) this.#running++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await runArgon2(password, nonce, cost, tagLength);
    } finally {
      const next = this.#waiting.shift();
      // The place is handed over, so that nobody who comes later slips in between.
      if (next) next();
      else this.#running--;
    }
  }
}

function runArgon2(password: string, nonce: Uint8Array, cost: Cost, tagLength: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  argon2("argon2id", { message: password, nonce, tagLength, ...cost }, (error, tag) => {
    if (error) reject(error);
    else resolve(Buffer.from(tag));
  });
  return promise;
}

const queue = new ArgonQueue();
const COST: Cost = { memory: MEMORY_KIB, passes: PASSES, parallelism: LANES };

/** Waits its turn however long the queue is: only who may set a password gets here. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const tag = await queue.derive(password, salt, COST, HASH_BYTES);
  const params = `m=${COST.memory},t=${COST.passes},p=${COST.parallelism}`;
  return `$argon2id$v=19$${params}$${unpadded(salt)}$${unpadded(tag)}`;
}

/** No password fits it, at the price of any other: for users who do not exist. */
export const NOBODY = `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${unpadded(randomBytes(16))}$${unpadded(randomBytes(HASH_BYTES))}`;

/** `busy` when too many are being checked already. A string that is no PHC string of argon2id fits nothing. */
export async function checkPassword(password: string, phc: string): Promise<"fits" | "differs" | "busy"> {
  const [, memory, passes, parallelism, salt = "", hash = ""] = PHC.exec(phc) ?? [];
  const expected = Buffer.from(hash, "base64");
  if (expected.length === 0) return "differs";
  if (queue.isFull) return "busy";
  const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  const tag = await queue.derive(password, Buffer.from(salt, "base64"), cost, expected.length);
  return timingSafeEqual(tag, expected) ? "fits" : "differs";
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}
