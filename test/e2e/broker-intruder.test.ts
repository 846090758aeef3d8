/** People who want what is not theirs, against a real broker: nothing is given, nothing else is harmed. */
import { randomBytes, randomUUID } from "node:crypto";
import { connect as connectTcp } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseCode } from "../../wire/code.ts";
import { connectMqtt } from "../../wire/tls.ts";
import type { AgentPeer, SenderPeer } from "../broker/peers.ts";
import { Rig, type Standard } from "../broker/rig.ts";

let rig: Rig;
let lobby: AgentPeer;
let alice: SenderPeer;
let bob: SenderPeer;
let access: { alice: Standard; bob: Standard };

beforeAll(async () => {
  rig = await Rig.start({ limits: { strangersPerAddress: 8, loginSeconds: 1 } });
  await rig.enrol("lobby");
  await rig.enrol("attic");
  access = { alice: await rig.addUser("alice"), bob: await rig.addUser("bob") };
  lobby = await rig.connectAgent("lobby");
  await lobby.hello();
  alice = await rig.connectUser(access.alice);
  bob = await rig.connectUser(access.bob);
});
afterAll(() => rig.close());

/** A TLS connection that says what it likes. */
async function openRaw(): Promise<TLSSocket> {
  const socket = connectTls({
    host: "localhost",
    port: rig.port,
    ca: access.alice.ca,
    minVersion: "TLSv1.3",
  });
  socket.on("error", () => {});
  await new Promise<void>((resolve) => socket.once("secureConnect", resolve));
  return socket;
}
const untilClosed = (socket: { once(event: "close", listener: () => void): unknown }) =>
  new Promise<void>((resolve) => socket.once("close", resolve));

/** CONNECT of MQTT 3.1.1 with user name and password (3.1). */
function encodeConnect(user: string, password: string): Buffer {
  const fields = ["raw", user, password].map((text) =>
    Buffer.concat([Buffer.of(0, text.length), Buffer.from(text)]),
  );
  const body = Buffer.concat([Buffer.from("\0\x04MQTT\x04\xc2\0\x3c", "latin1"), ...fields]);
  return Buffer.concat([Buffer.of(0x10, body.length), body]);
}

/** The CONNACK code of a login, or `closed`. */
function login(options: {
  username?: string;
  password?: string;
  clientId?: string;
}): Promise<number | "closed"> {
  const client = connectMqtt(
    { host: "localhost", port: rig.port, ca: access.alice.ca },
    { clientId: "x", ...options },
  );
  return new Promise((resolve) => {
    client.once("connect", () => resolve(0));
    client.once("error", (error) => resolve((error as { code?: number }).code ?? "closed"));
    client.once("close", () => resolve("closed"));
  }).finally(() => client.end(true)) as Promise<number | "closed">;
}

/** Publishes as bob and waits for what comes of it: his connection is cut. */
async function publishAndBeCut(topic: string, payload = "x"): Promise<void> {
  const intruder = await rig.connectUser(access.bob);
  const closed = untilClosed(intruder.client);
  intruder.client.publish(topic, payload, { qos: 1 });
  await closed;
}

test.each([
  ["another's name", () => `platen/v1/send/alice/lobby/${randomUUID()}/only`],
  ["another's status", () => `platen/v1/status/alice/${randomUUID()}`],
  ["a recipients list", () => "platen/v1/recipients/lobby"],
  ["an agent's call", () => "platen/v1/agents/lobby/call/boot"],
  ["an agent's parts", () => `platen/v1/agents/lobby/part/alice/${randomUUID()}/0`],
  ["$SYS", () => "$SYS/broker/log"],
])("publishing on %s: cut, logged, and nobody else notices", async (_, topic) => {
  const told = alice.told.all.length;
  await publishAndBeCut(topic());
  expect(rig.logged("topic-denied").at(-1)).toMatchObject({ kind: "user", name: "bob" });
  expect([alice.client.connected, lobby.client.connected, alice.told.all.length]).toEqual([true, true, told]);
});

