import { beforeEach, describe, expect, test } from "vitest";
import { UserAccounts } from "../../broker/accounts.ts";
import { checkPassword, hashPassword, NOBODY } from "../../broker/accounts-password.ts";
import { FailureBuckets, placeOf } from "../../broker/accounts-throttle.ts";
import { type BrokerDatabase, openDatabase } from "../../broker/database.ts";
import { failure } from "./registry-fixture.ts";

let seconds: number;
let database: BrokerDatabase;
let accounts: UserAccounts;
const HERE = "192.0.2.1";

beforeEach(() => {
  seconds = 1000;
  database = openDatabase(":memory:");
  const allowance = { burst: 4, forgiveSeconds: 10 };
  accounts = new UserAccounts(
    database,
    { now: () => 1_800_000_000, running: () => seconds },
    { place: allowance, user: { ...allowance, burst: 6 } },
  );
  return () => database.close();
});

async function addAlice(): Promise<string> {
  accounts.add("alice", true);
  return accounts.drawPassword("alice");
}

describe("argon2id", () => {
  test("the hash names its cost, differs each time, and fits its password only", async () => {
    const [a, b] = [await hashPassword("correct horse"), await hashPassword("correct horse")];
    expect(a).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(a).not.toBe(b);
    expect(await checkPassword("correct horse", a as string)).toBe("fits");
    expect(await checkPassword("correct horsf", a as string)).toBe("differs");
    expect(await checkPassword("", NOBODY)).toBe("differs");
    const cost = (phc: string | null) => phc?.split("$").slice(0, 4).join("$");
    expect(cost(NOBODY)).toBe(cost(a));
  });

  test("another program's hash is understood (the argon2 command of phc-winner-argon2)", async () => {
    const phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    expect(await checkPassword("password", phc)).toBe("fits");
  });

  test.each(["", "plain", "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$AAAA", "$argon2id$v=19$m=8,t=1,p=1$$"])(
    "what is no argon2id hash fits nothing: %j",
    async (phc) => expect(await checkPassword("password", phc)).toBe("differs"),
  );

  test("more logins at once than can be checked are told to come again, not queued without bound", async () => {
    const phc = (await hashPassword("x")) as string;
    const cheap = phc.replace("m=19456,t=2", "m=8,t=1");
    const verdicts = await Promise.all(Array.from({ length: 200 }, () => checkPassword("x", cheap)));
    expect(verdicts.filter((verdict) => verdict === "busy").length).toBe(200 - 66);
    expect(await checkPassword("y", cheap)).toBe("differs");
  });
});

describe("accounts", () => {
  test("only the right password of a user who is there", async () => {
    const password = await addAlice();
    expect(password.length).toBeGreaterThanOrEqual(32);
    expect(await accounts.verify("alice", password, HERE)).toBe("ok");
    expect(await accounts.verify("alice", `${password}x`, HERE)).toBe("refused");
    expect(await accounts.verify("bob", password, HERE)).toBe("refused");
  });

  test("an invited user who has not joined has no password at all", async () => {
    accounts.add("alice", false);
    for (const guess of ["", "null", "alice"]) {
      expect(await accounts.verify("alice", guess, HERE)).toBe("refused");
    }
    expect(accounts.list()).toEqual([
      { name: "alice", joined: false, standard: false, createdAt: 1_800_000_000 },
    ]);
  });

  test.each([
    "",
    "$claim",
    "ALICE",
    "alice\0",
    "al\x1b[2Jice",
    "../alice",
    "a".repeat(33),
    "alice ",
    "älice",
  ])("what is no name is refused without a look: %j", async (name) => {
    expect(await accounts.verify(name, "x", HERE)).toBe("refused");
    expect((await failure(() => accounts.add(name, false))).code).toBe("bad-name");
  });

  test("a remembered password ends with a reset and with the user", async () => {
    const password = await addAlice();
    expect(await accounts.verify("alice", password, HERE)).toBe("ok");
    expect(await accounts.verify("alice", password, HERE)).toBe("ok");
    accounts.clearPassword("alice", false);
    expect(await accounts.verify("alice", password, HERE)).toBe("refused");
    const second = await accounts.drawPassword("alice");
    expect(await accounts.verify("alice", second, HERE)).toBe("ok");
    accounts.remove("alice");
    expect(await accounts.verify("alice", second, HERE)).toBe("refused");
    expect((await failure(() => accounts.remove("alice"))).code).toBe("not-there");
  });

  test("a reset while the old password is being checked wins", async () => {
    const password = await addAlice();
    const checking = accounts.verify("alice", password, HERE);
    accounts.clearPassword("alice", false);
    expect(await checking).toBe("refused");
  });

  test("no password stands in the database", async () => {
    const password = await addAlice();
    await accounts.verify("alice", password, HERE);
    const text = JSON.stringify(database.prepare("SELECT * FROM accounts").all());
    expect(text).toContain("$argon2id$");
    expect(text).not.toContain(password);
  });
});

