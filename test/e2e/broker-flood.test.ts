/** Floods from strangers and from a user against a broker of its own process: its memory hardly moves, others are served. */
import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectMqtt } from "../../wire/tls.ts";
import { SenderPeer } from "../broker/peers.ts";
import { Fleet } from "./fleet.ts";

const MB = 1024 * 1024;
/** What a garbage collector may leave lying; 200 MB buffered would be far beyond. */
const SLACK = 40 * MB;
let fleet: Fleet;
let access: { user: string; password: string; ca: string };
let bob: SenderPeer;

beforeAll(async () => {
  fleet = await Fleet.start();
  const given = await fleet.admin("user.add", { name: "alice", standard: true });
  const hers = await fleet.admin("user.add", { name: "bob", standard: true });
  if (given.kind !== "standard" || hers.kind !== "standard") throw new Error("no password was given");
  access = given;
  const client = dial(hers);
  await new Promise<void>((resolve) => client.once("connect", () => resolve()));
  bob = await SenderPeer.open("bob", client);
});
afterAll(async () => {
  bob.client.end(true);
  await fleet.close();
});

function dial({ user, password, ca }: typeof access) {
  const client = connectMqtt(
    { host: "localhost", port: fleet.port, ca },
    { clientId: randomUUID(), username: user, password },
  );
  client.on("error", () => {});
  return client;
}

function peakBytes(): number {
  const status = readFileSync(`/proc/${fleet.program("broker").pid}/status`, "latin1");
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

async function openRaw(): Promise<TLSSocket> {
  const socket = connectTls({ host: "localhost", port: fleet.port, ca: access.ca, minVersion: "TLSv1.3" });
  socket.on("error", () => {});
  await new Promise<void>((resolve) => socket.once("secureConnect", resolve));
  return socket;
}

/** Writes up to `bytes` and resolves when all was taken, or the other side closed. */
async function pour(socket: NodeJS.WritableStream & { destroyed?: boolean }, bytes: number): Promise<void> {
  const chunk = randomBytes(MB);
  const closed = new Promise<void>((resolve) => socket.once("close", resolve));
  for (let sent = 0; sent < bytes && !socket.destroyed; sent += chunk.length) {
    if (socket.write(chunk)) continue;
    await Promise.race([closed, new Promise<void>((resolve) => socket.once("drain", resolve))]);
  }
}

/** A job of bob's, to see that he is served as ever. */
async function serveBob(): Promise<void> {
  const job = randomUUID();
  await bob.publish("nowhere", job, "only", "x");
  await bob.until(job, "rejected", "unknown-target");
}

test("200 MB in one packet from a stranger", async () => {
  const before = peakBytes();
  const socket = await openRaw();
  // CONNECT with a remaining length of 200,000,000.
  socket.write(Buffer.from([0x10, 0x80, 0x84, 0xaf, 0x5f]));
  await pour(socket, 200 * MB);
  socket.destroy();
  await serveBob();
  expect(peakBytes() - before).toBeLessThan(SLACK);
});

test("200 MB that are no TLS", async () => {
  const before = peakBytes();
  const socket = connectTcp(fleet.port, "localhost");
  socket.on("error", () => {});
  await pour(socket, 200 * MB);
  socket.destroy();
  await serveBob();
  expect(peakBytes() - before).toBeLessThan(SLACK);
});

test("200 MB in one packet from a user", async () => {
  const before = peakBytes();
  const client = dial(access);
  await new Promise<void>((resolve) => client.once("connect", () => resolve()));
  const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
  client.publish(`platen/v1/send/alice/lobby/${randomUUID()}/0`, Buffer.alloc(200 * MB), { qos: 1 });
  await closed;
  client.end(true);
  await serveBob();
  expect(peakBytes() - before).toBeLessThan(SLACK);
});

test("200 MB of parts nobody stores, each asking to be retained, as fast as they go", async () => {
  const client = dial(access);
  await new Promise<void>((resolve) => client.once("connect", () => resolve()));
  const part = randomBytes(120 * 1024);
  const before = peakBytes();
  const job = randomUUID();
  let sent = 0;
  let n = 0;
  const worker = async () => {
    while (sent < 200 * MB) {
      sent += part.length;
      await client.publishAsync(`platen/v1/send/alice/nowhere/${job}/${n++}`, part, { qos: 1, retain: true });
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  client.end(true);
  await serveBob();
  expect(peakBytes() - before).toBeLessThan(SLACK * 2);
});
