/** Users: names and argon2id passwords; checked slowly, throttled, and remembered for a while so that reconnects are cheap. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { PlatenError } from "../wire/error.ts";
import { isName } from "../wire/name.ts";
import { checkPassword, hashPassword, NOBODY } from "./accounts-password.ts";
import { type Allowance, FailureBuckets, placeOf } from "./accounts-throttle.ts";
import type { BrokerDatabase } from "./database.ts";
import type { Accounts } from "./registry-port.ts";

const PASSWORD_CHARS_MAX = 256;
/** Guesses from one place: a house full of people behind one address must still be able to log in at once. */
const PER_PLACE: Allowance = { burst: 30, forgiveSeconds: 10 };
/** At one user from all places together; wide, so that a stranger can hardly lock its owner out. */
const PER_USER: Allowance = { burst: 100, forgiveSeconds: 20 };
const REMEMBERED_MAX = 4096;
const REMEMBER_SECONDS = 3600;

export interface AccountRow {
  readonly name: string;
  /** False until the invite was used. */
  readonly joined: boolean;
  /** Uses standard tools: its password was printed, not drawn by our client. */
  readonly standard: boolean;
  /** Unix seconds. */
  readonly createdAt: number;
}

interface Clocks {
  /** Unix seconds. */
  readonly now: () => number;
  /** Seconds of a clock that only runs forward. */
  readonly running: () => number;
}

export class UserAccounts implements Accounts {
  readonly #database: BrokerDatabase;
  readonly #clocks: Clocks;
  readonly #places: FailureBuckets;
  readonly #users: FailureBuckets;
  /** Per user: keyed hash of the password that was right, and until when. Never the password. */
  readonly #remembered = new Map<string, { readonly hash: Buffer; readonly until: number }>();
  readonly #memoryKey = randomBytes(32);

  constructor(
    database: BrokerDatabase,
    clocks: Clocks,
    allowances: { readonly place: Allowance; readonly user: Allowance } = {
      place: PER_PLACE,
      user: PER_USER,
    },
  ) {
    this.#database = database;
    this.#clocks = clocks;
    this.#places = new FailureBuckets(allowances.place, clocks.running);
    this.#users = new FailureBuckets(allowances.user, clocks.running);
  }

  async verify(user: string, password: string, address: string): Promise<"ok" | "refused" | "throttled"> {
    if (!isName(user) || password.length > PASSWORD_CHARS_MAX) return "refused";
    // Before the buckets: whoever guesses at a user's name cannot keep its machines from coming back.
    if (this.#remembers(user, password)) return "ok";
    const place = placeOf(address);
    if (!this.#places.charge(place)) return "throttled";
    if (!this.#users.charge(user)) return "throttled";
    const phc = this.#phcOf(user);
    const verdict = await checkPassword(password, phc ?? NOBODY);
    if (verdict === "differs") return "refused";
    this.#places.refund(place);
    this.#users.refund(user);
    if (verdict === "busy") return "throttled";
    // It may have been reset while argon2 ran.
    if (phc === null || this.#phcOf(user) !== phc) return "refused";
    this.#remember(user, password);
    return "ok";
  }

  exists(user: string): boolean {
    return this.#database.prepare("SELECT 1 FROM accounts WHERE name = ?").get(user) !== undefined;
  }

  list(): AccountRow[] {
    const rows = this.#database
      .prepare(
        "SELECT name, password IS NOT NULL AS joined, standard, created_at FROM accounts ORDER BY name",
      )
      .all() as { name: string; joined: number; standard: number; created_at: number }[];
    return rows.map(({ name, joined, standard, created_at }) => ({
      name,
      joined: joined === 1,
      standard: standard === 1,
      createdAt: created_at,
    }));
  }

  /** @throws PlatenError `bad-name`, `already-there` */
  add(user: string, standard: boolean): void {
    if (!isName(user)) throw new PlatenError("bad-name", { name: user });
    const added = this.#database
      .prepare("INSERT INTO accounts (name, standard, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
      .run(user, standard ? 1 : 0, this.#clocks.now());
    if (added.changes === 0) {
      const hint = `For a new password run: platen user reset ${user}`;
      throw new PlatenError("already-there", { what: `The user “${user}”`, hint });
    }
  }

  /** From now on no password fits, until a new one is set. @throws PlatenError `not-there` */
  clearPassword(user: string, standard: boolean): void {
    this.#remembered.delete(user);
    const cleared = this.#database
      .prepare("UPDATE accounts SET password = NULL, standard = ? WHERE name = ?")
      .run(standard ? 1 : 0, user);
    if (cleared.changes === 0) throw unknownUser(user);
  }

  /** @param phc from {@link hashPassword} @throws PlatenError `not-there` */
  setPassword(user: string, phc: string): void {
    this.#remembered.delete(user);
    const set = this.#database.prepare("UPDATE accounts SET password = ? WHERE name = ?").run(phc, user);
    if (set.changes === 0) throw unknownUser(user);
  }

  /** Whether it is the user's present password; neither throttled nor remembered, for the repeated use of an invite. */
  async hasPassword(user: string, password: string): Promise<boolean> {
    const phc = this.#phcOf(user);
    return phc !== null && (await checkPassword(password, phc)) === "fits";
  }

  /** Draws a password for standard tools and keeps only its hash. @throws PlatenError `not-there` */
  async drawPassword(user: string): Promise<string> {
    const password = randomBytes(24).toString("base64url");
    this.setPassword(user, await hashPassword(password));
    return password;
  }

  /** @throws PlatenError `not-there` */
  remove(user: string): void {
    this.#remembered.delete(user);
    if (this.#database.prepare("DELETE FROM accounts WHERE name = ?").run(user).changes === 0) {
      throw unknownUser(user);
    }
  }

  #phcOf(user: string): string | null {
    const row = this.#database.prepare("SELECT password FROM accounts WHERE name = ?").get(user);
    return (row as { password: string | null } | undefined)?.password ?? null;
  }

  #remembers(user: string, password: string): boolean {
    const entry = this.#remembered.get(user);
    if (!entry || entry.until <= this.#clocks.running()) return false;
    return timingSafeEqual(entry.hash, this.#hash(user, password));
  }

  #remember(user: string, password: string): void {
    this.#remembered.delete(user);
    this.#remembered.set(user, {
      hash: this.#hash(user, password),
      until: this.#clocks.running() + REMEMBER_SECONDS,
    });
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > REMEMBERED_MAX && oldest !== undefined) this.#remembered.delete(oldest);
  }

  #hash(user: string, password: string): Buffer {
    return createHmac("sha256", this.#memoryKey).update(`${user}\n${password}`).digest();
  }
}

function unknownUser(user: string): PlatenError {
  return new PlatenError("not-there", { what: `user “${user}”`, hint: "“platen user list” shows them." });
}
