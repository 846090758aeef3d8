/** What agents ask of a real broker: first words, boot share, escrow, events, claims; and what ends a job elsewhere. */
import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AgentPeer, SenderPeer } from "./peers.ts";
import { Rig } from "./rig.ts";

let rig: Rig;
let lobby: AgentPeer;
let attic: AgentPeer;
let alice: SenderPeer;

beforeAll(async () => {
  rig = await Rig.start();
  await rig.enrol("lobby", "hall");
  await rig.enrol("attic");
  const access = await rig.addUser("alice");
  lobby = await rig.connectAgent("lobby");
  attic = await rig.connectAgent("attic");
  await Promise.all([lobby.hello("lobby", "hall"), attic.hello()]);
  await rig.admin("group.add", { name: "all", printers: ["lobby", "hall", "attic"] });
  alice = await rig.connectUser(access);
});
afterAll(() => rig.close());

const refOf = (job: string) => ({ user: "alice", job });

async function submit(target = "lobby", ...holders: AgentPeer[]): Promise<string> {
  const job = randomUUID();
  await alice.publish(target, job, "only", randomBytes(500));
  await alice.until(job, "stored");
  for (const agent of holders) await agent.tell(refOf(job), "held");
  return job;
}

function makeShare(job: string, fields: object = {}) {
  return {
    ...refOf(job),
    attempt: randomBytes(8).toString("hex"),
    tag: randomBytes(16).toString("base64"),
    share: randomBytes(32).toString("base64"),
    expires: Math.floor(Date.now() / 1000) + 3600,
    ...fields,
  };
}

test("hello tells the time and the agent's own printers, and brings the tickets", async () => {
  const job = await submit();
  lobby.tickets.all.length = 0;
  const reply = await lobby.hello("lobby", "hall");
  expect(reply).toMatchObject({ agent: "lobby", printers: ["hall", "lobby"] });
  expect(Math.abs(Number(reply.time) - Date.now() / 1000)).toBeLessThan(60);
  await lobby.tickets.until((t) => t.job === job && t.want === "take");
});

test("the boot share comes once a session; a new session may ask again", async () => {
  const first = await attic.call("boot", {});
  expect(Buffer.from(String(first.share), "base64").length).toBe(32);
  expect(await attic.call("boot", {})).toMatchObject({ refused: "other-session" });
  await attic.client.endAsync();
  attic = await rig.connectAgent("attic");
  expect((await attic.call("boot", {})).share).toBe(first.share);
  await attic.hello();
  expect(rig.lines.some((line) => JSON.stringify(line).includes(String(first.share)))).toBe(false);
});

test("a call that is not as the contract says is refused, whatever it is", async () => {
  for (const call of ["hello", "renew", "put", "ask", "event", "claim"] as const) {
    expect(
      await lobby.call(call, { printers: "all", events: [{}], shares: [], asks: [{ tag: 1 }] }),
    ).toMatchObject({
      refused: "malformed",
    });
  }
  await lobby.client.publishAsync("platen/v1/agents/lobby/call/ask", "no json", { qos: 1 });
  await lobby.client.publishAsync("platen/v1/agents/lobby/call/parts", randomBytes(100_000), { qos: 1 });
  expect(lobby.client.connected).toBe(true);
});

test("escrow: put, ask, gone after a final event; another agent gets nothing", async () => {
  const job = await submit("lobby", lobby);
  const share = makeShare(job);
  const { attempt, tag } = share;
  const ask = { asks: [{ ...refOf(job), attempt, tag }] };
  expect(await lobby.call("put", { shares: [share] })).toMatchObject({ results: ["stored"] });
  expect(await lobby.call("ask", ask)).toMatchObject({ shares: [share.share] });
  expect(await attic.call("ask", ask)).toMatchObject({ shares: [null] });
  expect(await attic.call("put", { shares: [makeShare(job)] }), "no copy of it there").toMatchObject({
    results: ["ended"],
  });
  await lobby.tell(refOf(job), "delivered", { final: true });
  expect(await lobby.call("ask", ask)).toMatchObject({ shares: [null] });
  expect(await lobby.call("put", { shares: [share] })).toMatchObject({ results: ["ended"] });
});

test("a cancelled job's share is gone at once, before its agent hears of it", async () => {
  const job = await submit("lobby", lobby);
  const share = makeShare(job);
  await lobby.call("put", { shares: [share] });
  await alice.publish("lobby", job, "cancel");
  await alice.until(job, "held", "by-sender");
  const { attempt, tag } = share;
  expect(await lobby.call("ask", { asks: [{ ...refOf(job), attempt, tag }] })).toMatchObject({
    shares: [null],
  });
});

