/** Bad input from a sender with a valid login: each line has its state and reason, and harms nothing else. */
import { randomBytes, randomUUID } from "node:crypto";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JobStatus } from "../../wire/status.ts";
import { Fleet, type Sender } from "./fleet.ts";
import { RawSender, sealAnything } from "./raw-sender.ts";

const PART = 16 * 1024;
const text = (line: string) => new TextEncoder().encode(line);
let fleet: Fleet;
let alice: RawSender;
let bob: RawSender;
let lobby: string[];
let otps = 10_000_000;

beforeAll(async () => {
  fleet = await Fleet.start();
  await fleet.addAgent({ lobby: {}, slips: { profile: "escpos" } });
  const [a, b]: Sender[] = [await fleet.addSender("alice"), await fleet.addSender("bob")];
  await fleet.startAgent("lobby");
  [alice, bob] = [await RawSender.open(a!.profile), await RawSender.open(b!.profile)];
  lobby = await alice.recipients("lobby");
});
afterAll(async () => {
  await Promise.all([alice.close(), bob.close()]);
  await fleet.close();
});

function manifest(fields: object = {}): string {
  otps += 7919;
  return `${JSON.stringify({ v: 1, otp: String(otps), raw: true, ...fields })}\n`;
}

/** Sends a sealed file in parts of 16 KiB, in the order given, and `end`. */
async function sendParts(sender: RawSender, job: string, sealed: Buffer, order?: number[], end: object = {}) {
  const count = Math.ceil(sealed.length / PART);
  for (const n of order ?? Array.from({ length: count }, (_, i) => i)) {
    await sender.publish("lobby", job, n, sealed.subarray(n * PART, (n + 1) * PART));
  }
  await sender.publish("lobby", job, "end", JSON.stringify({ parts: count, bytes: sealed.length, ...end }));
}

const ended = (status: JobStatus) => status.state === "rejected" || status.state === "expired";
const isHeld = (status: JobStatus) => status.state === "held";

async function reject(plaintext: Uint8Array, recipients = lobby, damage = (sealed: Buffer) => sealed) {
  const job = randomUUID();
  await alice.publish("lobby", job, "only", damage(await sealAnything(recipients, plaintext)));
  return (await alice.until(job, ended, "refusal")).reason;
}

test.each([
  ["cut short", "damaged", (sealed: Buffer) => sealed.subarray(0, -10)],
  ["a bit flipped in the document", "damaged", (sealed: Buffer) => flip(sealed, sealed.length - 40)],
  ["a bit flipped in the recipient's stanza", "not-sealed-to-us", (sealed: Buffer) => flip(sealed, 60)],
  ["no age file at all", "malformed", () => randomBytes(3000)],
  [
    "a header that never ends",
    "malformed",
    () => Buffer.alloc(100 * 1024, "age-encryption.org/v1\n-> x y\n"),
  ],
])("%s: rejected as %s", async (_, reason, damage) => {
  expect(await reject(text(`${manifest()}hello`), lobby, damage)).toBe(reason);
});

function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

test("sealed to someone else: not-sealed-to-us", async () => {
  const other = await identityToRecipient(await generateX25519Identity());
  expect(await reject(text(`${manifest()}x`), [other])).toBe("not-sealed-to-us");
});

test("a header of 10 MB is refused before it is parsed", async () => {
  const job = randomUUID();
  const header = Buffer.alloc(10 * 1024 * 1024, "-> X25519 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nbbbb\n");
  header.write("age-encryption.org/v1\n");
  await sendParts(alice, job, header);
  expect((await alice.until(job, ended)).reason).toBe("malformed");
});

test.each([
  ["no JSON", "hello\n", "malformed"],
  ["no line", "x".repeat(100), "malformed"],
  [
    "longer than 8 KiB",
    `${JSON.stringify({ v: 1, otp: "48213907", name: "n".repeat(9000) })}\n`,
    "malformed",
  ],
  ["another version", `${JSON.stringify({ v: 2, otp: "48213907" })}\n`, "malformed"],
  ["a lie about the user", manifest({ user: "bob" }), "mismatch"],
  ["a lie about the job", manifest({ job: "another-job-id" }), "mismatch"],
  ["a lie about the target", manifest({ to: "slips" }), "mismatch"],
  ["an OTP too short", manifest({ otp: "4821390" }), "otp-policy"],
  ["an OTP too long", manifest({ otp: "482139071" }), "otp-policy"],
  ["an expiry in the past", manifest({ expires: 1_600_000_000 }), "expired"],
  ["an expiry in a thousand years", manifest({ expires: 33_000_000_000 }), "expiry-policy"],
  ["a wrong digest", manifest({ sha256: "0".repeat(64) }), "damaged"],
])("a manifest with %s", async (_, line, reason) => {
  expect(await reject(text(`${line}document`))).toBe(reason);
});

test("a language the printer does not speak", async () => {
  const job = randomUUID();
  const sealed = await sealAnything(
    await alice.recipients("slips"),
    text(`${manifest({ raw: false })}%PDF-1.7\n`),
  );
  await alice.publish("slips", job, "only", sealed);
  expect((await alice.until(job, ended)).reason).toBe("language");
});

test("parts reordered and repeated are one good job", async () => {
  const job = randomUUID();
  const sealed = await sealAnything(lobby, Buffer.concat([text(manifest()), randomBytes(70_000)]));
  await sendParts(alice, job, sealed, [3, 1, 1, 4, 0, 2, 3]);
  await alice.until(job, isHeld, "held");
});

