/** The way of a job through a real broker: TLS, aedes, SQLite; sender and agent speak raw MQTT. */
import { randomBytes, randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AgentPeer, SenderPeer } from "./peers.ts";
import { Rig } from "./rig.ts";

const PART = 16 * 1024;
let rig: Rig;
let lobby: AgentPeer;
let alice: SenderPeer;
let bob: SenderPeer;

beforeAll(async () => {
  rig = await Rig.start();
  await rig.enrol("lobby");
  const [forAlice, forBob] = [await rig.addUser("alice"), await rig.addUser("bob")];
  lobby = await rig.connectAgent("lobby");
  await lobby.hello();
  [alice, bob] = [await rig.connectUser(forAlice), await rig.connectUser(forBob)];
});
afterAll(() => rig.close());

const refOf = (job: string, user = "alice") => ({ user, job });
const makeParts = (count: number, last = 100) =>
  Array.from({ length: count }, (_, n) => randomBytes(n === count - 1 ? last : PART));
const partFiles = () => readdirSync(join(rig.config.dataDir, "jobs"));

/** Sends parts (in this order) and `end`. */
async function sendParts(job: string, parts: Buffer[], order = parts.map((_, n) => n)): Promise<void> {
  for (const n of order) await alice.publish("lobby", job, n, parts[n]!);
  await alice.end("lobby", job, parts.length, Buffer.concat(parts).length);
}

/** What the agent got of a job, in order of arrival. */
const got = (job: string) => lobby.parts.all.filter((part) => part.job === job);

test("a small job: stored, told to the agent, fetched, held, its parts gone", async () => {
  const job = randomUUID();
  const sealed = randomBytes(5000);
  await alice.publish("lobby", job, "only", sealed);
  // The PUBACK of `only` comes after the job is on the disk.
  expect(rig.logged("job-state").filter((line) => line.job === job)).toMatchObject([{ state: "stored" }]);
  await alice.until(job, "stored");
  const ticket = await lobby.tickets.until((t) => t.job === job && t.parts !== null);
  expect(ticket).toMatchObject({
    user: "alice",
    target: "lobby",
    printers: ["lobby"],
    want: "take",
    parts: 1,
    bytes: 5000,
    expires: null,
    otp: 8,
    group: false,
  });
  await lobby.credit(refOf(job), 0, 16);
  const part = await lobby.parts.until((p) => p.job === job);
  expect(part.bytes.equals(sealed)).toBe(true);
  expect(partFiles().length).toBe(1);
  await lobby.tell(refOf(job), "held", { bytes: 4800 });
  await alice.until(job, "held");
  await expect.poll(() => partFiles()).toEqual([]);
  await lobby.credit(refOf(job), 0, 16);
  await lobby.tell(refOf(job), "delivered", { final: true, bytes: 4800, printer: "lobby" });
  await alice.until(job, "delivered");
  expect(got(job).length, "a held job's parts are refused").toBe(1);
});

