/** What comes in: the sender's mistakes and lies, each with the reason that is told; nothing else is harmed. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isPlatenError } from "../../wire/error.ts";
import type { Reason } from "../../wire/reason.ts";
import { Keeping, NOW_S, OTP, type Submission } from "./keeping.ts";
import { makeKeyPair, sealJob, sealPlain } from "./sealing.ts";

let keeping: Keeping;
/** One agent for all bad input: what one job does must not disturb the next. */
let shared: Keeping;
beforeAll(async () => {
  shared = await Keeping.open({ lobby: "pjl" });
  await shared.submit({
    job: "bystander-1",
    document: Buffer.from("%PDF-1.7\n"),
    manifest: { otp: "59301846" },
  });
});
afterAll(async () => {
  expect(await shared.enter("59301846")).toMatchObject({ kind: "released" });
  await shared.destroyed();
  await shared.close();
});

const PDF = Buffer.concat([Buffer.from("%PDF-1.7\n"), Buffer.alloc(150_000, "pdf ")]);
const recipient = (): string => shared.keys.recipient;
let count = 0;

async function refusalOf(submission: Submission): Promise<string> {
  const job = `bad-${String(++count).padStart(6, "0")}`;
  const state = await shared.submit({ document: PDF, ...submission, job: submission.job ?? job });
  const event = shared.last(submission.job ?? job);
  expect(event).toMatchObject({ state, final: true });
  expect(shared.spooled()).toHaveLength(1);
  return `${state}/${event?.reason}`;
}

const flip = (bytes: Uint8Array, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0x20;
  return copy;
};
const good = (): Promise<Buffer> => sealJob(recipient(), { otp: OTP }, PDF);
const CHUNK = 65_552;

