/** The client against the real broker, with the network and the broker failing under it. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cancelJob } from "../../client/cancel.ts";
import type { DocumentInput } from "../../client/document.ts";
import { followJob, listJobs } from "../../client/follow.ts";
import { sendDocuments } from "../../client/send.ts";
import { openSession } from "../../client/session.ts";
import { Fleet, type Sender } from "./fleet.ts";

let fleet: Fleet;
let alice: Sender;
let proxy: BreakingNetwork;

beforeAll(async () => {
  fleet = await Fleet.start();
  await fleet.addAgent({ lobby: {} });
  await fleet.startAgent("lobby");
  alice = await fleet.addSender("alice");
  proxy = await BreakingNetwork.open(fleet.port);
});
afterAll(async () => {
  await proxy?.close();
  await fleet?.close();
});

/** A network that breaks: each connection is cut once so many bytes went up. */
class BreakingNetwork {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Of the connections to come, in order; none: they last. */
  cutAfter: number[] = [];
  connections = 0;

  private constructor(brokerPort: number) {
    this.#server = createServer((down) => {
      this.connections++;
      const up = connect(brokerPort, "localhost");
      let left = this.cutAfter.shift() ?? Number.POSITIVE_INFINITY;
      for (const socket of [down, up]) {
        socket.setNoDelay(true);
        this.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          this.#sockets.delete(socket);
          down.destroy();
          up.destroy();
        });
      }
      up.pipe(down);
      down.on("data", (bytes) => {
        left -= bytes.length;
        if (left < 0) down.destroy();
        else if (!up.write(bytes)) {
          down.pause();
          up.once("drain", () => down.resume());
        }
      });
    });
  }

  static async open(brokerPort: number): Promise<BreakingNetwork> {
    const proxy = new BreakingNetwork(brokerPort);
    proxy.#server.listen(0, "localhost");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get address(): string {
    return `localhost:${(this.#server.address() as { port: number }).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((closed) => this.#server.close(closed));
  }
}

async function sendThrough(document: DocumentInput, onProgress?: (bytes: number) => void) {
  const session = await openSession({ ...alice.profile, address: proxy.address });
  try {
    const order = { target: "lobby", documents: [document], raw: true };
    return await sendDocuments(session, alice.dir, order, {
      onProgress: (_, bytes) => onProgress?.(bytes),
    });
  } finally {
    await session.close();
  }
}

async function expectPrinted(receipt: { otp: string; jobs: readonly { job: string }[] }, body: Buffer) {
  const { job } = receipt.jobs[0]!;
  expect(await fleet.follow(alice, job, "held")).toMatchObject({ state: "held", reason: null });
  await fleet.type("lobby", `${receipt.otp}\n`);
  expect(await fleet.follow(alice, job)).toMatchObject({ state: "delivered" });
  expect(fleet.printed("lobby").some((printed) => printed.equals(body))).toBe(true);
}

test.each(["file", "stream"])("a network that breaks again and again loses nothing (%s)", async (kind) => {
  const body = randomBytes(6_000_000);
  writeFileSync(fleet.path("body"), body);
  const before = proxy.connections;
  // During the list, in the first part, between parts, in `end` or after it: wherever that many bytes are.
  proxy.cutAfter = [900_000, 40_000, 2_000_000, 1_500, 1_300_000, 3_000_000];
  const document = kind === "file" ? { file: fleet.path("body") } : { stream: Readable.from([body]) };
  const receipt = await sendThrough(document);
  expect(proxy.connections - before).toBeGreaterThan(4);
  proxy.cutAfter = [];
  await expectPrinted(receipt, body);
});

test("a broker killed while it takes a document has all of it in the end", async () => {
  const body = randomBytes(5_000_000);
  writeFileSync(fleet.path("body"), body);
  const killed = Promise.withResolvers<void>();
  const sending = sendThrough({ file: fleet.path("body") }, (bytes) => {
    if (bytes > 1_000_000) killed.resolve();
  });
  await killed.promise;
  await fleet.kill("broker");
  await fleet.startBroker();
  await expectPrinted(await sending, body);
});

test("an aborted sending is withdrawn, and a held job can be cancelled", async () => {
  writeFileSync(fleet.path("body"), randomBytes(3_000_000));
  const session = await openSession(alice.profile);
  try {
    const abort = new AbortController();
    const order = { target: "lobby", documents: [{ file: fleet.path("body") }], raw: true };
    const aborted = sendDocuments(
      session,
      alice.dir,
      { ...order, job: "to-be-aborted" },
      {
        signal: abort.signal,
        onProgress: () => abort.abort(new Error("enough")),
      },
    );
    await expect(aborted).rejects.toThrow("enough");
    for await (const { state, reason } of followJob(session, "to-be-aborted")) {
      if (state === "cancelled") expect(reason).toBe("by-sender");
    }

    const { jobs } = await sendDocuments(session, alice.dir, { ...order, job: "to-be-cancelled" });
    expect(jobs[0]!.job).toBe("to-be-cancelled");
    expect(await cancelJob(session, "to-be-cancelled")).toMatchObject({
      state: "cancelled",
      reason: "by-sender",
      target: "lobby",
    });
    const states = await listJobs(session);
    expect(states.get("to-be-aborted")?.state).toBe("cancelled");
    expect(states.get("to-be-cancelled")?.state).toBe("cancelled");
    const again = sendDocuments(session, alice.dir, { ...order, job: "to-be-cancelled" });
    await expect(again).rejects.toMatchObject({ code: "already-there" });
  } finally {
    await session.close();
  }
});

test("a target nobody offers, and a login that is refused, are told apart", async () => {
  const session = await openSession(alice.profile);
  const nowhere = { target: "attic", documents: [{ file: fleet.path("body") }] };
  await expect(sendDocuments(session, alice.dir, nowhere)).rejects.toMatchObject({ code: "list-missing" });
  await session.close();
  const wrong = { ...alice.profile, password: "x".repeat(43) };
  await expect(openSession(wrong)).rejects.toMatchObject({ code: "login-refused" });
});
