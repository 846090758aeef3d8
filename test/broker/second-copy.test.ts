/** A job that was delivered and may be printed once more, at the broker: who keeps what, who is told what, what counts. */
import { randomBytes, randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AgentPeer, SenderPeer } from "./peers.ts";
import { Rig } from "./rig.ts";

let rig: Rig;
let lobby: AgentPeer;
let attic: AgentPeer;
let alice: SenderPeer;
const UNTIL = Math.floor(Date.now() / 1000) + 600;
const OPEN = { printer: "lobby", bytes: 300, until: UNTIL };
const CLOSED = { printer: "lobby", bytes: 300, final: true };

beforeAll(async () => {
  rig = await Rig.start({ quota: { liveJobs: 8 } });
  await rig.enrol("lobby");
  await rig.enrol("attic");
  const access = await rig.addUser("alice");
  [lobby, attic] = [await rig.connectAgent("lobby"), await rig.connectAgent("attic")];
  await Promise.all([lobby.hello(), attic.hello()]);
  await rig.admin("group.add", { name: "all", printers: ["lobby", "attic"] });
  alice = await rig.connectUser(access);
});
afterAll(() => rig.close());

const refOf = (job: string) => ({ user: "alice", job });
const share = (job: string) => ({
  ...refOf(job),
  attempt: randomBytes(8).toString("hex"),
  tag: randomBytes(16).toString("base64"),
  share: randomBytes(32).toString("base64"),
  // As the broker's clock is moved below.
  expires: Math.floor(Date.now() / 1000) + rig.clockOffset + 8 * 3600,
});

/** A job that is held at `holders`, its shares in escrow. */
async function hold(target: string, ...holders: AgentPeer[]): Promise<string> {
  const job = randomUUID();
  await alice.publish(target, job, "only", randomBytes(400));
  await alice.until(job, "stored");
  for (const agent of holders) {
    expect(await agent.call("put", { shares: [share(job)] })).toMatchObject({ results: ["stored"] });
    await agent.tell(refOf(job), "held", { bytes: 300 });
  }
  if (holders.length > 0) await alice.until(job, "held");
  return job;
}

const last = (job: string) => alice.told.all.findLast((told) => told.job === job)?.status;
const shares = async () => (await rig.admin("status", {})).counts.shares;
const rows = async (job: string) =>
  (await rig.admin("audit", { limit: 500 })).entries
    .filter((entry) => entry.job === job)
    .map(({ state, again, bytes }) => `${state}${again ? " again" : ""} ${bytes}`)
    .toReversed();
const isOver = (job: string) => expect.poll(() => last(job)).not.toHaveProperty("until");

test("told with its time; the share stays until the final event, which is counted and not shown", async () => {
  const job = await hold("lobby", lobby);
  const before = (await shares()) ?? 0;
  await lobby.tell(refOf(job), "delivered", OPEN);
  expect(await alice.until(job, "delivered")).toMatchObject({ until: UNTIL, reason: null });
  expect(await shares()).toBe(before);
  await expect.poll(() => readdirSync(join(rig.config.dataDir, "jobs"))).toEqual([]);
  const at = last(job)?.at;
  rig.clockOffset += 60;
  await lobby.tell(refOf(job), "delivered", CLOSED);
  await isOver(job);
  expect(last(job)).toMatchObject({ state: "delivered", at });
  expect(await shares()).toBe(before - 1);
  expect(await rows(job)).toEqual(["stored 400", "held 300", "delivered 300"]);
});

test("a second copy is told and counted as such; one that came to nothing is no copy", async () => {
  const job = await hold("lobby", lobby);
  await lobby.tell(refOf(job), "delivered", OPEN);
  await lobby.tell(refOf(job), "releasing", { printer: "lobby", again: true });
  expect(await alice.until(job, "releasing")).toMatchObject({ again: true });
  await lobby.tell(refOf(job), "delivered", OPEN);
  await expect.poll(() => last(job)).toMatchObject({ state: "delivered", until: UNTIL });
  expect(last(job)).not.toHaveProperty("again");
  await lobby.tell(refOf(job), "printing", { printer: "lobby", again: true, bytes: 300 });
  await lobby.tell(refOf(job), "delivered", { ...CLOSED, again: true });
  await isOver(job);
  expect((await rows(job)).filter((row) => row.startsWith("delivered"))).toEqual([
    "delivered 300",
    "delivered again 300",
  ]);
});

