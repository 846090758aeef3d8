/** A group whose members fail in the middle: what was taken by one may print at another, and nothing prints twice. */
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Fleet, NOTHING_KEPT, type Sender } from "./fleet.ts";

let fleet: Fleet;
let alice: Sender;
const frozen = new Set<Socket>();
/** A printer that takes a connection and no byte of it. */
const stuck = createServer((socket) => {
  frozen.add(socket);
  socket.pause().on("error", () => {});
});

beforeAll(async () => {
  await new Promise<void>((resolve) => stuck.listen(0, "127.0.0.1", resolve));
  const { port } = stuck.address() as { port: number };
  fleet = await Fleet.start();
  await fleet.addAgent({ east: { uri: `tcp:127.0.0.1:${port}` } });
  await fleet.addAgent({ west: {} }, NOTHING_KEPT);
  await fleet.admin("group.add", { name: "wards", printers: ["east", "west"] });
  alice = await fleet.addSender("alice");
  await Promise.all([fleet.startAgent("east"), fleet.startAgent("west")]);
});
afterAll(async () => {
  for (const socket of frozen) socket.destroy();
  await fleet.close();
  stuck.close();
});

async function send(target: string, bytes: number, agents: readonly string[]) {
  const [file, body] = [fleet.path(`${target}-${bytes}.bin`), randomBytes(bytes)];
  writeFileSync(file, body);
  const { jobs, otp } = await fleet.send(alice, target, [file], { raw: true });
  const job = jobs[0]!.job;
  for (const agent of agents) await untilState(agent, job, "held");
  return { job, otp, body };
}

const untilState = (agent: string, job: string, state: string) =>
  fleet
    .program(agent)
    .waitFor((line) => line.event === "state" && line.job === job && line.state === state, state, 15_000);

test("released at a printer that is stuck, then its machine fails: it prints at the other one, once", async () => {
  const large = await send("east", 20_000_000, ["east"]);
  await fleet.type("east", `${large.otp}\n`);
  await untilState("east", large.job, "printing");
  const { job, otp, body } = await send("wards", 30_000, ["east", "west"]);
  await fleet.type("east", `${otp}\n`);
  await untilState("east", job, "releasing");
  await fleet.type("west", `${otp}\n`);
  const refused = ({ event, verdict }: { event?: string; verdict?: unknown }) =>
    event === "entry-refused" && verdict === "not-accepted";
  await fleet.program("west").waitFor(refused, "refused", 10_000);
  await fleet.kill("east");
  await fleet.startAgent("east");
  await untilState("east", job, "held");
  expect(await fleet.follow(alice, job, "held")).toMatchObject({ state: "held" });
  await fleet.type("west", `${otp}\n`);
  expect(await fleet.follow(alice, job)).toMatchObject({ state: "delivered" });
  expect(fleet.printed("west").map((out) => out.equals(body))).toEqual([true]);
  await untilState("east", job, "cancelled");
});

test("revoked in the middle: its own jobs end, the group's print at the other; its files open nothing", async () => {
  const own = await send("east", 1000, ["east"]);
  const shared = await send("wards", 2000, ["east", "west"]);
  const before = fleet.printed("west").length;
  await fleet.admin("printer.revoke", { name: "east" });
  expect(await fleet.follow(alice, own.job)).toMatchObject({ state: "rejected", reason: "revoked" });
  await fleet.type("west", `${shared.otp}\n`);
  expect(await fleet.follow(alice, shared.job)).toMatchObject({ state: "delivered" });
  expect(fleet.printed("west")).toHaveLength(before + 1);
  expect((await fleet.admin("status", {})).counts.shares).toBe(0);
  const shares = readFileSync(fleet.path("broker", "boot-shares.slots"));
  expect(shares.includes("east")).toBe(false);
});

test("a signal that opens Node's debugger opens none", async () => {
  const names = ["broker", "west"];
  for (const name of names) process.kill(fleet.program(name).pid ?? 0, "SIGUSR1");
  const { otp, job } = await send("west", 100, ["west"]);
  await fleet.type("west", `${otp}\n`);
  await fleet.follow(alice, job);
  for (const name of names) expect(fleet.program(name).running).toBe(true);
  for (const log of readdirSync(fleet.path("logs"))) {
    expect(readFileSync(fleet.path("logs", log), "utf8")).not.toContain("Debugger");
  }
});
