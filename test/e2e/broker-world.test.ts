/** What the world does to a broker: restarts, power cuts, full disks, time, too much of everything. */
import { execFileSync } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import type { AgentPeer, SenderPeer } from "../broker/peers.ts";
import { Rig, type Standard } from "../broker/rig.ts";

const PART = 64 * 1024;
const DAY = 24 * 3600;

interface Scene {
  readonly rig: Rig;
  readonly access: Standard;
  readonly alice: SenderPeer;
  readonly lobby: AgentPeer;
}
let scene: Scene | null = null;
afterEach(async () => {
  await scene?.rig.close();
  scene = null;
});

async function open(settings: Record<string, unknown> = {}): Promise<Scene> {
  const rig = await Rig.start(settings);
  try {
    await rig.enrol("lobby");
    const access = await rig.addUser("alice");
    const lobby = await rig.connectAgent("lobby");
    await lobby.hello();
    scene = { rig, access, alice: await rig.connectUser(access), lobby };
    return scene;
  } catch (error) {
    await rig.close();
    throw error;
  }
}

/** After a restart: new sessions for both ends. */
async function reconnect({ rig, access }: Scene): Promise<Scene> {
  const lobby = await rig.connectAgent("lobby");
  await lobby.hello();
  scene = { rig, access, lobby, alice: await rig.connectUser(access) };
  return scene;
}

const refOf = (job: string) => ({ user: "alice", job });
const folder = (rig: Rig, name: string) => join(rig.config.dataDir, name);
const partFiles = (rig: Rig) => readdirSync(folder(rig, "jobs"));

async function submit(sender: SenderPeer, bytes = 500): Promise<string> {
  const job = randomUUID();
  await sender.publish("lobby", job, "only", randomBytes(bytes));
  await sender.until(job, "stored");
  return job;
}

describe("a restart", () => {
  test("keeps stored jobs, statuses, lists, shares and what was being received", async () => {
    const before = await open();
    const { rig } = before;
    const [stored, held, half] = [await submit(before.alice), await submit(before.alice), randomUUID()];
    await before.lobby.tell(refOf(held), "held");
    const secrets = { tag: randomBytes(16).toString("base64"), share: randomBytes(32).toString("base64") };
    const expires = Math.floor(Date.now() / 1000) + 3600;
    const share = { ...refOf(held), attempt: "00112233445566ff", expires, ...secrets };
    expect(await before.lobby.call("put", { shares: [share] })).toMatchObject({ results: ["stored"] });
    const parts = [randomBytes(PART), randomBytes(PART), randomBytes(10)];
    await before.alice.publish("lobby", half, 0, parts[0]!);
    await before.alice.publish("lobby", half, 2, parts[2]!);
    await before.alice.end("lobby", half, 3, 2 * PART + 10);
    await rig.stopBroker();
    writeFileSync(join(folder(rig, "jobs"), "5.alice.an-orphan"), "nobody's");
    await rig.startBroker();

    const { alice, lobby } = await reconnect(before);
    for (const [job, state] of [
      [stored, "stored"],
      [held, "held"],
    ] as const) {
      const { retained } = await alice.told.until((told) => told.job === job && told.status?.state === state);
      expect(retained).toBe(true);
    }
    expect((await alice.until(half, "receiving")).missing).toEqual([[1, 1]]);
    expect(rig.logged("recovered").at(-1)).toMatchObject({ receiving: 1, orphans: 1, lost: 0 });
    await alice.publish("lobby", half, 1, parts[1]!);
    await alice.until(half, "stored");
    await lobby.tickets.until((t) => t.job === stored && t.parts === 1);
    await lobby.credit(refOf(half), 0, 16);
    await lobby.parts.until((p) => p.job === half && p.n === 2);
    expect(Buffer.concat(lobby.parts.all.map(({ bytes }) => bytes)).equals(Buffer.concat(parts))).toBe(true);
    const { attempt, tag } = share;
    expect(await lobby.call("ask", { asks: [{ ...refOf(held), attempt, tag }] })).toMatchObject({
      shares: [share.share],
    });
  });

  test("in good order, while jobs are being synced, loses none of them", async () => {
    const before = await open();
    const { rig } = before;
    const jobs = Array.from({ length: 3 }, () => randomUUID());
    const part = randomBytes(PART);
    // A little more than is written back in the background: when `end` comes, one sync runs and another must follow.
    const count = (8 * 1024 * 1024) / PART + 2;
    for (const job of jobs) {
      for (let n = 0; n < count; n++) before.alice.publish("lobby", job, n, part).catch(() => {});
      before.alice.end("lobby", job, count, count * PART).catch(() => {});
    }
    // Confirmed once every `end` before it was taken, not once they are on the disk.
    await before.alice.publish("lobby", randomUUID(), "cancel");
    await rig.stopBroker();
    await rig.startBroker();
    const { alice } = await reconnect(before);
    for (const job of jobs) {
      const { status } = await alice.told.until((told) => told.job === job);
      expect(["receiving", "stored"]).toContain(status?.state);
    }
    expect(rig.logged("storage-failed")).toEqual([]);
  });

  test("after a power cut in the middle of a part keeps the whole ones and asks for the others", async () => {
    const before = await open();
    const { rig } = before;
    const job = randomUUID();
    const parts = [randomBytes(PART), randomBytes(PART), randomBytes(PART)];
    for (const [n, part] of parts.entries()) await before.alice.publish("lobby", job, n, part);
    await rig.stopBroker();
    const file = join(folder(rig, "jobs"), `5.alice.${job}`);
    truncateSync(file, statSync(file).size - 1000);
    await rig.startBroker();
    const { alice } = await reconnect(before);
    await alice.end("lobby", job, 3, 3 * PART);
    const { status } = await alice.told.until(
      (told) => told.job === job && told.status?.missing !== undefined,
    );
    expect(status?.missing).toEqual([[2, 2]]);
    await alice.publish("lobby", job, 2, parts[2]!);
    await alice.until(job, "stored");
  });

  test("that finds a stored job's parts gone or cut ends it as lost, and nothing else", async () => {
    const before = await open();
    const { rig } = before;
    const [gone, cut, well] = [
      await submit(before.alice),
      await submit(before.alice),
      await submit(before.alice),
    ];
    await rig.stopBroker();
    rmSync(join(folder(rig, "jobs"), `5.alice.${gone}`));
    truncateSync(join(folder(rig, "jobs"), `5.alice.${cut}`), 100);
    await rig.startBroker();
    const { alice } = await reconnect(before);
    await alice.until(gone, "rejected", "lost");
    await alice.until(cut, "rejected", "lost");
    await alice.until(well, "stored");
  });
});

