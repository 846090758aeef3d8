/** Signed lists as senders get them: verified by the same code, by minisign and by age. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type PendingList, readBundle, signPending } from "../../broker/fleet-bundle.ts";
import type { SignedList } from "../../broker/registry-port.ts";
import { fingerprintRecipient } from "../../wire/fingerprint.ts";
import {
  type FleetKey,
  formatPublicKey,
  formatSecretKeyFile,
  generateFleetKey,
} from "../../wire/minisign.ts";
import { formatList, formatTerms, parseTerms, signList, verifyList } from "../../wire/recipients.ts";
import { needsProgram } from "./programs.ts";
import {
  addEnrolled,
  contact,
  createClaim,
  failure,
  openScratch,
  openTestRegistry,
  readCode,
  type TestRegistry,
} from "./registry-fixture.ts";

const DAY = 86_400;
const scratch = openScratch();

function find(test: TestRegistry, target: string): SignedList | undefined {
  return [...test.registry.lists.current()].find((list) => list.target === target);
}

function verify(test: TestRegistry, target: string, seen = 0) {
  const list = find(test, target);
  if (!list) throw new Error(`${target} is not offered`);
  return verifyList(test.registry.fleet.publicKey, list, seen, test.clock.now);
}

function record(test: TestRegistry): string[] {
  const changes: string[] = [];
  test.registry.lists.onChange((target, list) => {
    changes.push(list ? `${target} ${readSerial(list)}` : `${target} -`);
  });
  return changes;
}

function readSerial(list: SignedList): number {
  const comment = /^trusted comment: (.*)$/m.exec(Buffer.from(list.minisig).toString())?.[1] ?? "";
  return parseTerms(comment)?.serial ?? 0;
}

describe("with the fleet key at the broker", () => {
  test("a printer is offered from its agent's first hello on, with its languages", async () => {
    const opened = await openTestRegistry(scratch.folder());
    const changes = record(opened);
    await opened.handlers["printer.add"]({ name: "attic" });
    const { recipient } = await addEnrolled(opened, "lobby", ["text", "pdf", "text", "NO", "\0"]);
    expect(verify(opened, "lobby")).toEqual({
      target: "lobby",
      serial: 1,
      expires: opened.clock.now + 30 * DAY,
      otp: 8,
      languages: ["pdf", "text"],
      recipients: [recipient],
    });
    expect(find(opened, "attic")).toBeUndefined();
    expect(changes).toEqual(["lobby 1"]);
  });

  test("the serial goes up by one at each change, and a hello that says nothing new changes nothing", async () => {
    const opened = await openTestRegistry(scratch.folder());
    const { directory } = opened.registry;
    await addEnrolled(opened, "lobby");
    const changes = record(opened);
    directory.recordHello("lobby", [{ name: "lobby", languages: ["text", "pdf"], raw: false }]);
    expect(changes).toEqual([]);
    directory.recordHello("lobby", [{ name: "lobby", languages: ["text"], raw: false }]);
    expect(changes).toEqual(["lobby 2"]);
    expect(verify(opened, "lobby").languages).toEqual(["text"]);
  });

  test("a group has all its printers, what they all speak, and longer OTPs when it is large", async () => {
    const opened = await openTestRegistry(scratch.folder());
    const names = ["p1", "p2", "p3", "p4", "p5"];
    for (const name of names) await addEnrolled(opened, name, name === "p3" ? ["pdf"] : ["pdf", "text"]);
    await opened.handlers["group.add"]({ name: "small", printers: names.slice(0, 4) });
    await opened.handlers["group.add"]({ name: "large", printers: names });
    expect(verify(opened, "small")).toMatchObject({ otp: 8, languages: ["pdf"] });
    expect(verify(opened, "large").otp).toBe(10);
    expect(verify(opened, "large").recipients.length).toBe(5);
    expect(Buffer.from(find(opened, "small")?.list ?? []).toString()).toMatch(/^# p1\nage1/m);
  });

  test("lists renew themselves at half of their life, with a new serial", async () => {
    const opened = await openTestRegistry(scratch.folder());
    await addEnrolled(opened, "lobby");
    const changes = record(opened);
    opened.clock.now += 15 * DAY - 1;
    await opened.registry.maintain();
    expect(changes).toEqual([]);
    opened.clock.now += 1;
    await opened.registry.maintain();
    expect(changes).toEqual(["lobby 2"]);
    expect(verify(opened, "lobby", 1).expires).toBe(opened.clock.now + 30 * DAY);
    expect(opened.warnings).toEqual([]);
  });

  test("a revoked printer's list is withdrawn, a group's is signed again without it", async () => {
    const opened = await openTestRegistry(scratch.folder());
    await addEnrolled(opened, "lobby");
    const attic = await addEnrolled(opened, "attic");
    await opened.handlers["group.add"]({ name: "all", printers: ["lobby", "attic"] });
    const changes = record(opened);
    await opened.handlers["printer.revoke"]({ name: "lobby" });
    expect(changes).toEqual(["lobby -", "all 2"]);
    expect(verify(opened, "all").recipients).toEqual([attic.recipient]);
    expect(opened.registry.directory.target("lobby")).toBeNull();
  });

  test("a serial never comes twice, though the target was removed and made again", async () => {
    const opened = await openTestRegistry(scratch.folder());
    await addEnrolled(opened, "lobby");
    await opened.handlers["group.add"]({ name: "all", printers: ["lobby"] });
    await opened.handlers["group.remove"]({ name: "all" });
    expect(find(opened, "all")).toBeUndefined();
    await opened.handlers["group.add"]({ name: "all", printers: ["lobby"] });
    expect(verify(opened, "all", 2).serial).toBe(2);
  });

  test("after a restart the same lists are there, and a changed policy is signed", async () => {
    const dir = scratch.folder();
    const opened = await openTestRegistry(dir);
    await addEnrolled(opened, "lobby");
    const before = find(opened, "lobby");
    const again = await openTestRegistry(dir);
    expect(find(again, "lobby")).toEqual(before);
    const longer = await openTestRegistry(dir, { policy: { otpDigits: 9 } });
    expect(verify(longer, "lobby")).toMatchObject({ serial: 2, otp: 9 });
  });

  test("with autoSign off, a new printer waits for a person; renewals and removals do not", async () => {
    const opened = await openTestRegistry(scratch.folder(), { fleet: { autoSign: false } });
    const { recipient } = await addEnrolled(opened, "lobby");
    expect(find(opened, "lobby")).toBeUndefined();
    const { pending } = await opened.handlers["fleet.status"]({});
    expect(pending[0]?.fingerprints).toEqual([
      { printer: "lobby", fresh: true, fingerprint: fingerprintRecipient(recipient) },
    ]);
    expect(await opened.handlers["fleet.sign"]({})).toEqual({ signed: ["lobby"] });
    opened.clock.now += 16 * DAY;
    await opened.registry.maintain();
    expect(verify(opened, "lobby").serial).toBe(2);
  });
});

describe("with the fleet key elsewhere", () => {
  async function openElsewhere(settings: Record<string, unknown> = {}) {
    const key = generateFleetKey();
    const opened = await openTestRegistry(scratch.folder(), {
      ...settings,
      fleet: { publicKey: formatPublicKey(key) },
    });
    return { ...opened, key };
  }

  test("export, sign there, import: then the printer is offered", async () => {
    const opened = await openElsewhere();
    const { recipient } = await addEnrolled(opened, "lobby");
    expect(find(opened, "lobby")).toBeUndefined();
    expect(opened.registry.directory.target("lobby")).toBeNull();
    const { bundle } = await opened.handlers["fleet.export"]({});
    expect(readBundle(bundle)[0]?.fingerprints[0]?.fingerprint).toBe(fingerprintRecipient(recipient));
    const changes = record(opened);
    expect(await opened.handlers["fleet.import"]({ bundle: signPending(opened.key, bundle) })).toEqual({
      signed: ["lobby"],
    });
    expect(changes).toEqual(["lobby 1"]);
    expect(verify(opened, "lobby").recipients).toEqual([recipient]);
    expect((await opened.handlers["fleet.status"]({})).pending).toEqual([]);
  });

  test("what changed after the export is not taken, and neither is the same file twice", async () => {
    const opened = await openElsewhere();
    await addEnrolled(opened, "lobby");
    const { bundle } = await opened.handlers["fleet.export"]({});
    const signed = signPending(opened.key, bundle);
    opened.registry.directory.recordHello("lobby", [{ name: "lobby", languages: ["pcl"], raw: false }]);
    expect((await failure(() => opened.handlers["fleet.import"]({ bundle: signed }))).code).toBe(
      "lists-refused",
    );
    const fresh = signPending(opened.key, opened.registry.lists.export());
    opened.registry.lists.import(fresh);
    expect((await failure(() => opened.registry.lists.import(fresh))).code).toBe("lists-refused");
    expect(verify(opened, "lobby").languages).toEqual(["pcl"]);
  });

  type Forge = (list: PendingList, key: FleetKey) => string;
  const sign = (key: FleetKey, list: PendingList) =>
    signList(key, formatList(list.target, list.printers), list);
  const forgeries: [string, Forge][] = [
    ["another key signed it", (list) => sign(generateFleetKey(), list)],
    ["a printer was left out", (list, key) => sign(key, { ...list, printers: list.printers.slice(1) })],
    ["the languages differ", (list, key) => sign(key, { ...list, languages: ["pcl"] })],
    ["the OTP is shorter", (list, key) => sign(key, { ...list, otp: 8 })],
    ["it is another target's", (list, key) => sign(key, { ...list, target: "p1" })],
    ["it is over already", (list, key, now = 1_800_000_000) => sign(key, { ...list, expires: now })],
    [
      "the serial is that of the list on offer",
      (list, key) => sign(key, { ...list, serial: list.serial - 1 }),
    ],
    ["it is rubbish", () => "\0rubbish"],
  ];

  test("nothing of a file is taken when one signature in it is not good", async () => {
    const opened = await openElsewhere({ policy: { largeGroupPrinters: 1 } });
    const { lists, directory } = opened.registry;
    const names = ["p1", "p2"];
    for (const name of names) await addEnrolled(opened, name);
    await opened.handlers["group.add"]({ name: "all", printers: names });
    lists.import(signPending(opened.key, lists.export()));
    for (const name of names) directory.recordHello(name, [{ name, languages: ["text"], raw: false }]);
    const before = [...lists.current()];
    const pending = lists.pending();
    const honest = pending.map((list) => ({ target: list.target, minisig: sign(opened.key, list) }));
    const all = pending.find(({ target }) => target === "all");
    if (!all) throw new Error("the group does not wait");
    for (const [what, forge] of forgeries) {
      const forged = { target: "all", minisig: forge(all, opened.key) };
      const file = [...honest.filter(({ target }) => target !== "all"), forged];
      const error = await failure(() => lists.import(JSON.stringify({ v: 1, lists: file })));
      expect(error.code, what).toBe("lists-refused");
      expect([...lists.current()], what).toEqual(before);
    }
    lists.import(JSON.stringify({ v: 1, lists: honest }));
    expect(verify(opened, "all", 2).serial).toBe(2);
  });

  test("what is no file of signatures, or for nobody, is refused", async () => {
    const { lists } = (await openElsewhere()).registry;
    const stranger = '{"v":1,"lists":[{"target":"cellar","minisig":""}]}';
    for (const text of ["", "\0rubbish", "{}", stranger, "A".repeat(2_000_000)]) {
      expect((await failure(() => lists.import(text))).code).toBe("lists-refused");
    }
  });

  test("the machine with the key refuses another fleet's bundle and rubbish", async () => {
    const opened = await openElsewhere();
    await addEnrolled(opened, "lobby");
    const bundle = opened.registry.lists.export();
    expect((await failure(() => signPending(generateFleetKey(), bundle))).code).toBe("lists-refused");
    const hostile = bundle.replace('"printer": "lobby"', '"printer": "a\\nage1evil"');
    for (const text of ["", "{}", hostile, "A".repeat(2_000_000)]) {
      expect((await failure(() => signPending(opened.key, text))).code).toBe("lists-refused");
    }
  });

  test("a list nobody renews is told of in time, once, and stays on offer for its clients to judge", async () => {
    const opened = await openElsewhere();
    await addEnrolled(opened, "lobby");
    opened.registry.lists.import(signPending(opened.key, opened.registry.lists.export()));
    opened.clock.now += 23 * DAY;
    await opened.registry.maintain();
    await opened.registry.maintain();
    expect(opened.warnings.map(({ kind, subject }) => `${kind} ${subject}`)).toEqual(["list-ending lobby"]);
    expect((await opened.handlers.status({})).warnings.length).toBe(1);
    expect(opened.registry.lists.pending().map(({ target, serial }) => `${target} ${serial}`)).toEqual([
      "lobby 2",
    ]);
    opened.clock.now += 8 * DAY;
    await opened.registry.maintain();
    expect((await failure(() => verify(opened, "lobby"))).code).toBe("list-expired");
  });

  test("a replaced printer is not offered under the old signature", async () => {
    const opened = await openElsewhere();
    await addEnrolled(opened, "lobby");
    const attic = await addEnrolled(opened, "attic");
    await opened.handlers["group.add"]({ name: "all", printers: ["lobby", "attic"] });
    opened.registry.lists.import(signPending(opened.key, opened.registry.lists.export()));
    const replaced = await opened.handlers["printer.replace"]({ name: "lobby" });
    expect(find(opened, "lobby")).toBeUndefined();
    // The group goes on with who is left: the revoked one can neither connect nor open anything.
    const { directory } = opened.registry;
    expect(directory.target("all")?.printers).toEqual([{ printer: "attic", agent: "attic" }]);
    const fresh = await createClaim();
    expect((await contact(opened, readCode("claim", replaced.code), fresh)).ok).toBe(true);
    expect(opened.registry.lists.status().find(({ target }) => target === "lobby")?.state).toBe("none");
    directory.recordHello("lobby", [{ name: "lobby", languages: ["pdf", "text"], raw: false }]);
    // Enrolled anew it is another machine: nobody signed for it yet.
    expect(directory.target("lobby")).toBeNull();
    expect(directory.target("all")?.printers).toEqual([{ printer: "attic", agent: "attic" }]);
    opened.registry.lists.import(signPending(opened.key, opened.registry.lists.export()));
    expect(verify(opened, "all").recipients).toEqual([attic.recipient, fresh.recipient]);
    expect(directory.target("all")?.printers.length).toBe(2);
  });
});

describe("other people's programs", () => {
  test("minisign verifies our list, and its trusted comment says the terms", async ({ skip }) => {
    needsProgram("minisign", skip);
    const dir = scratch.folder();
    const opened = await openTestRegistry(dir);
    await addEnrolled(opened, "lobby");
    const list = find(opened, "lobby");
    writeFileSync(join(dir, "lobby.txt"), list?.list ?? "");
    writeFileSync(join(dir, "lobby.txt.minisig"), list?.minisig ?? "");
    const run = spawnSync("minisign", ["-V", "-p", "fleet/fleet.pub", "-m", "lobby.txt"], {
      cwd: dir,
      encoding: "utf8",
    });
    expect(run.status, run.stderr).toBe(0);
    expect(run.stdout).toContain(
      `platen target=lobby serial=1 expires=${opened.clock.now + 30 * DAY} otp=8 languages=pdf,text`,
    );
    writeFileSync(
      join(dir, "lobby.txt"),
      Buffer.concat([list?.list ?? Buffer.alloc(0), Buffer.from("age1evil\n")]),
    );
    expect(
      spawnSync("minisign", ["-V", "-p", "fleet/fleet.pub", "-m", "lobby.txt"], { cwd: dir }).status,
    ).not.toBe(0);
  });

  test("minisign signs with our secret key file, and the broker takes it", async ({ skip }) => {
    needsProgram("minisign", skip);
    const dir = scratch.folder();
    const key = generateFleetKey();
    writeFileSync(join(dir, "fleet.key"), formatSecretKeyFile(key), { mode: 0o600 });
    const opened = await openTestRegistry(dir, { fleet: { publicKey: formatPublicKey(key) } });
    await addEnrolled(opened, "lobby");
    const [pending] = readBundle(opened.registry.lists.export());
    if (!pending) throw new Error("nothing waits");
    writeFileSync(join(dir, "lobby.txt"), formatList("lobby", pending.printers));
    const args = ["-S", "-s", "fleet.key", "-m", "lobby.txt", "-t", formatTerms(pending)];
    const run = spawnSync("minisign", args, { cwd: dir, encoding: "utf8" });
    expect(run.status, run.stderr).toBe(0);
    const minisig = readFileSync(join(dir, "lobby.txt.minisig"), "utf8");
    opened.registry.lists.import(JSON.stringify({ v: 1, lists: [{ target: "lobby", minisig }] }));
    expect(verify(opened, "lobby").serial).toBe(1);
  });

  test("age -R reads the list", async ({ skip }) => {
    needsProgram("age", skip);
    const dir = scratch.folder();
    const opened = await openTestRegistry(dir);
    await addEnrolled(opened, "lobby");
    writeFileSync(join(dir, "lobby.txt"), find(opened, "lobby")?.list ?? "");
    const run = spawnSync("age", ["-R", "lobby.txt", "-o", "out.age", "lobby.txt"], {
      cwd: dir,
      encoding: "utf8",
    });
    expect(run.status, run.stderr).toBe(0);
  });
});
