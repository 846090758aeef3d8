/** What a start makes of what the last run left, state by state. */
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "../../agent/database.ts";
import { MIGRATIONS } from "../../agent/schema.table.ts";
import { isPlatenError } from "../../wire/error.ts";
import { Keeping, OTP } from "./keeping.ts";

let keeping: Keeping;
beforeEach(async () => {
  keeping = await Keeping.open();
});
afterEach(() => keeping.close());

/** Changes the database as a crash might have left it, then starts again. */
async function restartWith(sql: string): Promise<void> {
  await keeping.keeper.stop(0);
  const db = new Database(join(keeping.dir, "jobs.db"));
  db.exec(sql);
  db.close();
  await keeping.start();
}

test("`arriving` is thrown away and fetched again", async () => {
  const sealed = await keeping.seal({});
  const ticket = keeping.ticket({}, sealed.length);
  const arrival = await keeping.keeper.arrivals.begin(ticket);
  await arrival.push(sealed);
  await keeping.keeper.stop(0);
  writeFileSync(join(keeping.dir, "spool", `${arrival.attempt}.sealed`), "left behind");
  await keeping.start();
  expect(keeping.spooled()).toEqual([]);
  expect(keeping.keeper.arrivals.consider(ticket)).toBe("fetch");
  expect(await keeping.submit({ sealed })).toBe("held");
});

test("`releasing` is held again, its OTP stays good", async () => {
  await keeping.submit({});
  await restartWith("UPDATE job SET state = 'releasing'");
  expect(keeping.last()).toMatchObject({ state: "held", final: false });
  expect(await keeping.enter()).toMatchObject({ kind: "released" });
});

test("`printing` is interrupted for `power`: nothing prints by itself, the same OTP prints it", async () => {
  await keeping.submit({});
  await restartWith("UPDATE job SET state = 'printing', printer = 'lobby'");
  expect(keeping.last()).toMatchObject({ state: "interrupted", reason: "power", final: false, bytes: null });
  expect(keeping.printer.jobs).toEqual([]);
  keeping.time.pass(599);
  expect(await keeping.enter()).toMatchObject({ kind: "released" });
  await keeping.destroyed();
  expect(keeping.panel.find(({ kind }) => kind === "printing")).toMatchObject({ second: true });
});

test("`interrupted` waits its grace from the start on where none had begun, and is final after it", async () => {
  await keeping.submit({});
  await restartWith("UPDATE job SET state = 'interrupted', again = 1, reason = 'paper'");
  keeping.time.pass(599);
  expect(keeping.keeper.held()).toBe(1);
  keeping.time.pass(1);
  expect(await keeping.enter()).toEqual({ kind: "not-accepted" });
});

test("a grace is running time, and no restart prolongs it: each costs a minute", async () => {
  await keeping.submit({});
  await restartWith("UPDATE job SET state = 'interrupted', again = 1, reason = 'paper'");
  // Off: that does not count.
  keeping.time.wallS += 86_400;
  for (let i = 0; i < 8; i++) await keeping.restart();
  keeping.time.pass(59);
  expect(keeping.printer.jobs).toEqual([]);
  await keeping.restart();
  expect(keeping.keeper.held()).toBe(1);
  await keeping.restart();
  expect(keeping.keeper.held()).toBe(0);
  expect(keeping.last()).toMatchObject({ state: "interrupted", reason: "paper", final: true });
});

test("an end is completed: what its job left in the spool goes", async () => {
  await keeping.submit({});
  await restartWith("UPDATE job SET state = 'delivered', final = 1, record = NULL");
  expect(keeping.spooled()).toEqual([]);
  expect(await keeping.enter()).toEqual({ kind: "not-accepted" });
});

