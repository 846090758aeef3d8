/**
 * How long a refusal takes, from the Enter key to the panel: the real session, release, SQLite and scrypt, with a bucket
 * of tries whose clock is moved by hand. Wrong, expired and used OTPs come in random order over the same held jobs. As
 * at a keypad, the derivation begins with the last digit and is over when Enter is pressed; what is measured is the rest.
 * Needs UV_THREADPOOL_SIZE=1 (timing-child.ts): only so can be waited for the derivation, whose turn comes in order.
 */
import { access } from "node:fs/promises";
import type { Release } from "../../../agent/keeper-port.ts";
import type { PanelState } from "../../../agent/panel.ts";
import { Session } from "../../../agent/session.ts";
import { Keeping, NOW_S } from "../../agent/keeping.ts";
import type { Random } from "../random.ts";

export const KINDS = ["wrong", "expired", "used"] as const;
export type Kind = (typeof KINDS)[number];
/** Milliseconds. */
export type Times = Readonly<Record<Kind, number[]>>;

const OTPS_OF_A_KIND = 20;
const HELD = 10;
/** Longer than a try takes to come back, and no ten failures within an hour: no alarm is written. */
const PAUSE_MS = 400_000;
export interface Planted {
  readonly kind: Kind;
  readonly ms: number;
}

export class RefusalTiming {
  readonly #keeping: Keeping;
  readonly #random: Random;
  readonly #otps: Record<Kind, string[]> = { wrong: [], expired: [], used: [] };

  private constructor(keeping: Keeping, random: Random) {
    this.#keeping = keeping;
    this.#random = random;
  }

  static async open(random: Random): Promise<RefusalTiming> {
    const policy = { deliveredGraceMs: 0 };
    const timing = new RefusalTiming(await Keeping.open({ lobby: "raw" }, policy, {}, null), random);
    await timing.#prepare();
    return timing;
  }

  close(): Promise<void> {
    return this.#keeping.close();
  }

  /** @param planted a difference that must be found: so much longer for one kind */
  async measure(tries: number, planted?: Planted): Promise<Times> {
    const times: Times = { wrong: [], expired: [], used: [] };
    let shown: ((state: PanelState) => void) | null = null;
    const session = this.#openSession((state) => shown?.(state), planted);
    try {
      for (let i = 0; i < tries; i++) {
        const kind = this.#random.pick(KINDS);
        const otp = this.#otps[kind][this.#random.integer(0, OTPS_OF_A_KIND - 1)] as string;
        this.#keeping.time.monotonicMs += PAUSE_MS;
        for (const digit of otp) session.takeKey("pipe:", { kind: "digit", digit });
        // Next in the queue of the one thread: behind the derivation.
        await access("/");
        const refused = Promise.withResolvers<void>();
        shown = (state) => {
          if (state.kind === "not-accepted") refused.resolve();
          else if (state.kind !== "entering" && state.kind !== "ready" && state.kind !== "checking")
            refused.reject(new Error(`a ${kind} OTP showed ${state.kind}`));
        };
        const startMs = performance.now();
        session.takeKey("pipe:", { kind: "enter" });
        await refused.promise;
        times[kind].push(performance.now() - startMs);
      }
    } finally {
      session.close();
    }
    return times;
  }

  #openSession(show: (state: PanelState) => void, planted?: Planted): Session {
    const { release } = this.#keeping.keeper;
    const slow: Release = {
      prepare: (otp) => release.prepare(otp),
      forget: () => release.forget(),
      enter: async (otp) => {
        const verdict = await release.enter(otp);
        if (planted && this.#otps[planted.kind].includes(otp)) spin(planted.ms);
        return verdict;
      },
    };
    const session = new Session({
      panel: { show, tick: () => undefined, close: async () => undefined },
      release: () => slow,
      held: () => HELD,
      sharesMissing: () => false,
      onRefused: () => undefined,
      onPowerCycle: () => undefined,
    });
    session.setPhase({ starting: null, locked: false, online: true });
    return session;
  }

  /** The same held jobs for all, and OTPs of each kind; every one drawn once. */
  async #prepare(): Promise<void> {
    const fresh = this.#drawAll(3 * OTPS_OF_A_KIND + HELD);
    this.#otps.wrong = fresh.splice(0, OTPS_OF_A_KIND);
    for (const [i, otp] of fresh.splice(0, HELD).entries()) await this.#submit(otp, `held-${i}`);
    for (const [i, otp] of fresh.splice(0, OTPS_OF_A_KIND).entries()) {
      await this.#submit(otp, `used-${i}`);
      await this.#keeping.enter(otp);
      await this.#keeping.destroyed(i + 1);
      this.#otps.used.push(otp);
    }
    for (const [i, otp] of fresh.entries()) {
      await this.#submit(otp, `expired-${i}`, { expires: NOW_S + 3600 });
      this.#otps.expired.push(otp);
    }
    this.#keeping.time.wallS += 3601;
  }

  async #submit(otp: string, name: string, manifest: object = {}): Promise<void> {
    const user = name.replace(/[^a-z0-9]/g, "");
    const job = `job-${name}`.padEnd(8, "0");
    const state = await this.#keeping.submit({ user, job, manifest: { otp, ...manifest } });
    if (state !== "held") throw new Error(`${job} is ${state}`);
  }

  #drawAll(count: number): string[] {
    const drawn = new Set<string>();
    while (drawn.size < count) drawn.add(String(this.#random.integer(20_000_000, 89_999_999)));
    return [...drawn];
  }
}

function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