test("cut short: the bounds are kept, told to the sender, and audited; or that nobody knows", async () => {
  const job = await hold("lobby", lobby);
  const cut = { reason: "cable", printer: "lobby", bytes: 100, bytesAtMost: 250, until: UNTIL };
  await lobby.tell(refOf(job), "interrupted", cut);
  expect(await alice.until(job, "interrupted")).toMatchObject({ taken: [100, 250], until: UNTIL });
  const { entries } = await rig.admin("audit", { limit: 500 });
  const entry = entries.find((one) => one.job === job && one.state === "interrupted");
  expect(entry).toMatchObject({ bytes: 100, bytesAtMost: 250 });
  await lobby.tell(refOf(job), "interrupted", { reason: "cable", printer: "lobby", final: true });
  await expect.poll(() => last(job)).toMatchObject({ final: true, taken: [100, 250] });
  expect((await rows(job)).filter((row) => row.startsWith("interrupted"))).toHaveLength(1);
  const unknown = await hold("lobby", lobby);
  await lobby.tell(refOf(unknown), "interrupted", { reason: "power", until: UNTIL });
  expect(await alice.until(unknown, "interrupted")).not.toHaveProperty("taken");
});

test("held, told again: the claim goes back, and the ledger shows it once", async () => {
  const job = await hold("all", lobby, attic);
  const claim = (agent: AgentPeer, printer: string) => agent.call("claim", { ...refOf(job), printer });
  expect(await claim(lobby, "lobby")).toMatchObject({ granted: true });
  await lobby.tell(refOf(job), "held", { bytes: 300 });
  expect(await claim(attic, "attic")).toMatchObject({ granted: true });
  expect(await claim(lobby, "lobby")).toMatchObject({ granted: false });
  // Not its own to give back.
  await lobby.tell(refOf(job), "held", { bytes: 300 });
  expect(await claim(lobby, "lobby")).toMatchObject({ granted: false });
  await attic.tell(refOf(job), "releasing", { printer: "attic" });
  await attic.tell(refOf(job), "held", { bytes: 300 });
  expect(await rows(job)).toEqual(["stored 400", "held 300", "held 300", "releasing null", "held 300"]);
  // It may be on paper in part: the claim stays.
  await claim(lobby, "lobby");
  await lobby.tell(refOf(job), "printing", { printer: "lobby", bytes: 300 });
  await lobby.tell(refOf(job), "interrupted", { printer: "lobby", reason: "power", until: UNTIL });
  await lobby.tell(refOf(job), "interrupted", { printer: "lobby", reason: "power", until: UNTIL });
  expect(await claim(attic, "attic")).toMatchObject({ granted: false });
  await lobby.tell(refOf(job), "printed", { printer: "lobby", final: true });
  await attic.tell(refOf(job), "cancelled", { reason: "printed-elsewhere", final: true });
});

test("a group: the claim stays where it came out, the others let go at once, one that was away too", async () => {
  const job = await hold("all", lobby, attic);
  await lobby.call("claim", { ...refOf(job), printer: "lobby" });
  await lobby.tell(refOf(job), "delivered", OPEN);
  await attic.tickets.until((t) => t.job === job && t.want === "drop" && t.reason === "printed-elsewhere");
  expect(lobby.tickets.all.some((t) => t.job === job && t.want === "drop")).toBe(false);
  expect(await attic.call("claim", { ...refOf(job), printer: "attic" })).toMatchObject({ granted: false });
  expect(await lobby.call("claim", { ...refOf(job), printer: "lobby" })).toMatchObject({ granted: true });
  expect(await attic.call("put", { shares: [share(job)] })).toMatchObject({ results: ["ended"] });
  await attic.tell(refOf(job), "cancelled", { reason: "printed-elsewhere", final: true });
  expect(last(job)).toMatchObject({ state: "delivered", until: UNTIL });
  await lobby.tell(refOf(job), "delivered", CLOSED);
  await isOver(job);
  const never = await hold("all", lobby);
  await lobby.tell(refOf(never), "delivered", OPEN);
  // Nobody is to fetch it any more.
  await expect.poll(() => readdirSync(join(rig.config.dataDir, "jobs"))).toEqual([]);
  await lobby.tell(refOf(never), "delivered", CLOSED);
});

