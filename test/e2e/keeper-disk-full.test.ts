/** A full disk at the agent, on a real small file system: the document stays at the broker, held jobs are unharmed. */
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openKeeper } from "../../agent/keeper.ts";
import type { Keeper } from "../../agent/keeper-port.ts";
import { profileOf } from "../../agent/profile.ts";
import type { Ticket } from "../../wire/agent-call.ts";
import { isPlatenError } from "../../wire/error.ts";
import { FakePrinter } from "../agent/fake-device.ts";
import { MemoryEscrow } from "../agent/keeping.ts";
import { type KeyPair, makeKeyPair, sealJob } from "../agent/sealing.ts";

const dir = mkdtempSync(join(tmpdir(), "keeper-full-"));
const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", dir]).status === 0;
const isFull = (error: unknown): boolean => isPlatenError(error, "disk-full");
const printer = new FakePrinter();
const OTP = "48213907";
let keys: KeyPair;
let keeper: Keeper;

async function open(reserveBytes: number): Promise<void> {
  keeper = openKeeper({
    dir: join(dir, "agent"),
    secrets: {
      identity: keys.identity,
      deviceSecret: new Uint8Array(32).fill(1),
      deviceSalt: new Uint8Array(16).fill(2),
    },
    printers: [{ name: "lobby", uri: "fake:", profile: profileOf("raw") }],
    policy: { reserveBytes },
    stretchCost: 16,
    escrow: new MemoryEscrow(),
    openDevice: () => printer.open(),
  });
  await keeper.start();
}

function ticketOf(job: string, bytes: number | null): Ticket {
  const target = { target: "lobby", printers: ["lobby"], group: false };
  return {
    user: "alice",
    job,
    ...target,
    want: "take",
    reason: null,
    parts: 1,
    bytes,
    expires: null,
    otp: 8,
  };
}

async function submit(job: string, sealed: Buffer): Promise<string> {
  const arrival = await keeper.arrivals.begin(ticketOf(job, null));
  for (let at = 0; at < sealed.length; at += 98_304) await arrival.push(sealed.subarray(at, at + 98_304));
  return await arrival.finish(ticketOf(job, sealed.length));
}

beforeAll(async () => {
  keys = await makeKeyPair();
});
afterAll(() => {
  if (isMounted) execFileSync("umount", [dir]);
  rmSync(dir, { recursive: true });
});

test("in CI a tmpfs can be mounted", () => {
  expect(isMounted || process.env.CI !== "true").toBe(true);
});

test.skipIf(!isMounted)("with a reserve: refused before it is touched, and what is held prints", async () => {
  await open(2 * 1024 * 1024);
  const small = await sealJob(keys.recipient, { otp: OTP }, randomBytes(500_000));
  const large = await sealJob(keys.recipient, { otp: "70617263" }, randomBytes(20_000_000));
  expect(await submit("small-0001", small)).toBe("held");
  await expect(keeper.arrivals.begin(ticketOf("large-0001", large.length))).rejects.toSatisfy(isFull);
  await expect(submit("large-0002", large)).rejects.toSatisfy(isFull);
  for (const job of ["large-0001", "large-0002"]) {
    expect(keeper.arrivals.consider(ticketOf(job, large.length)), "it is fetched again later").toBe("fetch");
  }
  expect(await keeper.release.enter(OTP)).toMatchObject({ kind: "released" });
  await keeper.stop(60_000);
  expect(printer.received.length).toBe(500_000);
});

test.skipIf(!isMounted)(
  "filled to the last byte by somebody else: nothing is said that is not on disk; with room again all goes on",
  async () => {
    await open(0);
    const sealed = await sealJob(keys.recipient, { otp: "59301846" }, randomBytes(500_000));
    expect(await submit("small-0002", sealed)).toBe("held");
    const filler = join(dir, "filler");
    expect(() => writeFileSync(filler, Buffer.alloc(16_000_000))).toThrow();
    const jobs = printer.jobs.length;
    await expect(
      submit("small-0003", await sealJob(keys.recipient, { otp: OTP }, randomBytes(500_000))),
    ).rejects.toSatisfy(isFull);
    // The WAL may have a page left for a commit or two; in the end an entry cannot be charged, and then nobody is told anything.
    let refused: unknown = null;
    for (let i = 0; i < 40 && !refused; i++) {
      await keeper.release.enter("00000001").catch((error) => {
        refused = error;
      });
    }
    if (refused) expect(refused).toSatisfy(isFull);
    expect(printer.jobs.length).toBe(jobs);
    rmSync(filler);
    expect(
      await submit("small-0004", await sealJob(keys.recipient, { otp: OTP }, randomBytes(500_000))),
    ).toBe("held");
    await keeper.stop();
  },
);