test.each([
  "#",
  "+/#",
  "$SYS/#",
  "platen/v1/status/+/+",
  "platen/v1/status/alice/+",
  "platen/v1/agents/lobby/part/#",
])("subscribing to %s is answered with failure", async (filter) => {
  const packets: { granted?: number[] }[] = [];
  bob.client.on("packetreceive", (packet) => {
    if (packet.cmd === "suback") packets.push(packet as { granted: number[] });
  });
  await bob.client.subscribeAsync(filter, { qos: 1 }).catch(() => {});
  expect(packets.at(-1)?.granted).toEqual([128]);
  expect(bob.client.connected).toBe(true);
});

test("a job of the same id is everyone's own: no status, no parts cross over", async () => {
  const job = randomUUID();
  await alice.publish("lobby", job, "only", "hers");
  await alice.until(job, "stored");
  await bob.publish("lobby", job, "cancel");
  await bob.publish("lobby", job, "only", "his");
  await bob.until(job, "stored");
  expect(alice.told.all.filter((told) => told.job === job).at(-1)?.status).toMatchObject({ state: "stored" });
  const statuses = (peer: SenderPeer) => peer.told.all.filter((told) => told.job === job).length;
  expect([statuses(alice), statuses(bob)]).toEqual([2, 2]);
});

test("an agent gets neither parts nor shares nor claims of another's jobs", async () => {
  const job = randomUUID();
  await alice.publish("lobby", job, "only", randomBytes(500));
  const attic = await rig.connectAgent("attic");
  await attic.hello();
  await attic.credit({ user: "alice", job }, 0, 16);
  const claim = await attic.call("claim", { user: "alice", job, printer: "lobby" });
  expect(claim).toMatchObject({ granted: false });
  expect(attic.parts.all).toEqual([]);
  expect(attic.tickets.all.some((ticket) => ticket.job === job)).toBe(false);
  const closed = untilClosed(attic.client);
  attic.client.publish("platen/v1/agents/lobby/call/parts", "{}", { qos: 1 });
  await closed;
});

test("a client id taken over is nobody's but the taker's own", async () => {
  const first = rig.dialUser(access.alice, { clientId: "shared" });
  await new Promise<void>((resolve) => first.once("connect", () => resolve()));
  await rig.connectUser(access.bob, { clientId: "shared" });
  await rig.connectUser(access.bob, { clientId: "lobby" });
  await rig.connectUser(access.bob, { clientId: "agent/lobby" });
  expect([first.connected, lobby.client.connected, alice.client.connected]).toEqual([true, true, true]);
});

test("a second session with an agent's certificate is refused with an alarm; the first lives", async () => {
  const second = rig.dialAgent("lobby");
  const refused = await new Promise((resolve) =>
    second.once("error", (error) => resolve((error as { code?: number }).code)),
  );
  expect(refused).toBe(3);
  expect(rig.logged("login-refused").at(-1)).toMatchObject({ fault: "second-session", name: "lobby" });
  expect(lobby.client.connected).toBe(true);
});

test("an agent's certificate is good for its own name only", async () => {
  for (const options of [{ clientId: "attic" }, { clientId: "" }, { username: "alice", password: "x" }]) {
    const client = rig.dialAgent("lobby", options);
    await new Promise((resolve) => client.once("error", resolve));
    client.end(true);
  }
  expect(lobby.client.connected).toBe(true);
});

test("passwords: wrong, empty, unknown user, then throttled; the right one from elsewhere is not locked out of its session", async () => {
  expect(await login({ username: "alice", password: "wrong" })).toBe(4);
  expect(await login({ username: "nobody", password: "wrong" })).toBe(4);
  expect(await login({ username: "alice" })).toBe(4);
  expect(await login({})).toBe(4);
  expect(await login({ username: "al\u0000ice", password: "x" })).not.toBe(0);
  expect(await login({ username: "alice", password: "x", clientId: "a\u0007" })).toBe(2);
  expect(alice.client.connected).toBe(true);
});