const LIES: readonly (readonly [
  what: string,
  expected: `rejected/${Reason}`,
  sealed: () => Promise<Buffer>,
])[] = [
  ["cut in the last chunk", "rejected/damaged", async () => (await good()).subarray(0, -1)],
  [
    "cut at a chunk's end",
    "rejected/damaged",
    async () => (await good()).subarray(0, (await good()).length - (150_009 + 22 - 2 * 65_536) - 16),
  ],
  ["cut in the header", "rejected/malformed", async () => (await good()).subarray(0, 100)],
  ["cut in the nonce", "rejected/damaged", async () => (await good()).subarray(0, 175)],
  ["a bit flipped in the payload", "rejected/damaged", async () => flip(await good(), 100_000)],
  ["a bit flipped in the header", "rejected/damaged", async () => flip(await good(), 140)],
  ["a bit flipped in the nonce", "rejected/damaged", async () => flip(await good(), 170)],
  ["a bit flipped in the first word", "rejected/malformed", async () => flip(await good(), 3)],
  [
    "two chunks changed places",
    "rejected/damaged",
    async () => {
      const sealed = await good();
      const start = sealed.length - (150_009 + 22) - 3 * 16;
      const cut = (n: number): Buffer => sealed.subarray(start + n * CHUNK, start + (n + 1) * CHUNK);
      return Buffer.concat([sealed.subarray(0, start), cut(1), cut(0), cut(2)]);
    },
  ],
  ["bytes after the end", "rejected/damaged", async () => Buffer.concat([await good(), Buffer.from("more")])],
  ["no age file", "rejected/malformed", async () => PDF],
  ["nothing but zeroes", "rejected/malformed", async () => Buffer.alloc(10_000)],
  [
    "a header of 10 MB",
    "rejected/malformed",
    async () =>
      Buffer.concat([Buffer.from("age-encryption.org/v1\n-> X25519 "), Buffer.alloc(10_000_000, "A")]),
  ],
  [
    "sealed to somebody else",
    "rejected/not-sealed-to-us",
    async () => sealJob((await makeKeyPair()).recipient, { otp: OTP }, PDF),
  ],
  ["a manifest that is no JSON", "rejected/malformed", () => sealPlain(recipient(), "{otp}\n", PDF)],
  [
    "a manifest that is no UTF-8",
    "rejected/malformed",
    () => sealPlain(recipient(), Buffer.from([0x7b, 0xff, 0x7d, 0x0a]), PDF),
  ],
  [
    "a manifest of another version",
    "rejected/malformed",
    () => sealPlain(recipient(), `{"v":2,"otp":"${OTP}"}\n`, PDF),
  ],
  ["a manifest without OTP", "rejected/malformed", () => sealPlain(recipient(), `{"v":1}\n`, PDF)],
  ["a manifest that never ends", "rejected/malformed", () => sealPlain(recipient(), "x".repeat(9000), PDF)],
  [
    "a manifest without its newline",
    "rejected/malformed",
    () => sealPlain(recipient(), `{"v":1,"otp":"${OTP}"}`, Buffer.alloc(0)),
  ],
  ["an empty file inside", "rejected/malformed", () => sealPlain(recipient(), "", Buffer.alloc(0))],
  ["copies without end", "rejected/malformed", () => sealJob(recipient(), { otp: OTP, copies: 100 }, PDF)],
  ["another user", "rejected/mismatch", () => sealJob(recipient(), { otp: OTP, user: "bob" }, PDF)],
  ["another job", "rejected/mismatch", () => sealJob(recipient(), { otp: OTP, job: "other-job-1" }, PDF)],
  ["another target", "rejected/mismatch", () => sealJob(recipient(), { otp: OTP, to: "attic" }, PDF)],
  ["an OTP too short", "rejected/otp-policy", () => sealJob(recipient(), { otp: "482139" }, PDF)],
  ["an OTP too long", "rejected/otp-policy", () => sealJob(recipient(), { otp: "4821390714" }, PDF)],
  ["an OTP anybody would try", "rejected/otp-policy", () => sealJob(recipient(), { otp: "12345678" }, PDF)],
  [
    "an expiry in a thousand years",
    "rejected/expiry-policy",
    () => sealJob(recipient(), { otp: OTP, expires: NOW_S + 31_557_600_000 }, PDF),
  ],
  [
    "an expiry in eight days",
    "rejected/expiry-policy",
    () => sealJob(recipient(), { otp: OTP, expires: NOW_S + 8 * 86_400 }, PDF),
  ],
  [
    "another digest",
    "rejected/damaged",
    () => sealJob(recipient(), { otp: OTP, sha256: "0".repeat(64) }, PDF),
  ],
  [
    "a language the printer does not speak",
    "rejected/language",
    () => sealJob(recipient(), { otp: OTP }, Buffer.from("\x89PNG\r\n\x1a\n")),
  ],
];

test.each(LIES)("%s: %s", async (_, expected, sealed) => {
  expect(await refusalOf({ sealed: await sealed() })).toBe(expected);
});

test("an expiry in the past is `expired`, by manifest or by `end`", async () => {
  expect(await refusalOf({ manifest: { expires: NOW_S - 1 } })).toBe("expired/expired");
  expect(await refusalOf({ ticket: { expires: NOW_S } })).toBe("expired/expired");
});

test("an `end` that lies about the bytes", async () => {
  const sealed = await good();
  const job = "lying-end-1";
  const arrival = await shared.keeper.arrivals.begin(shared.ticket({ job }, null));
  await arrival.push(sealed);
  expect(await arrival.finish(shared.ticket({ job }, sealed.length + 1))).toBe("rejected");
  expect(shared.last(job)?.reason).toBe("incomplete");
});

test("an old ciphertext under a new id, also after a restart and for another user", async () => {
  keeping = await Keeping.open();
  const sealed = await keeping.seal({});
  expect(await keeping.submit({ sealed })).toBe("held");
  expect(await keeping.submit({ sealed, job: "job-00000002" })).toBe("rejected");
  expect(keeping.last("job-00000002")?.reason).toBe("replayed");
  await keeping.restart();
  expect(await keeping.submit({ sealed, user: "bob" })).toBe("rejected");
  expect(await keeping.enter()).toMatchObject({ kind: "released", jobs: 1 });
  await keeping.close();
});

