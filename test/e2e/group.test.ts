/** A group over two agents: one OTP, either printer, once. */
import { randomBytes } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Fleet, type Sender } from "./fleet.ts";

let fleet: Fleet;
let alice: Sender;

beforeAll(async () => {
  fleet = await Fleet.start();
  await fleet.addAgent({ east: {} });
  await fleet.addAgent({ west: {} });
  await fleet.admin("group.add", { name: "wards", printers: ["east", "west"] });
  alice = await fleet.addSender("alice");
  await Promise.all([fleet.startAgent("east"), fleet.startAgent("west")]);
});
afterAll(() => fleet.close());

async function sendToGroup(body: Buffer) {
  const file = fleet.path("group.bin");
  writeFileSync(file, body);
  const { jobs, otp } = await fleet.send(alice, "wards", [file], { raw: true });
  const job = jobs[0]!.job;
  const held = (agent: string) =>
    fleet.program(agent).waitFor((line) => line.event === "held" && line.job === job, "held", 15_000);
  await Promise.all([held("east"), held("west")]);
  return { job, otp };
}

const answered = (job: string) => (line: { event?: string; job?: unknown; state?: unknown }) =>
  line.event === "state" && line.job === job && (line.state === "cancelled" || line.state === "delivered");

test("it prints where its OTP is typed, and the other agent destroys its copy", async () => {
  const body = randomBytes(40_000);
  const { job, otp } = await sendToGroup(body);
  await fleet.type("west", `${otp}\n`);
  expect(await fleet.follow(alice, job)).toMatchObject({ state: "delivered" });
  expect(fleet.printed("west").map((out) => out.equals(body))).toEqual([true]);
  const ended = (line: { event?: string; job?: unknown; state?: unknown }) =>
    line.event === "state" && line.job === job && line.state === "cancelled";
  await fleet.program("east").waitFor(ended, "dropped", 15_000);
  expect(fleet.printed("east")).toEqual([]);
  // The state is told as soon as it is durable; the file goes right after.
  await vi.waitFor(() => expect(readdirSync(fleet.path("east", "jobs", "spool"))).toEqual([]));
});

test("typed at both at once, it prints at one", async () => {
  const body = randomBytes(40_000);
  const { job, otp } = await sendToGroup(body);
  await Promise.all([fleet.type("east", `${otp}\n`), fleet.type("west", `${otp}\n`)]);
  expect(await fleet.follow(alice, job)).toMatchObject({ state: "delivered" });
  // Both have answered: who was refused the claim prints nothing later.
  await Promise.all(
    ["east", "west"].map((agent) => fleet.program(agent).waitFor(answered(job), "answer", 15_000)),
  );
  const whole = [...fleet.printed("east"), ...fleet.printed("west")].filter((out) => out.equals(body));
  expect(whole.length).toBe(1);
});

test("without the broker a group's job does not print", async () => {
  const { job, otp } = await sendToGroup(randomBytes(1000));
  const before = fleet.printed("east").length + fleet.printed("west").length;
  await fleet.kill("broker");
  await fleet.type("east", `${otp}\n`);
  await fleet
    .program("east")
    .waitFor(({ event, verdict }) => event === "entry-refused" && verdict === "locked", "locked", 15_000);
  expect(fleet.printed("east").length + fleet.printed("west").length).toBe(before);
  await fleet.startBroker();
  expect(await fleet.follow(alice, job, "held")).toMatchObject({ state: "held" });
});