test("missing parts are named, and late ones complete the job", async () => {
  const job = randomUUID();
  const sealed = await sealAnything(lobby, Buffer.concat([text(manifest()), randomBytes(70_000)]));
  await sendParts(alice, job, sealed, [0, 3]);
  const { missing } = await alice.until(job, (status) => status.missing !== undefined, "missing");
  expect(missing).toEqual([
    [1, 2],
    [4, 4],
  ]);
  await sendParts(alice, job, sealed, [1, 2, 4]);
  await alice.until(job, isHeld, "held");
  await alice.publish("lobby", job, 1, randomBytes(PART)); // later than late
  expect(alice.statuses.get(job)!.at(-1)!.state).toBe("held");
});

test.each([
  ["an end that lies about bytes", undefined, { bytes: 12_345 }],
  ["an end that lies about parts", undefined, { parts: 2 }],
])("%s is refused", async (_, order, end) => {
  const job = randomUUID();
  const sealed = await sealAnything(lobby, Buffer.concat([text(manifest()), randomBytes(70_000)]));
  await sendParts(alice, job, sealed, order, end);
  expect(["incomplete", "malformed"]).toContain((await alice.until(job, ended)).reason);
});

test("unequal parts are refused", async () => {
  const job = randomUUID();
  for (const [n, bytes] of [PART, PART + 1, PART, 10].entries()) {
    await alice.publish("lobby", job, n, randomBytes(bytes));
  }
  await alice.publish("lobby", job, "end", JSON.stringify({ parts: 4, bytes: 3 * PART + 11 }));
  expect(["incomplete", "malformed"]).toContain((await alice.until(job, ended)).reason);
});

test("a part sent again with other bytes is refused", async () => {
  const job = randomUUID();
  await alice.publish("lobby", job, 0, randomBytes(PART));
  await alice.publish("lobby", job, 0, randomBytes(PART));
  expect((await alice.until(job, ended)).reason).toBe("malformed");
});

test("a job id used twice: the first stands, whatever the second says; another user may use it too", async () => {
  const job = randomUUID();
  await alice.publish("lobby", job, "only", await sealAnything(lobby, text(`${manifest()}first`)));
  await alice.until(job, isHeld, "held");
  await alice.publish("lobby", job, "only", await sealAnything(lobby, text(`${manifest()}second`)));
  await bob.publish("lobby", job, "only", await sealAnything(lobby, text(`${manifest()}third`)));
  await bob.until(job, isHeld, "held");
  expect(alice.statuses.get(job)!.at(-1)!.state).toBe("held");
});

test("an old ciphertext under a new id is refused, by whomever", async () => {
  const [first, again] = [randomUUID(), randomUUID()];
  const sealed = await sealAnything(lobby, text(`${manifest()}once`));
  await alice.publish("lobby", first, "only", sealed);
  await alice.until(first, isHeld, "held");
  await bob.publish("lobby", again, "only", sealed);
  expect((await bob.until(again, ended)).reason).toBe("replayed");
});

test("the OTP of two users releases nothing and ends both", async () => {
  const [hers, his] = [randomUUID(), randomUUID()];
  await alice.publish(
    "lobby",
    hers,
    "only",
    await sealAnything(lobby, text(`${manifest({ otp: "90817263" })}hers`)),
  );
  await bob.publish(
    "lobby",
    his,
    "only",
    await sealAnything(lobby, text(`${manifest({ otp: "90817263" })}his`)),
  );
  await Promise.all([alice.until(hers, isHeld), bob.until(his, isHeld)]);
  const before = fleet.printed("lobby").length;
  await fleet.type("lobby", "90817263\n");
  const cancelled = (status: JobStatus) => status.state === "cancelled";
  expect((await alice.until(hers, cancelled)).reason).toBe("otp-collision");
  expect((await bob.until(his, cancelled)).reason).toBe("otp-collision");
  expect(fleet.printed("lobby").length).toBe(before);
});

test("a retain flag is stripped, and does no harm to others", async () => {
  const job = randomUUID();
  const topic = `platen/v1/send/alice/lobby/${job}/only`;
  const sealed = await sealAnything(lobby, text(`${manifest()}kept`));
  await alice.client.publishAsync(topic, sealed, { qos: 1, retain: true });
  await alice.until(job, isHeld, "held");
  expect(bob.client.connected).toBe(true);
});

test("a target that does not exist", async () => {
  const job = randomUUID();
  await alice.publish("nowhere", job, "only", await sealAnything(lobby, text(`${manifest()}x`)));
  expect((await alice.until(job, ended)).reason).toBe("unknown-target");
});

test("cancelled before it is printed: it never prints", async () => {
  const job = randomUUID();
  await alice.publish(
    "lobby",
    job,
    "only",
    await sealAnything(lobby, text(`${manifest({ otp: "71829304" })}x`)),
  );
  await alice.until(job, isHeld, "held");
  await alice.publish("lobby", job, "cancel", "");
  expect((await alice.until(job, (status) => status.state === "cancelled")).reason).toBe("by-sender");
  const before = fleet.printed("lobby").length;
  await fleet.type("lobby", "71829304\n");
  await fleet
    .program("lobby")
    .waitFor((line) => line.event === "entry-refused" && line.verdict === "not-accepted", "refused", 10_000);
  expect(fleet.printed("lobby").length).toBe(before);
});