test("two arrivals of one ciphertext at once: one is held", async () => {
  keeping = await Keeping.open();
  const sealed = await keeping.seal({});
  const both = await Promise.all([keeping.submit({ sealed }), keeping.submit({ sealed, user: "bob" })]);
  expect(both.toSorted()).toEqual(["held", "rejected"]);
  await keeping.close();
});

test("a job is known once: by the same user; another user may choose the same id", async () => {
  keeping = await Keeping.open();
  await keeping.submit({});
  expect(keeping.keeper.arrivals.consider(keeping.ticket({}, 1))).toBe("known");
  await expect(keeping.keeper.arrivals.begin(keeping.ticket({}, 1))).rejects.toThrow(TypeError);
  expect(keeping.keeper.arrivals.consider(keeping.ticket({ user: "bob" }, 1))).toBe("fetch");
  expect(await keeping.submit({ user: "bob", manifest: { otp: "90817263" } })).toBe("held");
  await keeping.close();
});

test("raw prints what no rule knows; a digest that fits is no obstacle; unknown fields are ignored", async () => {
  const { createHash } = await import("node:crypto");
  const document = randomBytes(200_000);
  const sha256 = createHash("sha256").update(document).digest("hex");
  const manifest = { raw: true, sha256, user: "alice", to: "lobby", colour: "blue", otp: "70617263" };
  expect(await shared.submit({ job: "raw-000001", document, manifest })).toBe("held");
  expect(
    await shared.keeper.arrivals.drop(
      shared.ticket({ job: "raw-000001", ticket: { want: "drop", reason: "by-sender" } }, null),
    ),
  ).toBeUndefined();
  expect(shared.last("raw-000001")).toMatchObject({ state: "cancelled", reason: "by-sender", final: true });
});

test("the spool holds payload chunks only: no header, no nonce, no plaintext", async () => {
  keeping = await Keeping.open();
  const sealed = await keeping.seal({ document: PDF });
  await keeping.submit({ sealed });
  const [name = ""] = keeping.spooled();
  const spool = readFileSync(join(keeping.dir, "spool", name));
  const payload = 3 * 16 + 150_009 + `{"v":1,"otp":"${OTP}"}\n`.length;
  expect(spool.equals(sealed.subarray(sealed.length - payload))).toBe(true);
  await keeping.close();
});

test("parts of any size make the same document", async () => {
  keeping = await Keeping.open();
  let n = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 70_000 }),
      fc.integer({ min: 0, max: 140_000 }),
      async (part, size) => {
        const job = `parts-${String(++n).padStart(5, "0")}`;
        const document = randomBytes(size);
        const partBytes = Math.max(part, Math.ceil(size / 200));
        expect(await keeping.submit({ job, document, partBytes })).toBe("held");
        expect(await keeping.enter()).toMatchObject({ kind: "released" });
        await keeping.destroyed(n);
        expect(keeping.printer.received.equals(document)).toBe(true);
      },
    ),
    { numRuns: 12 },
  );
  await keeping.close();
});

test("arbitrary bytes are refused, never more", async () => {
  keeping = await Keeping.open();
  let n = 0;
  const header = Buffer.from("age-encryption.org/v1\n");
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 4000 });
  const input = fc.oneof(
    bytes,
    bytes.map((tail) => Buffer.concat([header, tail])),
  );
  await fc.assert(
    fc.asyncProperty(input, async (sealed) => {
      expect(await keeping.submit({ job: `noise-${String(++n).padStart(5, "0")}`, sealed })).toBe("rejected");
    }),
    { numRuns: 40 },
  );
  expect(keeping.spooled()).toEqual([]);
  await keeping.close();
});