test("parts flow to the agent while the sender is still sending", async () => {
  const job = randomUUID();
  const parts = makeParts(6);
  await alice.publish("lobby", job, 0, parts[0]!);
  const early = await lobby.tickets.until((t) => t.job === job);
  expect(early).toMatchObject({ want: "take", parts: null, bytes: null });
  await lobby.credit(refOf(job), 0, 4);
  await lobby.parts.until((p) => p.job === job && p.n === 0);
  for (const n of [2, 1, 3, 4, 5]) await alice.publish("lobby", job, n, parts[n]!);
  await lobby.parts.until((p) => p.job === job && p.n === 3);
  await alice.end("lobby", job, 6, Buffer.concat(parts).length);
  await alice.until(job, "stored");
  await lobby.tickets.until((t) => t.job === job && t.parts === 6);
  await lobby.credit(refOf(job), 4, 16);
  await lobby.parts.until((p) => p.job === job && p.n === 5);
  expect(got(job).map(({ n }) => n)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(Buffer.concat(got(job).map(({ bytes }) => bytes)).equals(Buffer.concat(parts))).toBe(true);
});

test("credit is kept to, and asking from an earlier part begins there again", async () => {
  const job = randomUUID();
  await sendParts(job, makeParts(8));
  await alice.until(job, "stored");
  await lobby.credit(refOf(job), 0, 3);
  await lobby.parts.until((p) => p.job === job && p.n === 2);
  await lobby.credit(refOf(job), 1, 3);
  await lobby.parts.until((p) => p.job === job && p.n === 3);
  await lobby.credit(refOf(job), 4, 2);
  await lobby.parts.until((p) => p.job === job && p.n === 5);
  expect(got(job).map(({ n }) => n)).toEqual([0, 1, 2, 1, 2, 3, 4, 5]);
});

test("reordered and repeated parts are one good job; missing ones are named, late ones complete it", async () => {
  const [whole, holed] = [randomUUID(), randomUUID()];
  const parts = makeParts(5);
  await sendParts(whole, parts, [3, 1, 1, 4, 0, 2, 3]);
  await alice.until(whole, "stored");
  await sendParts(holed, parts, [0, 3]);
  const { status } = await alice.told.until(
    ({ job, status }) => job === holed && status?.missing !== undefined,
  );
  expect(status?.missing).toEqual([
    [1, 2],
    [4, 4],
  ]);
  for (const n of [4, 1, 2]) await alice.publish("lobby", holed, n, parts[n]!);
  await alice.until(holed, "stored");
});

test.each([
  ["an end with fewer parts than came", (job: string) => alice.end("lobby", job, 2, 3 * PART), "incomplete"],
  ["an end with other bytes", (job: string) => alice.end("lobby", job, 3, 3 * PART + 1), "incomplete"],
  ["an end that is no JSON", (job: string) => alice.publish("lobby", job, "end", "3 parts"), "malformed"],
  [
    "an end with a field too many",
    (job: string) => alice.end("lobby", job, 3, 3 * PART, { name: "x" }),
    "malformed",
  ],
  [
    "an expiry in the past",
    (job: string) => alice.end("lobby", job, 3, 3 * PART, { expires: 1000 }),
    "expiry-policy",
  ],
  [
    "an expiry in a thousand years",
    (job: string) => alice.end("lobby", job, 3, 3 * PART, { expires: 33_000_000_000 }),
    "expiry-policy",
  ],
  [
    "unequal parts",
    (job: string) =>
      alice
        .publish("lobby", job, 3, randomBytes(PART + 1))
        .then(() => alice.end("lobby", job, 4, 4 * PART + 1)),
    "malformed",
  ],
  [
    "another target in the middle",
    (job: string) => alice.publish("attic", job, 3, randomBytes(PART)),
    "malformed",
  ],
  [
    "a part again with other bytes",
    (job: string) => alice.publish("lobby", job, 1, randomBytes(PART)),
    "malformed",
  ],
  ["an empty part", (job: string) => alice.publish("lobby", job, 3, ""), "malformed"],
  ["a part too large", (job: string) => alice.publish("lobby", job, 3, randomBytes(121 * 1024)), "too-large"],
  [
    "many tiny parts",
    (job: string) => alice.publish("lobby", job, 3, "a").then(() => alice.publish("lobby", job, 4, "b")),
    "malformed",
  ],
])("%s: refused, and the connection stands", async (_, lie, reason) => {
  const job = randomUUID();
  for (const n of [0, 1, 2]) await alice.publish("lobby", job, n, randomBytes(PART));
  await lie(job);
  await alice.until(job, "rejected", reason);
  const drop = await lobby.tickets.until((t) => t.job === job && t.want === "drop");
  expect(drop.reason).toBe(reason);
  expect(alice.client.connected).toBe(true);
  await alice.publish("lobby", job, 3, randomBytes(PART));
  await expect.poll(() => partFiles().some((name) => name.includes(job))).toBe(false);
});

test("what cannot be refused by status is dropped, and the connection stands", async () => {
  const job = randomUUID();
  const topic = (end: string) => `platen/v1/send/alice/lobby/${job}/${end}`;
  await alice.client.publishAsync(topic("007"), "x", { qos: 1 });
  await alice.until(job, "rejected", "malformed");
  await alice.client.publishAsync("platen/v1/send/alice/lobby/short/only", "x", { qos: 1 });
  expect(alice.client.connected).toBe(true);
});

test("an unknown target", async () => {
  const job = randomUUID();
  await alice.publish("nowhere", job, "only", "x");
  await alice.until(job, "rejected", "unknown-target");
});

test("a job id used again: the first stands, the same again is harmless, another user is free to use it", async () => {
  const job = randomUUID();
  const sealed = randomBytes(3000);
  await alice.publish("lobby", job, "only", sealed);
  await alice.until(job, "stored");
  await alice.publish("lobby", job, "only", sealed);
  expect(alice.told.all.filter((told) => told.job === job).at(-1)?.status).toMatchObject({
    state: "stored",
    reason: null,
  });
  await alice.publish("lobby", job, "only", randomBytes(3000));
  await alice.until(job, "stored", "duplicate");
  await alice.end("lobby", job, 7, 7 * PART);
  await bob.publish("lobby", job, "only", randomBytes(2000));
  await bob.until(job, "stored", null);
  await lobby.credit(refOf(job), 0, 4);
  expect((await lobby.parts.until((p) => p.job === job && p.user === "alice")).bytes.equals(sealed)).toBe(
    true,
  );
});

test("cancelled before an agent holds it: ended at once; after: when the agent let go", async () => {
  const [early, late] = [randomUUID(), randomUUID()];
  for (const job of [early, late]) await alice.publish("lobby", job, "only", randomBytes(100));
  await lobby.tell(refOf(late), "held");
  await alice.until(late, "held");
  await alice.publish("lobby", early, "cancel");
  await alice.until(early, "cancelled", "by-sender");
  await alice.publish("lobby", late, "cancel");
  await alice.until(late, "held", "by-sender");
  await lobby.tickets.until((t) => t.job === late && t.want === "drop" && t.reason === "by-sender");
  await lobby.tell(refOf(late), "cancelled", { reason: "by-sender", final: true });
  await alice.until(late, "cancelled", "by-sender");
});

test("what was refused while it came in stays refused when the agent that had its first parts lets go", async () => {
  const job = randomUUID();
  const parts = makeParts(2);
  await alice.publish("lobby", job, 0, parts[0]!);
  await lobby.tickets.until((t) => t.job === job && t.want === "take");
  await lobby.tell(refOf(job), "arriving");
  await alice.publish("lobby", job, 1, parts[1]!);
  await alice.end("lobby", job, 2, Buffer.concat(parts).length, { expires: 1 });
  await alice.until(job, "rejected", "expiry-policy");
  await lobby.tickets.until((t) => t.job === job && t.want === "drop" && t.reason === "expiry-policy");
  await lobby.tell(refOf(job), "cancelled", { reason: "expiry-policy", final: true });
  const told = rig.logged("job-state").filter((line) => line.job === job);
  expect(told.at(-1)).toMatchObject({ state: "rejected", reason: "expiry-policy" });
});
