/** The main path with real programs: sealed, held, typed, printed, destroyed; and what happens when a part is away. */
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Fleet, NOTHING_KEPT, type Sender } from "./fleet.ts";

let fleet: Fleet;
let alice: Sender;
let bob: Sender;
const received: Buffer[] = [];
const sink = createServer({ allowHalfOpen: false }, (socket) => {
  socket.on("data", (bytes) => received.push(bytes));
  socket.on("end", () => socket.end());
});

beforeAll(async () => {
  await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve));
  const { port } = sink.address() as { port: number };
  fleet = await Fleet.start();
  await fleet.addAgent({ lobby: {}, network: { uri: `tcp:127.0.0.1:${port}` } }, NOTHING_KEPT);
  [alice, bob] = [await fleet.addSender("alice"), await fleet.addSender("bob")];
  await fleet.startAgent("lobby");
});
afterAll(async () => {
  await fleet.close();
  sink.close();
});

/** A document whose bytes occur nowhere else. */
function makeDocument(name: string, bytes: number): { file: string; body: Buffer } {
  const file = fleet.path(name);
  const body = randomBytes(bytes);
  writeFileSync(file, body);
  return { file, body };
}

/** Types an OTP that is not accepted, and awaits the answer. */
async function refuse(otp: string): Promise<void> {
  const agent = fleet.program("lobby");
  const count = () => agent.lines.filter(({ event }) => event === "entry-refused").length;
  const before = count();
  await fleet.type("lobby", `${otp}\n`);
  await agent.waitFor(() => count() > before, "refused", 10_000);
}

async function sendHeld(sender: Sender, target: string, file: string, order: object = {}) {
  const receipt = await fleet.send(sender, target, [file], { raw: true, ...order });
  const job = receipt.jobs[0]!.job;
  expect(await fleet.follow(sender, job, "held")).toMatchObject({ state: "held", reason: null });
  return { otp: receipt.otp, job };
}

test.each([1, 100_000, 3_000_000])("a document of %i bytes waits and prints on its OTP", async (bytes) => {
  const { file, body } = makeDocument(`report-${bytes}.bin`, bytes);
  const before = fleet.printed("lobby").length;
  const { otp, job } = await sendHeld(alice, "lobby", file);
  expect(fleet.printed("lobby").length).toBe(before);
  await fleet.type("lobby", `${otp}\n`);
  expect(await fleet.follow(alice, job)).toMatchObject({ state: "delivered" });
  const out = fleet.printed("lobby");
  expect(out.length).toBe(before + 1);
  expect(out.some((printed) => printed.equals(body))).toBe(true);
  await vi.waitFor(() => expect(readdirSync(fleet.path("lobby", "jobs", "spool"))).toEqual([]));
});

test("the same OTP a second time prints nothing", async () => {
  const { file } = makeDocument("twice.bin", 5000);
  const { otp, job } = await sendHeld(alice, "lobby", file);
  await fleet.type("lobby", `${otp}\n`);
  await fleet.follow(alice, job);
  const before = fleet.printed("lobby").length;
  await fleet.type("lobby", `${otp}\n`);
  await fleet
    .program("lobby")
    .waitFor(
      ({ event, verdict }) => event === "entry-refused" && verdict === "not-accepted",
      "refused",
      5000,
    );
  expect(fleet.printed("lobby").length).toBe(before);
});

test("each of an agent's printers gets its own; tcp: gets every byte before the connection ends", async () => {
  const { file, body } = makeDocument("network.bin", 700_000);
  const { otp, job } = await sendHeld(bob, "network", file);
  await fleet.type("lobby", `${otp}#`);
  expect(await fleet.follow(bob, job)).toMatchObject({ state: "delivered" });
  expect(Buffer.concat(received).equals(body)).toBe(true);
});

