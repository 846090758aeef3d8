/** An agent with a good certificate that lies to a real broker: it harms its own jobs, and nothing else. */
import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AgentPeer, SenderPeer } from "../broker/peers.ts";
import { Rig } from "../broker/rig.ts";

let rig: Rig;
let lobby: AgentPeer;
let attic: AgentPeer;
let alice: SenderPeer;

beforeAll(async () => {
  rig = await Rig.start();
  for (const name of ["lobby", "attic"]) await rig.enrol(name);
  [lobby, attic] = [await rig.connectAgent("lobby"), await rig.connectAgent("attic")];
  for (const agent of [lobby, attic]) await agent.hello();
  await rig.admin("group.add", { name: "wards", printers: ["lobby", "attic"] });
  alice = await rig.connectUser(await rig.addUser("alice"));
});
afterAll(() => rig.close());

const refOf = (job: string) => ({ user: "alice", job });
async function submit(target: string): Promise<string> {
  const job = randomUUID();
  await alice.publish(target, job, "only", randomBytes(500));
  await alice.until(job, "stored");
  return job;
}
function count(sql: string): number {
  const database = new Database(join(rig.config.dataDir, "broker.db"), { readonly: true });
  const rows = database.prepare(sql).pluck().get() as number;
  database.close();
  return rows;
}
const makeEvents = (job: string, states: readonly string[], more: object = {}) =>
  states.map((state) => ({
    ...{ id: randomUUID(), ...refOf(job), state, reason: null, printer: null, at: 1, bytes: null },
    ...{ final: false, ...more },
  }));

test("another agent's job cannot be ended, claimed or extended, and nothing of the attempt is kept", async () => {
  const job = await submit("attic");
  const events = makeEvents(job, ["held", "printing", "printed"], { final: true });
  expect(await lobby.call("event", { events })).toMatchObject({ confirmed: events.map(({ id }) => id) });
  expect(await lobby.call("claim", { ...refOf(job), printer: "lobby" })).toMatchObject({ granted: false });
  const strangers = makeEvents(randomUUID(), Array(200).fill("cancelled"), { final: true });
  await lobby.call("event", { events: strangers.map((event) => ({ ...event, job: randomUUID() })) });
  expect(count("SELECT count(*) FROM tombstones WHERE agent = 'lobby'")).toBe(0);
  expect(count("SELECT count(*) FROM events WHERE agent = 'lobby'")).toBe(0);
  expect(await attic.call("claim", { ...refOf(job), printer: "attic" })).toMatchObject({ granted: true });
});

test("events without end fill no disk, and the true end is still taken", { timeout: 30_000 }, async () => {
  const job = await submit("lobby");
  for (let batch = 0; batch < 15; batch++) {
    const states = Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? "releasing" : "held"));
    await lobby.call("event", { events: makeEvents(job, states) });
  }
  expect(count(`SELECT count(*) FROM events WHERE job = '${job}'`)).toBeLessThanOrEqual(2001);
  for (let i = 0; i < 5; i++) await lobby.tell(refOf(job), "delivered", { final: true });
  await alice.until(job, "delivered");
  expect(count(`SELECT count(*) FROM events WHERE job = '${job}' AND state = 'delivered'`)).toBe(1);
});

test("tags and shares of other lengths than agreed are refused, whatever their text", async () => {
  const job = await submit("lobby");
  await lobby.tell(refOf(job), "held");
  const put = (tag: string, share: string) =>
    lobby.call("put", {
      shares: [{ ...refOf(job), attempt: "00112233445566ff", tag, share, expires: 2_000_000_000 }],
    });
  const [tag, share] = [randomBytes(16).toString("base64"), randomBytes(32).toString("base64")];
  const long = [randomBytes(18).toString("base64"), randomBytes(33).toString("base64")] as const;
  expect(await put(long[0], share)).toMatchObject({ refused: "malformed" });
  expect(await put(tag, long[1])).toMatchObject({ refused: "malformed" });
  expect(await put(tag, `${share.slice(0, -2)}==`)).toMatchObject({ refused: "malformed" });
  expect(await put(tag, share)).toMatchObject({ results: ["stored"] });
  const ask = { ...refOf(job), attempt: "00112233445566ff", tag: long[0] };
  expect(await lobby.call("ask", { asks: [ask] })).toMatchObject({ refused: "malformed" });
  expect(rig.logged("storage-failed")).toEqual([]);
});

test("two hundred guesses in one call are none", async () => {
  const job = await submit("lobby");
  await lobby.tell(refOf(job), "held");
  const attempt = "00112233445566ff";
  const [tag, share] = [randomBytes(16).toString("base64"), randomBytes(32).toString("base64")];
  await lobby.call("put", { shares: [{ ...refOf(job), attempt, tag, share, expires: 2_000_000_000 }] });
  const guesses = Array.from({ length: 199 }, () => randomBytes(16).toString("base64"));
  const asks = [...guesses, tag].map((each) => ({ ...refOf(job), attempt, tag: each }));
  expect(await lobby.call("ask", { asks })).toMatchObject({ shares: Array(200).fill(null) });
});

test("a claim on a group's job is free again once its agent turned back, but not while it may be on paper", async () => {
  const job = await submit("wards");
  for (const agent of [lobby, attic]) await agent.tell(refOf(job), "held");
  const claim = (agent: AgentPeer) => agent.call("claim", { ...refOf(job), printer: agent.agent });
  expect(await claim(lobby)).toMatchObject({ granted: true });
  await lobby.tell(refOf(job), "releasing", { printer: "lobby" });
  expect(await claim(attic)).toMatchObject({ granted: false });
  await lobby.tell(refOf(job), "held", { printer: "lobby" });
  expect(await claim(attic)).toMatchObject({ granted: true });
  expect(await claim(lobby)).toMatchObject({ granted: false });
  for (const state of ["releasing", "printing", "interrupted", "releasing", "interrupted"] as const) {
    await attic.tell(refOf(job), state, { printer: "attic" });
    expect(await claim(lobby)).toMatchObject({ granted: false });
  }
});

test("an agent that lost all it held is told what it should hold, and may end it", async () => {
  const job = await submit("lobby");
  await lobby.tell(refOf(job), "held");
  const since = lobby.tickets.all.length;
  await lobby.hello();
  await lobby.tickets.until((ticket) => lobby.tickets.all.indexOf(ticket) >= since && ticket.job === job);
  expect(lobby.tickets.all.slice(since).filter((ticket) => ticket.job === job)).toMatchObject([
    { want: "hold" },
  ]);
  await lobby.tell(refOf(job), "rejected", { reason: "lost", final: true });
  await alice.until(job, "rejected", "lost");
});