test.each([
  ["cut short", (path: string) => truncateSync(path, 10)],
  ["emptied", (path: string) => truncateSync(path, 0)],
])("a spool file %s ends its own job as lost, and no other", async (_, damage) => {
  await keeping.submit({});
  const [name = ""] = keeping.spooled();
  await keeping.submit({ job: "job-00000002", manifest: { otp: "70617263" } });
  damage(join(keeping.dir, "spool", name));
  await keeping.restart();
  expect(keeping.last()).toMatchObject({ state: "rejected", reason: "lost", final: true });
  expect(keeping.spooled()).toHaveLength(1);
  expect(await keeping.enter("70617263")).toMatchObject({ kind: "released" });
});

test("a damaged record ends its job as lost when its OTP comes, and no other", async () => {
  await keeping.submit({});
  await keeping.submit({ job: "job-00000002", manifest: { otp: "70617263" } });
  const db = new Database(join(keeping.dir, "jobs.db"));
  db.exec("UPDATE job SET record = zeroblob(80) WHERE job = 'job-00000001'");
  db.close();
  expect(await keeping.enter()).toEqual({ kind: "not-accepted" });
  expect(keeping.last()).toMatchObject({ state: "rejected", reason: "lost" });
  expect(await keeping.enter("70617263")).toMatchObject({ kind: "released" });
});

test("orphans of the spool go at the start", async () => {
  await keeping.submit({});
  for (const name of ["0123456789abcdef.sealed", "stray.txt"])
    writeFileSync(join(keeping.dir, "spool", name), "x");
  await keeping.restart();
  expect(keeping.spooled()).toHaveLength(1);
});

test("events wait in the outbox over a restart, in order, until they are confirmed", async () => {
  await keeping.submit({});
  await keeping.restart();
  const pending = keeping.keeper.outbox.pending(10);
  expect(pending.map(({ state }) => state)).toEqual(["arriving", "held"]);
  expect(pending).toEqual(keeping.events);
  keeping.keeper.outbox.confirm([pending[0]?.id ?? "", "no such event"]);
  expect(keeping.keeper.outbox.pending(10)).toEqual(pending.slice(1));
  expect(keeping.keeper.outbox.pending(0)).toEqual([]);
});

test("nothing on the card holds the OTP, the tag, the share, the name or the document", async () => {
  const document = Buffer.from("a sentence that nobody else would write 7f3a");
  await keeping.submit({ document, manifest: { name: "quarterly-canary.pdf" } });
  const [share] = keeping.keeper.reputAll();
  const bytes = readdirSync(keeping.dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
  const all = Buffer.concat(bytes);
  for (const secret of [
    document,
    Buffer.from(OTP),
    Buffer.from("quarterly-canary"),
    Buffer.from(share?.tag ?? "", "base64"),
    Buffer.from(share?.share ?? "", "base64"),
  ]) {
    expect(secret.length).toBeGreaterThan(7);
    expect(all.includes(secret)).toBe(false);
  }
  expect(all.includes("job-00000001")).toBe(true);
});

test("files are the owner's only", async () => {
  await keeping.submit({});
  const mode = (path: string): number => statSync(path).mode & 0o777;
  expect(mode(join(keeping.dir, "spool"))).toBe(0o700);
  expect(mode(join(keeping.dir, "jobs.db"))).toBe(0o600);
  expect(mode(join(keeping.dir, "spool", keeping.spooled()[0] ?? ""))).toBe(0o600);
});

test("a database of a newer version is left alone", async () => {
  await keeping.keeper.stop(0);
  const path = join(keeping.dir, "jobs.db");
  const db = new Database(path);
  db.pragma("user_version = 99");
  db.close();
  expect(() => openDatabase(path)).toThrow(
    expect.toSatisfy((error) => isPlatenError(error, "schema-mismatch")),
  );
  const again = new Database(path);
  expect(again.prepare("SELECT count(*) FROM job").pluck().get()).toBe(0);
  again.pragma(`user_version = ${MIGRATIONS.length}`);
  again.close();
  await keeping.start();
});