test("several files under one OTP print together, in order", async () => {
  const files = [
    makeDocument("one.bin", 1000),
    makeDocument("two.bin", 2000),
    makeDocument("three.bin", 3000),
  ];
  const receipt = await fleet.send(
    alice,
    "lobby",
    files.map(({ file }) => file),
    { raw: true },
  );
  for (const { job } of receipt.jobs) await fleet.follow(alice, job, "held");
  const before = fleet.printed("lobby").length;
  await fleet.type("lobby", `${receipt.otp}\n`);
  for (const { job } of receipt.jobs)
    expect(await fleet.follow(alice, job)).toMatchObject({ state: "delivered" });
  const out = fleet
    .printed("lobby")
    .slice(before)
    .map((printed) => printed.length);
  expect(out).toEqual([1000, 2000, 3000]);
});

test("copies repeat the stream, each between the profile's before and after", async () => {
  const { file, body } = makeDocument("copies.bin", 2222);
  const { otp, job } = await sendHeld(alice, "lobby", file, { copies: 3 });
  await fleet.type("lobby", `${otp}\n`);
  await fleet.follow(alice, job);
  expect(fleet.printed("lobby").filter((out) => out.equals(body)).length).toBe(3);
});

test("a held job prints while the broker is away, and the broker learns of it", async () => {
  const { file, body } = makeDocument("away.bin", 50_000);
  const { otp, job } = await sendHeld(alice, "lobby", file);
  await fleet.kill("broker");
  await fleet.type("lobby", `${otp}\n`);
  await fleet
    .program("lobby")
    .waitFor((line) => line.event === "destroyed" && line.job === job, "destroyed", 10_000);
  expect(fleet.printed("lobby").some((printed) => printed.equals(body))).toBe(true);
  await fleet.startBroker();
  expect(await fleet.follow(alice, job)).toMatchObject({ state: "delivered" });
});

test("a restarted agent prints what it held, with the share from the escrow", async () => {
  const { file, body } = makeDocument("restart.bin", 50_000);
  const { otp, job } = await sendHeld(alice, "lobby", file);
  await fleet.kill("lobby");
  await fleet.startAgent("lobby");
  await fleet.type("lobby", `${otp}\n`);
  expect(await fleet.follow(alice, job)).toMatchObject({ state: "delivered" });
  expect(fleet.printed("lobby").some((printed) => printed.equals(body))).toBe(true);
});

test("restarted with the broker away it is locked, entries cost nothing, and later all is well", async () => {
  const { file, body } = makeDocument("locked.bin", 50_000);
  const { otp, job } = await sendHeld(alice, "lobby", file);
  await fleet.kill("lobby");
  await fleet.kill("broker");
  await fleet.startAgent("lobby");
  for (let i = 0; i < 7; i++) await fleet.type("lobby", `${otp}\n`);
  expect(fleet.printed("lobby").some((printed) => printed.equals(body))).toBe(false);
  await fleet.startBroker();
  await fleet.program("lobby").waitFor(({ event }) => event === "ready", "ready", 20_000);
  await fleet.type("lobby", `${otp}\n`);
  expect(await fleet.follow(alice, job)).toMatchObject({ state: "delivered" });
});

test("five wrong entries, then wait: even the right OTP", async () => {
  const { file } = makeDocument("guess.bin", 500);
  const { otp, job } = await sendHeld(alice, "lobby", file);
  const wrong = otp === "13572468" ? "24681357" : "13572468";
  for (let i = 0; i < 5; i++) await refuse(wrong);
  await fleet.type("lobby", `${otp}\n`);
  const refused = ({ event, verdict }: { event?: string; verdict?: unknown }) =>
    event === "entry-refused" && verdict === "wait";
  await fleet.program("lobby").waitFor(refused, "wait", 10_000);
  expect(await fleet.follow(alice, job, "held")).toMatchObject({ state: "held" });
  expect(existsSync(fleet.path("lobby", "jobs", "spool"))).toBe(true);
});