test("codes: a wrong secret, a used one, a claim as an invite, another's topic", async () => {
  const { code } = await rig.admin("printer.add", { name: "cellar" });
  const contact = parseCode("claim", code ?? "")!;
  const secret = Buffer.from(contact.secret).toString("base64url");
  const claim = { username: "$claim", clientId: `claim-${contact.id}` };
  expect(await login({ ...claim, password: "A".repeat(22) })).toBe(4);
  expect(await login({ username: "$invite", clientId: `invite-${contact.id}`, password: secret })).toBe(4);
  expect(await login({ ...claim, clientId: "claim-0000000000000000", password: secret })).toBe(4);
  expect(await login({ ...claim, clientId: "alice", password: secret })).toBe(2);
  const client = connectMqtt(
    { host: "localhost", port: rig.port, ca: access.alice.ca },
    { ...claim, password: secret },
  );
  client.on("error", () => {});
  await new Promise<void>((resolve) => client.once("connect", () => resolve()));
  const closed = untilClosed(client);
  client.publish(`platen/v1/send/alice/lobby/${randomUUID()}/only`, "x", { qos: 1 });
  await closed;
  client.end(true);
});

test("QoS 2 is told to the sender and cut; a will is taken away", async () => {
  const job = randomUUID();
  const sender = await rig.connectUser(access.bob, {
    will: { topic: "platen/v1/status/alice/forged-job", payload: Buffer.from("{}"), qos: 1, retain: true },
  });
  const closed = untilClosed(sender.client);
  sender.client.publish(`platen/v1/send/bob/lobby/${job}/only`, "x", { qos: 2 });
  await closed;
  await bob.until(job, "rejected", "malformed");
  expect(alice.told.all.some((told) => told.job === "forged-job")).toBe(false);
});

test("200 MB announced before or after login: cut at the announcement", async () => {
  const stranger = await openRaw();
  const cut = untilClosed(stranger);
  stranger.write(Buffer.from([0x10, 0x80, 0x84, 0xaf, 0x5f]));
  await cut;
  const known = await openRaw();
  const { user, password } = access.bob;
  known.write(encodeConnect(user, password));
  await new Promise<void>((resolve) => known.once("data", () => resolve()));
  const cutToo = untilClosed(known);
  known.write(Buffer.from([0x32, 0x80, 0x84, 0xaf, 0x5f]));
  await cutToo;
  expect(rig.logged("connection-cut").filter(({ fault }) => fault === "too-long").length).toBe(2);
  expect([alice.client.connected, lobby.client.connected]).toEqual([true, true]);
});

test("floods and slow bytes before login: places for others stay, and the slow are cut", async () => {
  const idle = Array.from({ length: 12 }, () => connectTcp(rig.port, "localhost"));
  for (const socket of idle) socket.on("error", () => {});
  const closing = idle.map((socket) => untilClosed(socket.resume()));
  await Promise.race(closing);
  await expect
    .poll(() => rig.logged("connection-cut").filter(({ fault }) => fault === "too-many-strangers").length)
    .toBe(4);
  await Promise.all(closing);
  expect(rig.logged("connection-cut").filter(({ fault }) => fault === "login-late").length).toBe(8);
  const slow = await openRaw();
  const cut = untilClosed(slow);
  slow.write(Buffer.from([0x10]));
  await cut;
  expect(await login({ username: "bob", password: access.bob.password })).toBe(0);
  expect([alice.client.connected, lobby.client.connected]).toEqual([true, true]);
});

test("more than a login needs, before the login is judged, is cut", async () => {
  const stranger = await openRaw();
  const cut = untilClosed(stranger);
  const { user } = access.bob;
  const connect = encodeConnect(user, "wrong");
  // PUBLISH of 100,000 bytes, as far as its fixed header goes.
  const publish = Buffer.concat([Buffer.from([0x30, 0xa0, 0x8d, 0x06]), randomBytes(100_000)]);
  stranger.write(Buffer.concat([connect, publish]));
  await cut;
});

test("no byte of a password, a code or a share came into the log", () => {
  const log = JSON.stringify(rig.lines);
  for (const secret of [access.alice.password, access.bob.password, "wrong"]) {
    expect(log.includes(secret)).toBe(false);
  }
});