test("an event is confirmed and counted once, however often it comes", async () => {
  const job = await submit();
  const at = Math.floor(Date.now() / 1000);
  const event = {
    id: randomUUID(),
    ...refOf(job),
    state: "held",
    reason: null,
    printer: null,
    at,
    bytes: 321,
    final: false,
  };
  for (let i = 0; i < 3; i++) {
    expect(await lobby.call("event", { events: [event, event] })).toMatchObject({
      confirmed: [event.id, event.id],
    });
  }
  const { entries } = await rig.admin("audit", { user: "alice" });
  const held = entries.filter((entry) => entry.job === job && entry.state === "held");
  expect(held).toMatchObject([{ target: "lobby", bytes: 321 }]);
});

test("events of a job an agent has no copy of change nothing, and are confirmed so that they end", async () => {
  const job = await submit("lobby", lobby);
  const reply = await attic.tell(refOf(job), "printed", { final: true });
  expect(reply.confirmed).toHaveLength(1);
  expect(rig.logged("event-unknown-job").at(-1)).toMatchObject({ agent: "attic", job });
  const { entries } = await rig.admin("audit", { user: "alice" });
  expect(entries.some((entry) => entry.job === job && entry.state === "printed")).toBe(false);
});

test("a group's job is claimed by one agent, printed there, and dropped by the other", async () => {
  const job = await submit("all", lobby, attic);
  const ticket = await attic.tickets.until((t) => t.job === job);
  expect(ticket).toMatchObject({ group: true, printers: ["attic"], target: "all" });
  expect(await lobby.call("claim", { ...refOf(job), printer: "hall" })).toMatchObject({ granted: true });
  expect(await attic.call("claim", { ...refOf(job), printer: "attic" })).toMatchObject({ granted: false });
  expect(await lobby.call("claim", { ...refOf(job), printer: "hall" })).toMatchObject({ granted: true });
  await lobby.tell(refOf(job), "printing", { printer: "hall" });
  const { printers } = await alice.until(job, "printing");
  expect(printers).toEqual({ lobby: "held", hall: "printing", attic: "held" });
  expect(attic.tickets.all.some((t) => t.job === job && t.want === "drop")).toBe(false);
  await lobby.tell(refOf(job), "delivered", { printer: "hall", final: true });
  await alice.until(job, "delivered");
  await attic.tickets.until((t) => t.job === job && t.want === "drop" && t.reason === "printed-elsewhere");
  expect(await attic.call("claim", { ...refOf(job), printer: "attic" })).toMatchObject({ granted: false });
});

test("one agent of a group refusing a job leaves it to the other, its claim included", async () => {
  const job = await submit("all", lobby, attic);
  await lobby.call("claim", { ...refOf(job), printer: "hall" });
  await lobby.tell(refOf(job), "rejected", { reason: "lost", final: true });
  await alice.until(job, "held");
  expect(await attic.call("claim", { ...refOf(job), printer: "attic" })).toMatchObject({ granted: true });
  await attic.tell(refOf(job), "rejected", { reason: "damaged", final: true });
  await alice.until(job, "rejected");
});

test("an end at one agent by a person or a collision ends it at the other too", async () => {
  const job = await submit("all", lobby, attic);
  await lobby.tell(refOf(job), "cancelled", { reason: "otp-collision", final: true });
  await attic.tickets.until((t) => t.job === job && t.want === "drop" && t.reason === "otp-collision");
  await alice.until(job, "held", "otp-collision");
  await attic.tell(refOf(job), "cancelled", { reason: "otp-collision", final: true });
  await alice.until(job, "cancelled", "otp-collision");
});

test("a job that comes out although it was given up is told as it is", async () => {
  const job = await submit("lobby");
  await alice.publish("lobby", job, "cancel");
  await alice.until(job, "cancelled", "by-sender");
  await lobby.tell(refOf(job), "delivered", { final: true });
  await alice.until(job, "delivered");
});

test("revoking an agent ends what waited for it alone, drops its shares and its session", async () => {
  const [alone, shared] = [await submit("attic", attic), await submit("all", lobby, attic)];
  await attic.call("put", { shares: [makeShare(alone), makeShare(shared)] });
  const before = (await rig.admin("status", {})).counts.shares ?? 0;
  const closed = new Promise<void>((resolve) => attic.client.once("close", () => resolve()));
  await rig.admin("printer.revoke", { name: "attic" });
  await closed;
  await alice.until(alone, "rejected", "revoked");
  expect((await rig.admin("status", {})).counts.shares).toBe(before - 2);
  await expect(rig.connectAgent("attic")).rejects.toThrow();
  expect(alice.told.all.filter(({ job }) => job === shared).at(-1)?.status?.state).toBe("held");
});
