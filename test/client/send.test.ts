import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { appendFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Order, type SendOptions, sendDocuments } from "../../client/send.ts";
import { openSession, type Session } from "../../client/session.ts";
import { isTrivialOtp } from "../../wire/otp.ts";
import { NOW, openPeer, type Peer, unseal } from "./peer.ts";

let peer: Peer;
let session: Session;

beforeEach(async () => {
  peer = await openPeer();
  await peer.offer();
  session = await openSession(peer.profile, { giveUpMs: 8_000, retryMs: 2 });
});

afterEach(async () => {
  await session.close();
  await peer.close();
});

async function fileOf(bytes: Uint8Array, name = "document.pdf"): Promise<string> {
  const file = join(peer.dir, name);
  await writeFile(file, bytes);
  return file;
}

function send(order: Partial<Order> & Pick<Order, "documents">, options: SendOptions = {}) {
  return sendDocuments(session, peer.dir, { target: "lobby", ...order }, options);
}

function only<T>(values: Iterable<T>): T {
  const [value, ...more] = values;
  if (value === undefined || more.length > 0) throw new Error("expected exactly one");
  return value;
}

describe("sending one document", () => {
  it.each([
    ["a message", 1_000, 1],
    ["a message filled to the byte", 120 * 1024 - 600, 1],
    ["parts", 300_000, 4],
    ["many parts", 4_000_000, 41],
  ])("as %s arrives whole under its OTP", async (_, size, parts) => {
    const document = randomBytes(size);
    const seen: (number | null)[][] = [];
    const receipt = await send(
      {
        documents: [{ file: await fileOf(document), name: "report ü.pdf", type: "application/pdf" }],
        copies: 2,
        expires: NOW + 600,
        digest: true,
      },
      { onProgress: (...progress) => seen.push(progress) },
    );
    const job = only(peer.jobs.values());
    expect(job.parts.size).toBe(parts);
    expect(receipt.jobs).toEqual([{ job: job.job, bytes: job.end!.bytes }]);
    const opened = await unseal(peer, job);
    expect(opened.document.equals(document)).toBe(true);
    expect(opened.manifest).toMatchObject({
      otp: receipt.otp,
      name: "report ü.pdf",
      type: "application/pdf",
      copies: 2,
      expires: NOW + 600,
      user: "alice",
      job: job.job,
      to: "lobby",
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(receipt.otp).toMatch(/^[0-9]{8}$/);
    expect(isTrivialOtp(receipt.otp)).toBe(false);
    expect(seen.at(-1)).toEqual([0, job.end!.bytes, job.end!.bytes]);
    if (parts > 1) expect(job.end!.expires).toBe(NOW + 600);
  });

  it("takes the OTP's length from the list", async () => {
    await peer.offer({ otp: 10, serial: 2 });
    const { otp } = await send({ documents: [{ file: await fileOf(randomBytes(10)) }] });
    expect(otp).toMatch(/^[0-9]{10}$/);
  });

  it("from a pipe keeps only ciphertext on disk, and removes it", async () => {
    const canary = Buffer.from("CANARY-0123456789-CANARY");
    const document = Buffer.concat([canary, randomBytes(500_000), canary]);
    const temporary = join(peer.dir, "temporary");
    mkdirSync(temporary);
    vi.stubEnv("TMPDIR", temporary);
    const spooled: Buffer[] = [];
    peer.script = {
      onPart: (job, n) => {
        for (const folder of readdirSync(temporary))
          spooled.push(readFileSync(join(temporary, folder, "sealed")));
        return n === 3 && job.counts.get(n) === 1 ? "drop" : "keep";
      },
    };
    const receipt = await send({ documents: [{ stream: Readable.from(cut(document, 7_001)) }] });
    vi.unstubAllEnvs();
    const opened = await unseal(peer, peer.jobs.get(receipt.jobs[0]!.job)!).catch((error) => error);
    expect(opened.document.equals(document)).toBe(true);
    expect(spooled.length).toBeGreaterThan(0);
    expect(spooled.some((bytes) => bytes.includes(canary))).toBe(false);
    expect(readdirSync(temporary)).toEqual([]);
  });
});

function keepBut(when: boolean, act: () => void): "keep" {
  if (when) act();
  return "keep";
}

function* cut(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("what goes wrong on the way", () => {
  it("sends again what is missing, from the file, until it is whole", async () => {
    const document = randomBytes(2_000_000);
    const dropped = new Set([0, 3, 4, 5, 19, 20]);
    peer.script = { onPart: (job, n) => (dropped.has(n) && job.counts.get(n)! < 3 ? "drop" : "keep") };
    await send({ documents: [{ file: await fileOf(document) }] });
    const job = only(peer.jobs.values());
    expect((await unseal(peer, job)).document.equals(document)).toBe(true);
    expect([...job.counts].filter(([, count]) => count > 1).map(([n]) => n)).toEqual([...dropped]);
  });

  it.each(["file", "stream"] as const)("goes on after lost connections where it was (%s)", async (kind) => {
    const document = randomBytes(3_000_000);
    let cuts = 0;
    peer.script = { onPart: (job, n) => (n === 20 && job.counts.get(n)! < 3 && ++cuts ? "cut" : "keep") };
    const input =
      kind === "file" ? { file: await fileOf(document) } : { stream: Readable.from(cut(document, 65_536)) };
    await send({ documents: [input] }, { window: 4 });
    const job = only(peer.jobs.values());
    expect(cuts).toBe(2);
    expect((await unseal(peer, job)).document.equals(document)).toBe(true);
    // Only what was under way came again.
    expect([...job.counts].filter(([, count]) => count > 1).every(([n]) => n > 12 && n <= 24)).toBe(true);
  });

  it("notices that it was stored although the answer was lost", async () => {
    const document = randomBytes(400_000);
    peer.script = {
      onEnd: (job) => {
        if (job.ends > 1) return undefined;
        peer.cutAll();
        return { state: "stored", reason: null };
      },
    };
    await send({ documents: [{ file: await fileOf(document) }] });
    expect((await unseal(peer, only(peer.jobs.values()))).document.equals(document)).toBe(true);
  });

  it("says end again while the broker is silent, then gives up without withdrawing the job", async () => {
    peer.script = { onEnd: () => null };
    const file = await fileOf(randomBytes(200_000));
    const sending = send({ documents: [{ file }] }, { endEveryMs: 20, storedTimeoutMs: 100 });
    await expect(sending).rejects.toMatchObject({ code: "not-stored" });
    const job = only(peer.jobs.values());
    expect(job.ends).toBeGreaterThan(2);
    expect(job.cancelled).toBe(false);
  });

  it("does not send the same missing part for ever", async () => {
    peer.script = { onPart: (_, n) => (n === 1 ? "drop" : "keep") };
    const sending = send({ documents: [{ file: await fileOf(randomBytes(200_000)) }] });
    await expect(sending).rejects.toMatchObject({ code: "not-stored" });
    expect(only(peer.jobs.values()).counts.get(1)).toBeLessThan(20);
  });

  it("takes a repeated stored for one", async () => {
    peer.script = {
      onEnd: (job) => {
        void peer.status(job.job, { state: "stored" });
        void peer.status(job.job, { state: "arriving" });
        return undefined;
      },
    };
    const { jobs } = await send({ documents: [{ file: await fileOf(randomBytes(200_000)) }] });
    expect(jobs).toHaveLength(1);
  });

  it("says why a job was refused, and stops sending", async () => {
    peer.script = {
      onPart: (job, n) => {
        if (n === 5) void peer.status(job.job, { state: "rejected", reason: "quota" });
        return "keep";
      },
    };
    const sending = send({ documents: [{ file: await fileOf(randomBytes(4_000_000)) }] });
    await expect(sending).rejects.toMatchObject({
      code: "job-rejected",
      details: { reason: "quota", sentence: expect.stringContaining("too many jobs of yours") },
    });
    const job = only(peer.jobs.values());
    expect(job.end).toBeNull();
    expect(job.cancelled).toBe(false);
  });

  it("is told when the id was taken by another job meanwhile", async () => {
    peer.script = { onEnd: () => ({ state: "held", reason: "duplicate" }) };
    const sending = send({ documents: [{ file: await fileOf(randomBytes(10)) }] });
    await expect(sending).rejects.toMatchObject({ code: "job-rejected", details: { reason: "duplicate" } });
  });

  it("never has more parts under way than the window", async () => {
    let most = 0;
    const gates: (() => void)[] = [];
    peer.script = {
      beforeAck: () =>
        new Promise((resolve) => {
          gates.push(resolve);
          most = Math.max(most, gates.length);
          // Time for one too many to come; then let go from the end, so that acknowledgements come out of order.
          if (gates.length === 5)
            setTimeout(
              () =>
                gates
                  .splice(0)
                  .reverse()
                  .forEach((open) => void open()),
              30,
            );
        }),
    };
    const file = await fileOf(randomBytes(16_384 * 15 - 5_000));
    await send({ documents: [{ file }] }, { window: 5, partBytes: 16_384 });
    expect(most).toBe(5);
  });

  it("gives up on a broker that takes nothing", async () => {
    peer.script = { onPart: () => "cut" };
    const file = await fileOf(randomBytes(200_000));
    await expect(send({ documents: [{ file }] })).rejects.toMatchObject({ code: "broker-unreachable" });
    expect(only(peer.jobs.values()).counts.get(0)).toBeLessThan(10);
  });

  it("refuses a job id that is in use", async () => {
    await peer.status("job-in-use", { state: "held" });
    const sending = send({ documents: [{ file: await fileOf(randomBytes(10)) }], job: "job-in-use" });
    await expect(sending).rejects.toMatchObject({ code: "already-there" });
    expect(peer.jobs.size).toBe(0);
  });
});

describe("a file that changes", () => {
  it("between the first sending and the second is not sent on, and the job is withdrawn", async () => {
    const file = await fileOf(randomBytes(900_000));
    await utimes(file, NOW, NOW);
    peer.script = {
      onPart: (_, n) => (n === 2 ? "drop" : "keep"),
      // Same size, same time: only the tags can tell.
      beforeAck: async (_, n) => {
        if (n !== 8) return;
        await writeFile(file, randomBytes(900_000));
        await utimes(file, NOW, NOW);
      },
    };
    await expect(send({ documents: [{ file }] })).rejects.toMatchObject({ code: "document-changed" });
    const job = only(peer.jobs.values());
    expect(job.counts.get(2)).toBe(1);
    expect(job.cancelled).toBe(true);
  });

  it("by growing while it is read is withdrawn", async () => {
    const file = await fileOf(randomBytes(5_000_000));
    peer.script = { beforeAck: async (_, n) => void (n === 1 && (await appendFile(file, "x"))) };
    await expect(send({ documents: [{ file }] })).rejects.toMatchObject({ code: "document-changed" });
    expect(only(peer.jobs.values()).cancelled).toBe(true);
  });
});

describe("giving up", () => {
  it("withdraws the job when aborted", async () => {
    const abort = new AbortController();
    peer.script = { onPart: (_, n) => keepBut(n === 4, () => abort.abort(new Error("enough"))) };
    const file = await fileOf(randomBytes(4_000_000));
    await expect(send({ documents: [{ file }] }, { signal: abort.signal })).rejects.toThrow("enough");
    const job = only(peer.jobs.values());
    expect(job.cancelled).toBe(true);
    expect(job.end).toBeNull();
  });

  it("does not wait for a pipe that never ends", async () => {
    const abort = new AbortController();
    async function* endless() {
      yield randomBytes(500_000);
      await new Promise(() => {});
    }
    peer.script = { onPart: (_, n) => keepBut(n === 2, () => abort.abort(new Error("enough"))) };
    await expect(send({ documents: [{ stream: endless() }] }, { signal: abort.signal })).rejects.toThrow(
      "enough",
    );
    expect(only(peer.jobs.values()).cancelled).toBe(true);
  });
});

describe("several files", () => {
  it("share one OTP and name their place in the set", async () => {
    const documents = [randomBytes(10), randomBytes(300_000), randomBytes(20)];
    const files = await Promise.all(documents.map((bytes, i) => fileOf(bytes, `${i}.pdf`)));
    const { otp, jobs } = await send({ documents: files.map((file) => ({ file })) });
    const opened = await Promise.all(jobs.map(({ job }) => unseal(peer, peer.jobs.get(job)!)));
    expect(opened.map(({ manifest }) => [manifest.otp, manifest.seq, manifest.of])).toEqual([
      [otp, 1, 3],
      [otp, 2, 3],
      [otp, 3, 3],
    ]);
    expect(new Set(opened.map(({ manifest }) => manifest.set)).size).toBe(1);
    expect(opened.every(({ document }, i) => document.equals(documents[i]!))).toBe(true);
  });

  it("are withdrawn together when one is refused", async () => {
    const files = [await fileOf(randomBytes(10), "a"), await fileOf(randomBytes(300_000), "b")];
    peer.script = {
      onEnd: (job) => (job.parts.size > 1 ? { state: "rejected", reason: "quota" } : undefined),
    };
    await expect(send({ documents: files.map((file) => ({ file })) })).rejects.toMatchObject({
      code: "job-rejected",
    });
    expect([...peer.jobs.values()].map((job) => job.cancelled)).toEqual([true, false]);
  });

  it("are all opened before the first is sent", async () => {
    const files = [await fileOf(randomBytes(10)), join(peer.dir, "missing.pdf")];
    await expect(send({ documents: files.map((file) => ({ file })) })).rejects.toMatchObject({
      code: "no-input",
      details: { why: "ENOENT" },
    });
    expect(peer.jobs.size).toBe(0);
  });
});

describe("refused before anything is sent", () => {
  it.each([
    ["an expiry in the past", { expires: NOW - 5 }, "usage"],
    ["an expiry in a thousand years", { expires: NOW + 1000 * 365 * 86_400 }, "usage"],
    ["a hundred copies", { copies: 100 }, "usage"],
    ["a bad job id", { job: "x/y" }, "usage"],
    ["no document", { documents: [] }, "usage"],
    ["a target that is no name", { target: "../etc" }, "bad-name"],
    ["an empty file", { empty: true }, "no-input"],
    ["a folder", { folder: true }, "no-input"],
    ["a language the target does not print", { language: "postscript" }, "language-refused"],
  ])("%s", async (_, fault, code) => {
    const { empty, folder, language, ...order } = fault as Record<string, unknown>;
    const file = folder ? peer.dir : await fileOf(randomBytes(empty ? 0 : 10));
    const sending = send({ documents: [{ file, language: language as string }], ...order });
    await expect(sending).rejects.toMatchObject({ code });
    expect(peer.jobs.size).toBe(0);
  });

  it("but a language goes through as raw", async () => {
    const file = await fileOf(randomBytes(10));
    await send({ documents: [{ file, language: "postscript" }], raw: true });
    expect((await unseal(peer, only(peer.jobs.values()))).manifest.raw).toBe(true);
  });
});
