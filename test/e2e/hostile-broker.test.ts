/** A broker in hostile hands, with its own good certificate: what it pours in costs agent and sender next to nothing. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openSession } from "../../client/session.ts";
import { Fleet, type Sender } from "./fleet.ts";

const MB = 1024 * 1024;
const POUR_BYTES = 200 * MB;
/** What lies in the kernel's buffers on both sides when it is cut. */
const TAKEN_BYTES_MAX = 16 * MB;
const CONNACK = Buffer.of(0x20, 2, 0, 0);
let fleet: Fleet;
let alice: Sender;
let hostile: Server | null = null;
const sockets = new Set<TLSSocket>();

beforeAll(async () => {
  fleet = await Fleet.start();
  await fleet.addAgent({ lobby: {} });
  alice = await fleet.addSender("alice");
  writeFileSync(fleet.path("held.txt"), "still here");
  await fleet.startAgent("lobby");
});
afterEach(stopPouring);
afterAll(() => fleet.close());

async function stopPouring(): Promise<void> {
  for (const socket of sockets) socket.destroy();
  if (!hostile?.listening) return;
  const closed = once(hostile, "close");
  hostile.close();
  await closed;
}

interface Pour {
  /** Bytes that went out until the other side cut the connection. */
  readonly taken: number;
}

/** Listens in the broker's place, answers the first CONNECT, and pours `head` and what it announces. */
async function pour(
  head: Buffer,
  body: (bytes: number) => Buffer = randomBytes,
): Promise<{ poured: Promise<Pour> }> {
  const pem = readFileSync(fleet.path("broker", "ca", "server.pem"));
  const { promise, resolve } = Promise.withResolvers<Pour>();
  const server = createServer({ key: pem, cert: pem, minVersion: "TLSv1.3" }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    const until = (event: string) => new Promise<void>((resolve) => socket.once(event, () => resolve()));
    const closed = until("close");
    socket.once("data", async () => {
      socket.write(Buffer.concat([CONNACK, head]));
      let sent = 0;
      while (sent < POUR_BYTES && !socket.destroyed) {
        const chunk = body(MB);
        sent += chunk.length;
        if (!socket.write(chunk)) await Promise.race([closed, until("drain")]);
      }
      await closed;
      resolve({ taken: sent });
    });
  });
  hostile = server;
  server.listen(fleet.port, "localhost");
  await once(server, "listening");
  return { poured: promise };
}

/** PUBLISH with a remaining length of 200,000,000. */
const HUGE = Buffer.from([0x32, 0x80, 0x84, 0xaf, 0x5f]);

/** PUBLISH packets of 100 KB at QoS 2, which a receiver keeps until PUBREL. */
function atQos2(): Buffer {
  const packets = Array.from({ length: 10 }, (_, i) => {
    const [id, topic] = [Buffer.of(1 + (i >> 8), i & 0xff), Buffer.from("\0\x01t", "latin1")];
    const payload = Buffer.alloc(100_000 - id.length - topic.length);
    return Buffer.concat([Buffer.from([0x34, 0xa0, 0x8d, 0x06]), topic, id, payload]);
  });
  return Buffer.concat(packets);
}

function agentPeakBytes(): number {
  const status = readFileSync(`/proc/${fleet.program("lobby").pid}/status`, "latin1");
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

test.each([
  ["one packet of 200 MB", HUGE, undefined],
  ["200 MB at QoS 2", Buffer.alloc(0), atQos2],
] as const)("%s: the agent cuts it, says why, keeps what it holds and comes back", async (_, head, body) => {
  const receipt = await fleet.send(alice, "lobby", [fleet.path("held.txt")], { raw: true });
  const job = receipt.jobs[0]!.job;
  await fleet.follow(alice, job, "held");
  const before = agentPeakBytes();
  const lines = fleet.program("lobby").lines.length;
  await fleet.stop("broker");
  const { poured } = await pour(head, body);
  const { taken } = await poured;
  expect(taken).toBeLessThan(TAKEN_BYTES_MAX);
  expect(agentPeakBytes() - before).toBeLessThan(40 * MB);
  await stopPouring();
  await fleet.startBroker();
  await fleet.type("lobby", `${receipt.otp}\n`);
  expect(await fleet.follow(alice, job)).toMatchObject({ state: "delivered" });
  const said = fleet.program("lobby").lines.slice(lines);
  expect(said.map(({ code }) => code)).toContain("broker-misbehaves");
});

test("a sender cuts it and is told", async () => {
  await fleet.stop("broker");
  const { poured } = await pour(HUGE);
  await expect(openSession(alice.profile)).rejects.toMatchObject({
    code: "broker-misbehaves",
    message: expect.stringContaining("larger than any of the protocol"),
  });
  expect((await poured).taken).toBeLessThan(TAKEN_BYTES_MAX);
});
