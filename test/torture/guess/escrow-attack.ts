/**
 * A thief with the card's certificate at a live broker, which they take to be a keypad without walls: every question a
 * guess, shares of their own planted to excuse wrong ones, the same question twice, a new session for each, many guesses
 * in one call. The broker is real, its monotonic clock is moved by hand. What counts is how many guesses at the victim's
 * job were answered.
 */
import { randomBytes, randomUUID } from "node:crypto";
import type { AgentPeer, SenderPeer } from "../../broker/peers.ts";
import { Rig } from "../../broker/rig.ts";
import type { Random } from "../random.ts";

/** As broker/escrow.ts has them; stated again, so that a change there is seen here. */
const TRIES = 5;
const EXCUSES = 30;
const BACK_S = 120;
const STEP_S = 30;
/** Many in one call are none: even the right one among them is not told. */
const TRICKS = ["plain", "excused", "excused", "excused", "excused", "many", "again", "anew"] as const;
type Trick = (typeof TRICKS)[number];
const ATTEMPT = "00112233445566ff";

export interface EscrowTally {
  readonly calls: number;
  readonly answered: number;
  readonly allowed: number;
}

/** @throws Error where more guesses were answered than allowed, or another agent got a share */
export async function attackEscrow(random: Random, seconds: number): Promise<EscrowTally> {
  const rig = await Rig.start({ quota: { liveJobs: 10_000, submissionsPerHour: 100_000 } });
  try {
    const attack = await Thief.open(rig, random);
    await attack.askAsAnother();
    return await attack.run(seconds);
  } finally {
    await rig.close();
  }
}

interface OwnShare {
  readonly job: string;
  readonly tag: string;
}

class Thief {
  readonly #rig: Rig;
  readonly #random: Random;
  readonly #mallory: SenderPeer;
  readonly #victim: string;
  readonly #victimTag = randomBytes(16).toString("base64");
  #card: AgentPeer;
  #own: OwnShare[] = [];

  private constructor(rig: Rig, random: Random, card: AgentPeer, mallory: SenderPeer, victim: string) {
    this.#rig = rig;
    this.#random = random;
    this.#card = card;
    this.#mallory = mallory;
    this.#victim = victim;
  }

  static async open(rig: Rig, random: Random): Promise<Thief> {
    await rig.enrol("lobby");
    await rig.enrol("attic");
    const card = await rig.connectAgent("lobby");
    await card.hello();
    const alice = await rig.connectUser(await rig.addUser("alice"));
    const victim = randomUUID();
    await alice.publish("lobby", victim, "only", randomBytes(500));
    await alice.until(victim, "stored");
    await card.tell({ user: "alice", job: victim }, "held");
    const mallory = await rig.connectUser(await rig.addUser("mallory"));
    const thief = new Thief(rig, random, card, mallory, victim);
    await thief.#put("alice", victim, thief.#victimTag);
    return thief;
  }

  /** Another agent's certificate gets nothing even for the right tag. */
  async askAsAnother(): Promise<void> {
    const attic = await this.#rig.connectAgent("attic");
    await attic.hello();
    const reply = await attic.call("ask", { asks: [this.#askVictim(this.#victimTag)] });
    if (JSON.stringify(reply.shares) !== "[null]")
      throw new Error(`another agent was told ${JSON.stringify(reply)}`);
  }

  async run(seconds: number): Promise<EscrowTally> {
    const startedMs = performance.now();
    let [calls, answered] = [0, 0];
    for (let at = 0; at <= seconds; at += STEP_S) {
      // What is refused plain may still be excused: only when that is refused too there is nothing left to get.
      for (let trick: Trick = "plain"; ; trick = this.#random.pick(TRICKS)) {
        const isAnswered = await this.#guess(trick);
        calls++;
        if (isAnswered && trick !== "many") answered++;
        if (!isAnswered && trick === "excused") break;
      }
      this.#rig.runningOffset += STEP_S;
    }
    // Real time passes too, and earns as much.
    const passedS = seconds + (performance.now() - startedMs) / 1000;
    const allowed = TRIES + EXCUSES + 2 * Math.ceil(passedS / BACK_S);
    if (answered > allowed) throw new Error(`${answered} guesses were answered, ${allowed} are allowed`);
    return { calls, answered, allowed };
  }

  /** True when the escrow said whether it was right. */
  async #guess(trick: Trick): Promise<boolean> {
    const guess = this.#askVictim(randomBytes(16).toString("base64"));
    if (trick === "anew") await this.#reconnect();
    const asks =
      trick === "excused"
        ? [guess, await this.#askOwn()]
        : trick === "many"
          ? Array.from({ length: 50 }, () => this.#askVictim(randomBytes(16).toString("base64")))
          : [guess];
    const reply = await this.#card.call("ask", { asks });
    if (reply.refused !== undefined) return false;
    const [first] = reply.shares as (string | null)[];
    if (first !== null) throw new Error("a wrong tag was given a share");
    // The same again, in case that is another one.
    if (trick === "again") await this.#card.call("ask", { asks });
    return true;
  }

  async #reconnect(): Promise<void> {
    await this.#card.client.endAsync(true);
    this.#card = await this.#rig.connectAgent("lobby");
    await this.#card.hello();
  }

  /** A right question of the thief's own, as often as one excuses. */
  async #askOwn() {
    if (this.#own.length === 0) await this.#plant();
    const { job, tag } = this.#own.pop() as OwnShare;
    return { user: "mallory", job, attempt: ATTEMPT, tag };
  }

  async #plant(): Promise<void> {
    const job = randomUUID();
    await this.#mallory.publish("lobby", job, "only", randomBytes(100));
    await this.#mallory.until(job, "stored");
    await this.#card.tell({ user: "mallory", job }, "held");
    const tag = randomBytes(16).toString("base64");
    await this.#put("mallory", job, tag);
    // Three times it excuses; the next times it does not.
    this.#own.push({ job, tag }, { job, tag }, { job, tag });
  }

  #askVictim(tag: string) {
    return { user: "alice", job: this.#victim, attempt: ATTEMPT, tag };
  }

  async #put(user: string, job: string, tag: string): Promise<void> {
    const share = { user, job, attempt: ATTEMPT, tag, expires: 4_000_000_000 };
    const reply = await this.#card.call("put", {
      shares: [{ ...share, share: randomBytes(32).toString("base64") }],
    });
    if (JSON.stringify(reply.results) !== '["stored"]') throw new Error(`put: ${JSON.stringify(reply)}`);
  }
}
