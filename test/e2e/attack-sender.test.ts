/** A sender with a good login who wants to harm others: a real broker serves them as ever. */
import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AgentPeer, SenderPeer } from "../broker/peers.ts";
import { Rig, type Standard } from "../broker/rig.ts";

const PART = 16 * 1024;
let rig: Rig;
let lobby: AgentPeer;
let mallory: SenderPeer;
let alice: SenderPeer;
let access: Standard;

beforeAll(async () => {
  rig = await Rig.start({ quota: { liveJobs: 5, submissionsPerHour: 20 } });
  await rig.enrol("lobby");
  lobby = await rig.connectAgent("lobby");
  await lobby.hello();
  access = await rig.addUser("mallory");
  mallory = await rig.connectUser(access);
  alice = await rig.connectUser(await rig.addUser("alice"));
});
afterAll(() => rig.close());

test.each([
  ["ten million parts of a byte", 9_999_999, 10_000_000],
  ["more parts than that many bytes fill", 100, 99 * PART],
])("an end with %s is refused before anybody counts them", async (_, parts, bytes) => {
  const job = randomUUID();
  await mallory.publish("lobby", job, 0, randomBytes(PART));
  await mallory.end("lobby", job, parts, bytes);
  await mallory.until(job, "rejected", "incomplete");
});

test("a thousand jobs beyond the quota leave nothing: no row, no file, no topic", async () => {
  for (let i = 0; i < 1000; i++)
    mallory.publish("lobby", randomUUID(), "only", randomBytes(20)).catch(() => {});
  const last = randomUUID();
  await mallory.publish("lobby", last, "only", randomBytes(20));
  await mallory.until(last, "rejected", "quota");
  expect((await rig.admin("status", {})).counts.jobs).toBeLessThanOrEqual(5);
  const again = await rig.connectUser(access);
  await again.publish("lobby", randomUUID(), "cancel");
  const job = randomUUID();
  await alice.publish("lobby", job, "only", randomBytes(20));
  await alice.until(job, "stored");
  expect(new Set(again.told.all.map((told) => told.job)).size).toBeLessThanOrEqual(20);
});

test("subscriptions without end are refused, and those given back make room", async () => {
  const listener = await rig.connectUser(access);
  const granted: number[] = [];
  listener.client.on("packetreceive", (packet) => {
    if (packet.cmd === "suback") granted.push(...(packet.granted as number[]));
  });
  const filters = Array.from({ length: 1500 }, () => `platen/v1/status/mallory/${randomUUID()}`);
  const subscribe = (some: string[]) => listener.client.subscribeAsync(some, { qos: 1 }).catch(() => {});
  for (let at = 0; at < filters.length; at += 300) await subscribe(filters.slice(at, at + 300));
  expect(granted.filter((code) => code === 128).length).toBeGreaterThanOrEqual(1500 - 512);
  expect(granted.filter((code) => code === 1).length).toBeGreaterThan(400);
  await listener.client.unsubscribeAsync(filters.slice(0, 300));
  granted.length = 0;
  await subscribe([`platen/v1/status/mallory/${randomUUID()}`]);
  expect(granted).toEqual([1]);
});

test("who is removed leaves nothing that a new user of that name could see", async () => {
  const eve = await rig.connectUser(await rig.addUser("eve"));
  const [done, waiting] = [randomUUID(), randomUUID()];
  for (const job of [done, waiting]) {
    await eve.publish("lobby", job, "only", randomBytes(50));
    await eve.until(job, "stored");
    await lobby.tell({ user: "eve", job }, "held");
    await eve.until(job, "held");
  }
  await lobby.tell({ user: "eve", job: done }, "delivered", { final: true });
  await eve.until(done, "delivered");
  await rig.admin("user.remove", { name: "eve" });
  await lobby.tickets.until((ticket) => ticket.job === waiting && ticket.want === "drop");
  const other = await rig.connectUser(await rig.addUser("eve"));
  await lobby.tell({ user: "eve", job: waiting }, "cancelled", { reason: "by-administrator", final: true });
  const own = randomUUID();
  await other.publish("lobby", own, "only", randomBytes(50));
  await other.until(own, "stored");
  expect(new Set(other.told.all.map((told) => told.job))).toEqual(new Set([own]));
});