test("a drop while it arrives ends it; what comes after is ignored; nothing stays", async () => {
  keeping = await Keeping.open();
  const sealed = await keeping.seal({ document: PDF });
  const ticket = keeping.ticket({}, sealed.length);
  const arrival = await keeping.keeper.arrivals.begin(ticket);
  await arrival.push(sealed.subarray(0, 90_000));
  await keeping.keeper.arrivals.drop({ ...ticket, want: "drop", reason: "by-sender" });
  expect(arrival.refused).toBe("by-sender");
  await arrival.push(sealed.subarray(90_000));
  expect(await arrival.finish(ticket)).toBe("cancelled");
  expect(keeping.states()).toEqual(["arriving", "cancelled"]);
  expect(keeping.spooled()).toEqual([]);
  expect(keeping.escrow.shares.size).toBe(0);
  await keeping.close();
});

test("a drop while the escrow is asked: cancelled, and nothing in memory", async () => {
  keeping = await Keeping.open();
  const ticket = keeping.ticket({}, null);
  keeping.escrow.onPut = () => keeping.keeper.arrivals.drop({ ...ticket, want: "drop", reason: "expired" });
  expect(await keeping.submit({})).toBe("expired");
  expect(keeping.keeper.reputAll()).toEqual([]);
  expect(keeping.spooled()).toEqual([]);
  await keeping.close();
});

test("a drop of a job nobody knows leaves a tombstone: a late ticket is known", async () => {
  keeping = await Keeping.open();
  const ticket = keeping.ticket({}, 100);
  await keeping.keeper.arrivals.drop({ ...ticket, want: "drop", reason: "printed-elsewhere" });
  expect(keeping.last()).toMatchObject({ state: "cancelled", reason: "printed-elsewhere", final: true });
  expect(keeping.keeper.arrivals.consider(ticket)).toBe("known");
  await keeping.close();
});

test("without the escrow a job is not held; asked again it is, with what came already", async () => {
  keeping = await Keeping.open();
  const sealed = await keeping.seal({});
  const ticket = keeping.ticket({}, sealed.length);
  const arrival = await keeping.keeper.arrivals.begin(ticket);
  await arrival.push(sealed);
  keeping.escrow.away = true;
  await expect(arrival.finish(ticket)).rejects.toSatisfy((error) =>
    isPlatenError(error, "broker-unreachable"),
  );
  expect(keeping.states()).toEqual(["arriving"]);
  keeping.escrow.away = false;
  expect(await arrival.finish(ticket)).toBe("held");
  await keeping.close();
});

test("a job that ended at the broker while it arrived ends here, for the reason the broker gives", async () => {
  keeping = await Keeping.open();
  keeping.escrow.ended.add("5.alice.job-00000001");
  expect(await keeping.submit({})).toBe("arriving");
  expect(keeping.spooled()).toEqual([]);
  await keeping.keeper.arrivals.drop({
    ...keeping.ticket({}, null),
    want: "drop",
    reason: "printed-elsewhere",
  });
  expect(keeping.last()).toMatchObject({ state: "cancelled", reason: "printed-elsewhere" });
  await keeping.close();
});

test("thrown away, it is fetched again as if it had never come", async () => {
  keeping = await Keeping.open();
  const sealed = await keeping.seal({});
  const ticket = keeping.ticket({}, sealed.length);
  const arrival = await keeping.keeper.arrivals.begin(ticket);
  expect(keeping.keeper.arrivals.consider(ticket)).toBe("known");
  await arrival.push(sealed.subarray(0, 100));
  await arrival.abandon();
  await arrival.abandon();
  expect(keeping.spooled()).toEqual([]);
  expect(keeping.keeper.arrivals.consider(ticket)).toBe("fetch");
  expect(await keeping.submit({ sealed })).toBe("held");
  await keeping.close();
});
