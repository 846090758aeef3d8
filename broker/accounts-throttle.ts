/**
 * Leaky buckets of failures in fixed memory: a key is hashed (keyed, so that nobody can aim) onto one of `slots`
 * counters. Strangers may share a counter; nobody can make the table grow or push another out of it.
 */
import { createHmac, randomBytes } from "node:crypto";

export interface Allowance {
  /** Failures in a row before it refuses. */
  readonly burst: number;
  /** One failure is forgiven after so many seconds. */
  readonly forgiveSeconds: number;
  readonly slots?: number;
}

export class FailureBuckets {
  readonly #burst: number;
  readonly #forgiveSeconds: number;
  readonly #level: Float64Array;
  readonly #since: Float64Array;
  readonly #key = randomBytes(32);
  readonly #seconds: () => number;

  /** @param seconds a clock that only runs forward */
  constructor({ burst, forgiveSeconds, slots = 16_384 }: Allowance, seconds: () => number) {
    this.#burst = burst;
    this.#forgiveSeconds = forgiveSeconds;
    this.#level = new Float64Array(slots);
    this.#since = new Float64Array(slots);
    this.#seconds = seconds;
  }

  /** False when it would overflow. Charge before the verdict: tries at the same moment then count each. */
  charge(key: string): boolean {
    const slot = this.#slotOf(key);
    const level = this.#levelAt(slot);
    if (level + 1 > this.#burst) return false;
    this.#set(slot, level + 1);
    return true;
  }

  /** Gives one charge back: the password was right. */
  refund(key: string): void {
    const slot = this.#slotOf(key);
    this.#set(slot, Math.max(0, this.#levelAt(slot) - 1));
  }

  #levelAt(slot: number): number {
    const passed = this.#seconds() - (this.#since[slot] as number);
    return Math.max(0, (this.#level[slot] as number) - passed / this.#forgiveSeconds);
  }

  #set(slot: number, level: number): void {
    this.#level[slot] = level;
    this.#since[slot] = this.#seconds();
  }

  #slotOf(key: string): number {
    return createHmac("sha256", this.#key).update(key).digest().readUInt32BE(0) % this.#level.length;
  }
}

/** What counts as one place: an IPv4 address, or the /64 an IPv6 host moves about in at will. */
export function placeOf(address: string): string {
  const mapped = /^::ffff:([0-9.]+)$/i.exec(address);
  if (mapped) return mapped[1] as string;
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("%")[0]?.split("::") ?? [];
  const first = head === "" ? [] : head.split(":");
  const last = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  const groups = [...first, ...Array<string>(zeros).fill("0"), ...last];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16) || 0)
    .join(":");
}