test("cancelled while it printed: the agent is told to let go as soon as it can, and it is delivered", async () => {
  const job = await hold("lobby", lobby);
  await lobby.tell(refOf(job), "printing", { printer: "lobby" });
  await alice.publish("lobby", job, "cancel");
  const drops = () => lobby.tickets.all.filter((t) => t.job === job && t.want === "drop").length;
  await expect.poll(drops).toBe(1);
  await lobby.tell(refOf(job), "delivered", OPEN);
  await expect.poll(drops).toBe(2);
  expect(await alice.until(job, "delivered")).toMatchObject({ reason: null, until: UNTIL });
  await lobby.tell(refOf(job), "delivered", CLOSED);
  await isOver(job);
  expect((await rows(job)).filter((row) => row.startsWith("delivered"))).toHaveLength(1);
});

test("given up here already, then told as delivered and open: delivered is the truth, and it is to go", async () => {
  const job = await hold("lobby");
  await alice.publish("lobby", job, "cancel");
  await alice.until(job, "cancelled", "by-sender");
  await lobby.tell(refOf(job), "delivered", OPEN);
  await alice.until(job, "delivered");
  await expect.poll(() => lobby.tickets.all.filter((t) => t.job === job && t.want === "drop").length).toBe(2);
});

test.each(["rejected", "cancelled", "expired"] as const)(
  "an agent that then says %s changes nothing",
  async (state) => {
    const job = await hold("lobby", lobby);
    await lobby.tell(refOf(job), "delivered", OPEN);
    await lobby.tell(refOf(job), state, { reason: "lost", final: true });
    await isOver(job);
    expect(last(job)).toMatchObject({ state: "delivered", reason: null });
    expect((await rows(job)).filter((row) => row.startsWith("delivered"))).toHaveLength(1);
  },
);

test("what came out waits for nobody: it does not count against its sender's quota", async () => {
  const jobs: string[] = [];
  for (let i = 0; i < 9; i++) {
    const job = await hold("lobby", lobby);
    await lobby.tell(refOf(job), "delivered", OPEN);
    jobs.push(job);
  }
  for (const job of jobs) await lobby.tell(refOf(job), "delivered", CLOSED);
});

test("an agent silent for good: past expiry and patience the job is over, delivered, its share gone", async () => {
  const job = await hold("lobby", lobby);
  await lobby.tell(refOf(job), "delivered", OPEN);
  await alice.until(job, "delivered");
  rig.clockOffset += 8 * 3600 + 16 * 60;
  await expect.poll(() => lobby.tickets.all.some((t) => t.job === job && t.want === "drop")).toBe(true);
  expect(last(job)).toMatchObject({ state: "delivered", reason: null });
  rig.clockOffset += 3600;
  await isOver(job);
  expect(last(job)).toMatchObject({ state: "delivered", reason: null });
  expect((await rows(job)).filter((row) => row.startsWith("delivered"))).toHaveLength(1);
});

test("the broker restarts while it is open: it stays so, and its share too", async () => {
  const job = await hold("lobby", lobby);
  await lobby.tell(refOf(job), "delivered", OPEN);
  await alice.until(job, "delivered");
  const before = await shares();
  await rig.stopBroker();
  await rig.startBroker();
  expect(await shares()).toBe(before);
  lobby = await rig.connectAgent("lobby");
  await lobby.hello();
  expect(await lobby.tickets.until((t) => t.job === job)).toMatchObject({ want: "hold" });
  await lobby.tell(refOf(job), "delivered", OPEN);
  await lobby.tell(refOf(job), "delivered", CLOSED);
  expect((await rows(job)).filter((row) => row.startsWith("delivered"))).toHaveLength(1);
});
