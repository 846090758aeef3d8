/** A disk that fails to sync: nothing is called durable that may not be, then or later. */
import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { AgentPeer, SenderPeer } from "../broker/peers.ts";
import { Rig } from "../broker/rig.ts";

/** System calls that fail with EIO from now on, so many times. */
const disk = vi.hoisted(() => ({ failures: 0, written: new Set<number>() }));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const fdatasync = (fd: number, done: (error: NodeJS.ErrnoException | null) => void) => {
    if (disk.failures === 0) return fs.fdatasync(fd, done);
    disk.failures--;
    setImmediate(() => done(Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO" })));
  };
  // As slots are written; a sync after which not all of them were is not one.
  const writeSync = (fd: number, bytes: Uint8Array, at: number, length: number, position: number) => {
    if (length === 512) disk.written.add(position);
    return fs.writeSync(fd, bytes, at, length, position);
  };
  return { ...fs, fdatasync, writeSync };
});

let rig: Rig;
let lobby: AgentPeer;
let alice: SenderPeer;

beforeAll(async () => {
  rig = await Rig.start();
  await rig.enrol("lobby");
  const access = await rig.addUser("alice");
  lobby = await rig.connectAgent("lobby");
  await lobby.hello();
  alice = await rig.connectUser(access);
});
afterAll(() => rig.close());

async function submit(): Promise<{ user: string; job: string }> {
  const job = randomUUID();
  await alice.publish("lobby", job, "only", randomBytes(500));
  await alice.until(job, "stored");
  return { user: "alice", job };
}

function makeShare(ref: { user: string; job: string }) {
  const [tag, share] = [randomBytes(16).toString("base64"), randomBytes(32).toString("base64")];
  return { ...ref, attempt: "00112233445566ff", tag, share, expires: 2_000_000_000 };
}

test("what did not reach the disk is not confirmed; said again, all of it is written again", async () => {
  const [kept, lost] = [await submit(), await submit()];
  expect(await lobby.call("put", { shares: [makeShare(kept)] })).toMatchObject({ results: ["stored"] });
  const share = makeShare(lost);
  disk.written.clear();
  disk.failures = 1;
  expect(await lobby.call("put", { shares: [share] })).toMatchObject({ refused: "busy" });
  expect(await lobby.call("put", { shares: [share] })).toMatchObject({ results: ["stored"] });
  expect([...disk.written]).toContain(0);

  const end = { state: "delivered", reason: null, printer: "lobby", at: 1, bytes: 500, final: true };
  const events = [{ id: randomUUID(), ...kept, ...end }];
  // The drop that follows from the end and the one that is confirmed share the disk: the second one makes it good.
  disk.written.clear();
  disk.failures = 1;
  expect(await lobby.call("event", { events })).toMatchObject({ confirmed: [events[0]!.id] });
  expect([...disk.written]).toContain(512);
  expect(disk.failures).toBe(0);
});

test("a job whose bytes did not reach the disk is not stored", async () => {
  const job = randomUUID();
  disk.failures = 1;
  const sender = await rig.connectUser(await rig.addUser("bob"));
  await sender.publish("lobby", job, "only", randomBytes(500));
  await sender.until(job, "rejected", "internal");
});
