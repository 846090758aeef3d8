import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cancelJob } from "../../client/cancel.ts";
import { followJob, listJobs } from "../../client/follow.ts";
import { openSession, type Session } from "../../client/session.ts";
import type { JobStatus } from "../../wire/status.ts";
import { openPeer, type Peer } from "./peer.ts";

let peer: Peer;
let session: Session;

beforeEach(async () => {
  peer = await openPeer();
  session = await openSession(peer.profile, { giveUpMs: 8_000, retryMs: 2 });
});
afterEach(async () => {
  await session.close();
  await peer.close();
});

describe("following a job", () => {
  it("tells each state once, over a lost connection, until the end", async () => {
    await peer.status("job-00001", { state: "stored" });
    const states: string[] = [];
    for await (const { state } of followJob(session, "job-00001")) {
      states.push(state);
      if (state === "stored") {
        peer.cutAll();
        await peer.status("job-00001", { state: "held" });
      }
      if (state === "held") {
        await peer.status("job-00001", { state: "held" });
        await peer.status("job-00001", { state: "printing" });
        await peer.status("job-00001", { state: "delivered" });
        await peer.status("job-00001", { state: "held" });
      }
    }
    expect(states).toEqual(["stored", "held", "printing", "delivered"]);
  });

  it("ends when the broker forgets the job, and ignores what is no status", async () => {
    await peer.status("job-00001", { state: "held" });
    const states: string[] = [];
    for await (const { state } of followJob(session, "job-00001")) {
      states.push(state);
      await peer.status("job-00001", { state: "burning" as "held" });
      await peer.status("job-00001", null);
    }
    expect(states).toEqual(["held"]);
  });

  it("lists nothing under a name that a terminal would obey, and no time that is none", async () => {
    const evil = { printers: { "\u001b]0;owned\u0007": "held" } } as Partial<JobStatus>;
    await peer.status("job-00001", { state: "held" });
    await peer.status("job-\u001b[2J0002", { state: "held" });
    await peer.status("job-00003", { state: "held", ...evil });
    await peer.status("job-00004", { state: "held", at: 1e15 });
    expect([...(await listJobs(session)).keys()]).toEqual(["job-00001"]);
  });

  it("ends with an interruption nothing follows", async () => {
    await peer.status("job-00001", { state: "interrupted", reason: "paper" });
    const states: unknown[] = [];
    for await (const { state, final } of followJob(session, "job-00001")) {
      states.push([state, final]);
      await peer.status("job-00001", { state: "interrupted", reason: "paper", final: true });
    }
    expect(states).toEqual([
      ["interrupted", undefined],
      ["interrupted", true],
    ]);
  });

  it("of an unknown job says so", async () => {
    const unknown = followJob(session, "job-00009", { answerMs: 50 }).next();
    await expect(unknown).rejects.toMatchObject({ code: "job-unknown" });
  });

  it("stops when aborted", async () => {
    await peer.status("job-00001", { state: "held" });
    const abort = new AbortController();
    const following = followJob(session, "job-00001", { signal: abort.signal });
    await following.next();
    const next = following.next();
    abort.abort(new Error("enough"));
    await expect(next).rejects.toThrow("enough");
  });

  it("stops when aborted while the broker is away, and leaves no dialling behind", async () => {
    const away = await openPeer();
    const patient = await openSession(away.profile, { giveUpMs: 60_000 });
    await away.status("job-00001", { state: "held" });
    const abort = new AbortController();
    const following = followJob(patient, "job-00001", { signal: abort.signal });
    await following.next();
    const stopped = expect(following.next()).rejects.toThrow("enough");
    const lost = (await patient.connect()).lost;
    await away.close();
    await lost;
    const redialling = expect(patient.connect()).rejects.toThrow("the session was closed");
    abort.abort(new Error("enough"));
    await stopped;
    await patient.close();
    await redialling;
  });

  it("gives up when the broker stays away", async () => {
    const brief = await openSession(peer.profile, { giveUpMs: 1 });
    await peer.status("job-00001", { state: "held" });
    const following = followJob(brief, "job-00001");
    await following.next();
    const refused = expect(following.next()).rejects.toMatchObject({ code: "broker-unreachable" });
    await peer.close();
    await refused;
    await brief.close();
  });
});

describe("all jobs", () => {
  it("are listed by their ids", async () => {
    for (const n of [1, 2, 3]) await peer.status(`job-0000${n}`, { state: n === 2 ? "printed" : "held" });
    await peer.status("job-00003", null);
    const jobs = await listJobs(session, { quietMs: 200 });
    expect([...jobs].map(([job, { state }]) => [job, state]).sort()).toEqual([
      ["job-00001", "held"],
      ["job-00002", "printed"],
    ]);
    expect((await listJobs(session, { quietMs: 200 })).size).toBe(2);
  });

  it("of nobody are none", async () => {
    expect((await listJobs(session, { quietMs: 20 })).size).toBe(0);
  });
});

describe("cancelling", () => {
  it("leaves whoever follows the job their statuses", async () => {
    await peer.status("job-00001", { state: "held" });
    const following = followJob(session, "job-00001");
    expect((await following.next()).value).toMatchObject({ state: "held" });
    const [ended, next] = await Promise.all([cancelJob(session, "job-00001"), following.next()]);
    expect(ended).toMatchObject({ state: "cancelled" });
    expect(next.value).toMatchObject({ state: "cancelled" });
  });

  it("ends a held job", async () => {
    await peer.status("job-00001", { state: "held", target: "lobby" });
    const ended = await cancelJob(session, "job-00001");
    expect(ended).toMatchObject({ state: "cancelled", reason: "by-sender" });
    expect(peer.jobs.get("job-00001")).toMatchObject({ target: "lobby", cancelled: true });
  });

  it("returns another end that came first, and asks nothing then", async () => {
    await peer.status("job-00001", { state: "printed", target: "lobby" });
    expect((await cancelJob(session, "job-00001")).state).toBe("printed");
    expect(peer.jobs.size).toBe(0);
  });

  it("of an unknown job says so", async () => {
    await expect(cancelJob(session, "job-00009", { answerMs: 50 })).rejects.toMatchObject({
      code: "job-unknown",
    });
  });

  it("says when the broker does not end it in time", async () => {
    await peer.status("job-00001", { state: "held", target: "lobby" });
    peer.aedes.authorizePublish = (_client, _packet, done) => done(null);
    await expect(cancelJob(session, "job-00001", { endMs: 100 })).rejects.toMatchObject({ code: "timeout" });
  });
});
