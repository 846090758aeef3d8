/**
 * The bucket of tries, one for all keypads of an agent. A try is charged durably before anybody is told anything; one
 * comes back every two minutes that the agent runs; a right OTP gets back its own charge and nothing else.
 */
import type { Db } from "./database.ts";

export const TRIES_MAX = 5;
export const REFILL_MS = 120_000;
const ALARM_FAILURES = 10;
const ALARM_WINDOW_MS = 3_600_000;

interface Row {
  left: number;
  since_ms: number;
  running_ms: number;
  failures: string;
}

export class Tries {
  readonly #monotonic: () => number;
  readonly #onAlarm: (failures: number) => void;
  readonly #write;
  /** Milliseconds this agent ran in all, as far as the disk knows: time switched off earns nothing. */
  readonly #runningBefore: number;
  readonly #startedAt: number;
  #left: number;
  /** When the try that comes back next began to. */
  #since: number;
  /** When the charges that were not given back were made, within the alarm's window. */
  #failures: number[];

  constructor(db: Db, monotonic: () => number, onAlarm: (failures: number) => void) {
    this.#monotonic = monotonic;
    this.#onAlarm = onAlarm;
    this.#write = db.prepare<[Row]>(
      "INSERT OR REPLACE INTO tries (one, left, since_ms, running_ms, failures) VALUES (1, @left, @since_ms, @running_ms, @failures)",
    );
    const row = db.prepare<[], Row>("SELECT * FROM tries").get();
    this.#runningBefore = row?.running_ms ?? 0;
    this.#startedAt = monotonic();
    this.#left = row?.left ?? TRIES_MAX;
    this.#since = row?.since_ms ?? 0;
    this.#failures = row ? (JSON.parse(row.failures) as number[]) : [];
  }

  get left(): number {
    this.#refill();
    return this.#left;
  }

  /** Seconds until a try is there; 0 when one is. */
  get waitSeconds(): number {
    if (this.left > 0) return 0;
    return Math.max(1, Math.ceil((this.#since + REFILL_MS - this.#running) / 1000));
  }

  /** Takes a try, durably. Only when {@link left} is above 0. */
  charge(): void {
    this.#refill();
    if (this.#left <= 0) throw new TypeError("no tries left");
    this.#change(this.#left - 1, [...this.#failures, this.#running]);
  }

  /** The entry was right, or was not judged: its own charge comes back. May be part of a larger transaction. */
  giveBack(): void {
    this.#refill();
    this.#change(Math.min(TRIES_MAX, this.#left + 1), this.#failures.slice(0, -1));
  }

  /** The entry was wrong: the charge stays. Raises the alarm at the tenth within an hour. */
  fail(): void {
    if (this.#failures.length < ALARM_FAILURES) return;
    this.#onAlarm(this.#failures.length);
    this.#change(this.#left, []);
  }

  get #running(): number {
    return this.#runningBefore + this.#monotonic() - this.#startedAt;
  }

  #refill(): void {
    const running = this.#running;
    const back = Math.floor((running - this.#since) / REFILL_MS);
    this.#left = Math.min(TRIES_MAX, this.#left + back);
    // A full bucket does not save up time towards the next try.
    this.#since = this.#left === TRIES_MAX ? running : this.#since + back * REFILL_MS;
  }

  #change(left: number, failures: readonly number[]): void {
    const running = this.#running;
    const recent = failures.filter((at) => running - at < ALARM_WINDOW_MS);
    this.#write.run({
      left,
      since_ms: this.#since,
      running_ms: running,
      failures: JSON.stringify(recent),
    });
    this.#left = left;
    this.#failures = recent;
  }
}
