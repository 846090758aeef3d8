/** The registry as one thing that is opened, kept up to date and opened again. */
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createCa, issueServer } from "../wire/certificates.ts";
import { addEnrolled, contact, openScratch, openTestRegistry, readCode } from "./registry-fixture.ts";

const scratch = openScratch();
const DAY = 86_400;

test("everything is there again after a restart", async () => {
  const dir = scratch.folder();
  const first = await openTestRegistry(dir);
  const { recipient, bootShare } = await addEnrolled(first, "lobby");
  const access = await first.handlers["user.add"]({ name: "bob", standard: true });
  const again = await openTestRegistry(dir);
  expect(again.registry.directory.target("lobby")?.printers).toEqual([{ printer: "lobby", agent: "lobby" }]);
  expect([...again.registry.lists.current()].map(({ list }) => String(list))).toEqual([
    `# platen recipients of lobby\n# lobby\n${recipient}\n`,
  ]);
  expect(Buffer.from(again.registry.bootShares.get("lobby") ?? []).toString("base64")).toBe(bootShare);
  const password = access.kind === "standard" ? access.password : "";
  expect(await again.registry.accounts.verify("bob", password, "192.0.2.1")).toBe("ok");
  expect(statSync(dir).mode & 0o777).toBe(0o700);
});

test("another CA than the one people pinned is told, until each came anew", async () => {
  const dir = scratch.folder();
  const own = scratch.folder();
  const first = await openTestRegistry(dir, {}, { now: Math.floor(Date.now() / 1000) });
  await addEnrolled(first, "lobby");
  await first.handlers["user.add"]({ name: "bob", standard: true });
  const invited = await first.handlers["user.add"]({ name: "alice", standard: false });
  const invite = readCode("invite", invited.kind === "invite" ? invited.code : null);
  await contact(first, invite, { password: "p".repeat(43) });
  expect(first.registry.warnings()).toEqual([]);

  const issued = await issueServer(await createCa("CN=House CA"), { dns: ["house.example"] });
  writeFileSync(join(own, "own.pem"), issued.cert);
  writeFileSync(join(own, "own.key"), issued.key);
  const tls = { cert: join(own, "own.pem"), key: join(own, "own.key") };
  const second = await openTestRegistry(dir, { tls }, first.clock);
  expect(second.warnings.map(({ kind }) => kind)).toEqual(["authority-changed"]);
  expect(second.warnings[0]?.sentence).toContain("agent lobby, user alice, user bob");
  await second.handlers["user.reset"]({ name: "bob", standard: true });
  await second.handlers["user.reset"]({ name: "alice", standard: false });
  await second.handlers["printer.revoke"]({ name: "lobby" });
  expect(second.registry.warnings()).toEqual([]);
});

test("an agent that stays away past its certificate is told of in time", async () => {
  const opened = await openTestRegistry(scratch.folder());
  await addEnrolled(opened, "lobby");
  opened.clock.now += 330 * DAY;
  await opened.registry.maintain();
  expect(opened.warnings).toEqual([]);
  opened.clock.now += 10 * DAY;
  await opened.registry.maintain();
  await opened.registry.maintain();
  expect(opened.warnings.map(({ kind, subject }) => `${kind} ${subject}`)).toEqual([
    "agent-certificate-ending lobby",
  ]);
  // Of all of them at once: then it may as well be the clock.
  opened.clock.now += 30 * DAY;
  expect(opened.registry.warnings().map(({ kind }) => kind)).toContain("clock-doubtful");
});

test("of one that stayed away for too long it is told what is left to do", async () => {
  const opened = await openTestRegistry(scratch.folder());
  await addEnrolled(opened, "lobby");
  opened.clock.now += 300 * DAY;
  await addEnrolled(opened, "cellar");
  opened.clock.now += 66 * DAY;
  const warning = opened.registry.warnings().find(({ subject }) => subject === "lobby");
  expect(warning?.sentence).toMatch(/“lobby” ended on .* What it holds .*platen printer replace/);
});

test("a disk that takes no new signature is told, and the hour after it is tried again", async () => {
  const opened = await openTestRegistry(scratch.folder());
  await addEnrolled(opened, "lobby");
  const { database } = opened.registry;
  database.exec(
    "CREATE TRIGGER full BEFORE UPDATE ON signed_lists BEGIN SELECT RAISE(ABORT, 'disk full'); END",
  );
  opened.clock.now += 16 * DAY;
  await opened.registry.maintain();
  expect(opened.warnings.map(({ kind }) => kind)).toEqual(["list-failed"]);
  database.exec("DROP TRIGGER full");
  await opened.registry.maintain();
  expect(opened.registry.lists.status()).toMatchObject([{ target: "lobby", state: "signed", serial: 2 }]);
});
