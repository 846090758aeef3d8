/** The whole way to printers on a character device and on a serial line: real pseudo-terminals. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lacks, openPty, type Pty } from "../agent/pty.ts";
import { Fleet, type Sender } from "./fleet.ts";

const skipped = lacks("socat");
let fleet: Fleet;
let alice: Sender;
let parallel: Pty;
let serial: Pty;

beforeAll(async () => {
  if (skipped) return;
  [parallel, serial] = await Promise.all([openPty(), openPty()]);
  fleet = await Fleet.start();
  await fleet.addAgent({
    office: { uri: `lp:${parallel.path}`, profile: "pjl" },
    till: { uri: `serial:${serial.path}?baud=115200&flow=xonxoff`, profile: "escpos" },
  });
  alice = await fleet.addSender("alice");
  await fleet.startAgent("office");
});
afterAll(async () => {
  if (skipped) return;
  await fleet.close();
  await Promise.all([parallel.hangUp(), serial.hangUp()]);
});

async function print(printer: string, body: Buffer): Promise<void> {
  const file = fleet.path(`${printer}.bin`);
  writeFileSync(file, body);
  const { otp, jobs } = await fleet.send(alice, printer, [file], { raw: true });
  const job = jobs[0]!.job;
  await fleet.follow(alice, job, "held");
  await fleet.type("office", `${otp}\n`);
  expect(await fleet.follow(alice, job, "delivered")).toMatchObject({ state: "delivered" });
}

test.skipIf(skipped)("lp: the document between PJL's universal exits, byte for byte", async () => {
  const body = randomBytes(300_000);
  await print("office", body);
  const uel = Buffer.from("\x1b%-12345X");
  const out = await parallel.until(
    (taken) => taken.length > body.length && taken.subarray(-uel.length).equals(uel),
  );
  const at = out.indexOf(body);
  expect(at).toBeGreaterThan(0);
  expect(out.subarray(0, uel.length).equals(uel)).toBe(true);
});

test.skipIf(skipped)("serial: the document between ESC @ and the cut, byte for byte", async () => {
  const body = randomBytes(60_000);
  await print("till", body);
  const out = await serial.until((taken) => taken.includes(body) && taken.length > body.length + 2);
  // A printer is asked how it is before the document's `before`.
  expect(out.subarray(0, out.indexOf(body)).includes(Buffer.from("\x1b@"))).toBe(true);
  expect(out.subarray(out.indexOf(body) + body.length).includes(Buffer.from("\x1dV"))).toBe(true);
});