describe("guessing", () => {
  async function guessUntilThrottled(user: (n: number) => string, from: (n: number) => string) {
    for (let n = 0; n < 500; n++) {
      if ((await accounts.verify(user(n), "guess", from(n))) === "throttled") return n;
    }
    return 500;
  }

  test("one place is stopped, whatever the names; others and known machines still come in", async () => {
    const password = await addAlice();
    expect(await accounts.verify("alice", password, HERE)).toBe("ok");
    const guesses = await guessUntilThrottled(
      (n) => `user${n}`,
      () => HERE,
    );
    expect(guesses).toBe(4);
    // The right password of a stranger to this memory waits like any other here ...
    accounts.add("bob", true);
    const bobs = await accounts.drawPassword("bob");
    expect(await accounts.verify("bob", bobs, HERE)).toBe("throttled");
    // ... but not elsewhere, and a machine that was in before is let in even here.
    expect(await accounts.verify("bob", bobs, "192.0.2.99")).toBe("ok");
    expect(await accounts.verify("alice", password, HERE)).toBe("ok");
    seconds += 11;
    expect(await accounts.verify("alice", "guess", HERE)).toBe("refused");
    expect(await accounts.verify("alice", "guess", HERE)).toBe("throttled");
  });

  test("one user is guarded against many places, too", async () => {
    const password = await addAlice();
    expect(
      await guessUntilThrottled(
        () => "alice",
        (n) => `192.0.2.${n}`,
      ),
    ).toBe(6);
    expect(await accounts.verify("alice", password, "198.51.100.1")).toBe("throttled");
    seconds += 11;
    expect(await accounts.verify("alice", password, "198.51.100.1")).toBe("ok");
  });

  test("a user who does not exist costs argon2 like one who does: the answer is not there at once", async () => {
    const order: string[] = [];
    const verdict = accounts.verify("nobody", "guess", HERE).then((word) => order.push(word));
    await new Promise<void>((resolve) => setImmediate(resolve));
    order.push("the next turn of the event loop");
    await verdict;
    expect(order).toEqual(["the next turn of the event loop", "refused"]);
  });

  test("tries at the same moment are charged before their verdicts", async () => {
    await addAlice();
    const verdicts = await Promise.all(
      Array.from({ length: 12 }, () => accounts.verify("alice", "guess", HERE)),
    );
    expect(verdicts.filter((verdict) => verdict === "refused").length).toBe(4);
  });

  test("many places at one user are stopped too, and a right password costs nothing", () => {
    const buckets = new FailureBuckets({ burst: 3, forgiveSeconds: 10 }, () => seconds);
    expect([1, 2, 3, 4].map(() => buckets.charge("alice"))).toEqual([true, true, true, false]);
    buckets.refund("alice");
    expect(buckets.charge("alice")).toBe(true);
    expect(buckets.charge("bob")).toBe(true);
    seconds += 10;
    expect([1, 2].map(() => buckets.charge("alice"))).toEqual([true, false]);
  });

  test.each([
    ["192.0.2.1", "::ffff:192.0.2.1", true],
    ["2001:db8:1:2::1", "2001:db8:1:2:ffff:1:2:3", true],
    ["2001:db8:1:2::1", "2001:db8:1:3::1", false],
    ["2001:db8::1", "2001:db8:0:0:1::", true],
    ["fe80::1%eth0", "fe80::2", true],
    ["::1", "192.0.2.1", false],
  ])("%s and %s are one place: %s", (a, b, same) => {
    expect(placeOf(a) === placeOf(b)).toBe(same);
  });
});