describe("time", () => {
  test("that is 1970 after a restart expires nothing and takes jobs as ever", async () => {
    const before = await open();
    const { rig } = before;
    const waiting = await submit(before.alice);
    await rig.stopBroker();
    rig.clockOffset = -Math.floor(Date.now() / 1000);
    await rig.startBroker();
    const { alice } = await reconnect(before);
    const job = await submit(alice);
    rig.clockOffset = 0;
    const rounds = rig.logged("swept").length;
    await expect.poll(() => rig.logged("swept").length).toBeGreaterThan(rounds + 1);
    for (const id of [waiting, job]) {
      expect(alice.told.all.filter((told) => told.job === id).at(-1)?.status?.state).toBe("stored");
    }
  });

  test("ends what expired: at once where nobody holds it, else when its agent let go; shares go", async () => {
    const { rig, alice, lobby } = await open();
    const [waiting, held] = [await submit(alice), await submit(alice)];
    await lobby.tell(refOf(held), "held");
    const expires = Math.floor(Date.now() / 1000) + 9 * 3600;
    const secrets = { tag: randomBytes(16).toString("base64"), share: randomBytes(32).toString("base64") };
    await lobby.call("put", {
      shares: [{ ...refOf(held), attempt: "00112233445566ff", expires, ...secrets }],
    });
    rig.clockOffset = 8 * 3600 + 60;
    await alice.until(waiting, "expired", "expired");
    await expect.poll(() => partFiles(rig)).toEqual([]);
    expect(alice.told.all.some((told) => told.job === held && told.status?.reason === "expired")).toBe(false);
    rig.clockOffset = 9 * 3600 + 60;
    await alice.until(held, "held", "expired");
    await lobby.tickets.until((t) => t.job === held && t.want === "drop" && t.reason === "expired");
    expect((await rig.admin("status", {})).counts.shares).toBe(0);
    // Its agent never answers: after its grace it is not waited for any more.
    rig.clockOffset = 9 * 3600 + 16 * 60 + 3600;
    await alice.until(held, "expired", "expired");
  });

  test("that is years ahead forgets nothing, says so, and is mended by the right one", async () => {
    const { rig, alice } = await open();
    const waiting = await submit(alice);
    rig.clockOffset = 3 * 365 * DAY;
    const rounds = rig.logged("swept").length;
    await expect.poll(() => rig.logged("swept").length).toBeGreaterThan(rounds + 1);
    expect((await rig.admin("status", {})).warnings.map(({ kind }) => kind)).toContain("clock-doubtful");
    rig.clockOffset = 0;
    expect(rig.logged("swept").filter(({ expired }) => Number(expired) > 0)).toEqual([]);
    expect(alice.told.all.filter((told) => told.job === waiting).at(-1)?.status?.state).toBe("stored");
    const { entries } = await rig.admin("audit", { limit: 10 });
    expect(entries.map(({ state }) => state)).toContain("stored");
  });

  test("gives a job nobody goes on sending up, clears statuses after a day, frees the id after a month", async () => {
    const { rig, alice, lobby } = await open();
    const [half, done] = [randomUUID(), await submit(alice)];
    await alice.publish("lobby", half, 0, randomBytes(PART));
    await lobby.tell(refOf(done), "delivered", { final: true });
    await alice.until(done, "delivered");
    rig.runningOffset = 3700;
    await alice.until(half, "rejected", "incomplete");
    rig.clockOffset = DAY + 60;
    await alice.told.until((told) => told.job === done && told.status === null);
    await alice.publish("lobby", done, "only", "again");
    await alice.until(done, "delivered", "duplicate");
    rig.clockOffset = 31 * DAY;
    await expect.poll(() => rig.logged("swept").some(({ purged }) => Number(purged) > 0)).toBe(true);
    await alice.publish("lobby", done, "only", "again");
    await alice.until(done, "stored", null);
  });
});

