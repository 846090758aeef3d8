/** Delivered, and confirmed by nobody: the same OTP prints it once more for its grace time. Real programs, real time. */
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cancelJob } from "../../client/cancel.ts";
import { listJobs } from "../../client/follow.ts";
import { openSession } from "../../client/session.ts";
import { Fleet, type Sender } from "./fleet.ts";

let fleet: Fleet;
let alice: Sender;

beforeAll(async () => {
  fleet = await Fleet.start();
  await fleet.addAgent({ lobby: {} });
  // Long enough to type in, short enough to wait for; longer than a restart costs.
  await fleet.addAgent({ hall: {} }, "[policy]\ndeliveredGraceSeconds = 4\n");
  await fleet.admin("group.add", { name: "floor", printers: ["lobby", "hall"] });
  alice = await fleet.addSender("alice");
  await Promise.all([fleet.startAgent("lobby"), fleet.startAgent("hall")]);
});
afterAll(() => fleet.close());

async function print(agent: string, target = agent) {
  const body = randomBytes(50_000);
  const file = fleet.path("document.bin");
  writeFileSync(file, body);
  const { jobs, otp } = await fleet.send(alice, target, [file], { raw: true });
  const job = jobs[0]!.job;
  // A group's job may be held at the other one first.
  await fleet.program(agent).waitFor((line) => line.event === "held" && line.job === job, "held", 20_000);
  await fleet.type(agent, `${otp}\n`);
  expect(await fleet.follow(alice, job)).toMatchObject({ state: "delivered", reason: null });
  return { job, otp, body };
}

const statusOf = async (job: string) => {
  const session = await openSession(alice.profile);
  const jobs = await listJobs(session).finally(() => session.close());
  return jobs.get(job);
};
const spool = (agent: string) => readdirSync(fleet.path(agent, "jobs", "spool"));
const copies = (agent: string, body: Buffer) => fleet.printed(agent).filter((out) => out.equals(body)).length;
const entries = async (job: string) =>
  (await fleet.admin("audit", { limit: 500 })).entries.filter((entry) => entry.job === job).toReversed();
const gone = (agent: string, job: string) =>
  fleet.program(agent).waitFor((line) => line.event === "destroyed" && line.job === job, "destroyed", 40_000);

/** Types an OTP that is no longer good. */
async function refuse(agent: string, otp: string): Promise<void> {
  const count = () => fleet.program(agent).lines.filter(({ verdict }) => verdict === "not-accepted").length;
  const before = count();
  await fleet.type(agent, `${otp}\n`);
  await fleet.program(agent).waitFor(() => count() > before, "refused", 10_000);
}

async function expectNothingKept(agent: string, job: string): Promise<void> {
  expect(spool(agent)).toEqual([]);
  const db = new Database(fleet.path(agent, "jobs", "jobs.db"), { readonly: true });
  expect(db.prepare("SELECT final, record FROM job WHERE job = ?").get(job)).toEqual({
    final: 1,
    record: null,
  });
  db.close();
  await expect
    .poll(() => readFileSync(fleet.path("broker", "escrow.slots")).includes(job), { timeout: 10_000 })
    .toBe(false);
  expect(await statusOf(job)).toMatchObject({ state: "delivered" });
  expect(await statusOf(job)).not.toHaveProperty("until");
}

test("the same OTP prints a second copy, marked so for everybody; then it is gone, and the OTP is refused", async () => {
  const { job, otp, body } = await print("lobby");
  const { until = 0, at } = (await statusOf(job)) ?? {};
  expect(until - (at ?? 0)).toBeGreaterThan(500);
  expect(readdirSync(fleet.path("broker", "jobs"))).toEqual([]);
  await fleet.type("lobby", `${otp}\n`);
  await gone("lobby", job);
  expect(copies("lobby", body)).toBe(2);
  await expect.poll(() => statusOf(job)).not.toHaveProperty("until");
  await expectNothingKept("lobby", job);
  const told = await entries(job);
  expect(told.filter(({ state }) => state === "delivered").map(({ again }) => again)).toEqual([false, true]);
  await refuse("lobby", otp);
  expect(copies("lobby", body)).toBe(2);
});

test("after the grace time everything is gone, the ledger counts one copy, and the OTP is refused", async () => {
  const { job, otp, body } = await print("hall");
  const { ms: destroyedMs } = await gone("hall", job);
  const delivered = fleet
    .program("hall")
    .lines.find((line) => line.job === job && line.state === "delivered");
  expect(Number(destroyedMs) - Number(delivered?.ms)).toBeGreaterThan(3900);
  await expect.poll(() => statusOf(job)).not.toHaveProperty("until");
  await expectNothingKept("hall", job);
  expect((await entries(job)).filter(({ state }) => state === "delivered")).toHaveLength(1);
  await refuse("hall", otp);
  expect(copies("hall", body)).toBe(1);
});

test("power cut while it is open: it stays delivered and open, and prints once more", async () => {
  const { job, otp, body } = await print("lobby");
  await fleet.kill("lobby");
  const agent = await fleet.startAgent("lobby");
  await agent.waitFor(({ event }) => event === "ready", "ready", 20_000);
  expect(await statusOf(job)).toMatchObject({ state: "delivered" });
  await fleet.type("lobby", `${otp}\n`);
  await gone("lobby", job);
  expect(copies("lobby", body)).toBe(2);
});

test("cancelled by its sender while it is open: it stays delivered, and nothing is kept", async () => {
  const { job, otp, body } = await print("lobby");
  const session = await openSession(alice.profile);
  const status = await cancelJob(session, job).finally(() => session.close());
  expect(status).toMatchObject({ state: "delivered", reason: null });
  expect(status).not.toHaveProperty("until");
  await expectNothingKept("lobby", job);
  await refuse("lobby", otp);
  expect(copies("lobby", body)).toBe(1);
});

test("of a group only the printer that delivered may print it again; the others let go at once", async () => {
  const { job, otp, body } = await print("lobby", "floor");
  await fleet
    .program("hall")
    .waitFor((line) => line.job === job && line.state === "cancelled", "cancelled", 10_000);
  await refuse("hall", otp);
  await fleet.type("lobby", `${otp}\n`);
  await gone("lobby", job);
  expect([copies("lobby", body), copies("hall", body)]).toEqual([2, 0]);
});

test("the agent is revoked while it is open: the job stays delivered, and is over", async () => {
  const { job } = await print("hall");
  await fleet.admin("printer.revoke", { name: "hall" });
  const status = await statusOf(job);
  expect(status).toMatchObject({ state: "delivered", reason: null });
  expect(status).not.toHaveProperty("until");
  expect(readFileSync(fleet.path("broker", "escrow.slots")).includes(job)).toBe(false);
});