describe("too much", () => {
  test("of jobs, bytes and submissions is refused with a status that says so", async () => {
    const quota = { liveJobs: 2, userBytes: 250_000, jobBytes: 240_000, submissionsPerHour: 6 };
    const { alice } = await open({ quota });
    const first = await submit(alice, 100_000);
    const second = await submit(alice, 100_000);
    const third = randomUUID();
    await alice.publish("lobby", third, "only", randomBytes(10));
    await alice.until(third, "rejected", "quota");
    await alice.publish("lobby", first, "cancel");
    await alice.until(first, "cancelled");
    const large = randomUUID();
    for (const n of [0, 1, 2, 3]) await alice.publish("lobby", large, n, randomBytes(PART));
    await alice.until(large, "rejected", "quota");
    const huge = randomUUID();
    await alice.end("lobby", huge, 4, 260_000);
    await alice.until(huge, "rejected", "too-large");
    await submit(alice, 100_000);
    const seventh = randomUUID();
    await alice.publish("lobby", seventh, "only", randomBytes(10));
    await alice.until(seventh, "rejected", "quota");
    expect(alice.told.all.filter(({ job }) => job === second).at(-1)?.status?.state).toBe("stored");
  });
});

test("an agent that stops reading holds up nobody else", async () => {
  const { rig, alice, lobby } = await open();
  await rig.enrol("attic");
  const attic = await rig.connectAgent("attic");
  await attic.hello();
  const part = randomBytes(120 * 1024);
  const jobs = [randomUUID(), randomUUID(), randomUUID()];
  for (const job of jobs) {
    for (let n = 0; n < 64; n++) await alice.publish("lobby", job, n, part);
    await alice.end("lobby", job, 64, 64 * part.length);
    await alice.until(job, "stored");
  }
  lobby.client.stream.unpipe();
  lobby.client.stream.pause();
  // More than the sockets on both sides hold.
  for (const job of jobs)
    await lobby.client.publishAsync(
      "platen/v1/agents/lobby/call/parts",
      JSON.stringify({ rid: "x", ...refOf(job), from: 0, window: 64 }),
      { qos: 0 },
    );
  for (let i = 0; i < 5; i++) {
    const job = randomUUID();
    await alice.publish("attic", job, "only", randomBytes(1000));
    await alice.until(job, "stored");
    await attic.tickets.until((ticket) => ticket.job === job);
    await attic.credit(refOf(job), 0, 1);
    await attic.parts.until((part) => part.job === job);
  }
});

/** A small disk of its own; null where nobody may mount one. */
function mountDisk(dir: string, size: string): (() => void) | null {
  try {
    mkdirSync(dir, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", dir], { stdio: "ignore" });
    return () => execFileSync("umount", ["-l", dir]);
  } catch (error) {
    if (process.env.CI === "true") throw error;
    return null;
  }
}

describe("a full disk", () => {
  test.each([
    ["is seen coming", 512 * 1024],
    ["is hit", 0],
  ])(
    "that %s refuses the job with disk-full; what lies there is unharmed, and room helps",
    async (_, freeBytes) => {
      const disk = join("/tmp", `platen-disk-${randomUUID()}`);
      const unmount = mountDisk(disk, "6m");
      if (!unmount) return;
      onTestFinished(() => {
        unmount();
        rmSync(disk, { recursive: true, force: true });
      });
      const { rig, alice, lobby } = await open({ dataDir: join(disk, "broker"), quota: { freeBytes } });
      const safe = await submit(alice, 100_000);
      const large = randomUUID();
      for (let n = 0; n < 100; n++) await alice.publish("lobby", large, n, randomBytes(PART));
      await alice.until(large, "rejected", "disk-full");
      await expect.poll(() => partFiles(rig).length).toBe(1);
      await lobby.credit(refOf(safe), 0, 1);
      expect((await lobby.parts.until((p) => p.job === safe)).bytes.length).toBe(100_000);
      await submit(alice, 50_000);
      expect(alice.client.connected).toBe(true);
    },
  );
});
