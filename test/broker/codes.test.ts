import { beforeEach, expect, test } from "vitest";
import { ContactCodes } from "../../broker/codes.ts";
import { type BrokerDatabase, openDatabase } from "../../broker/database.ts";
import { encodeBase64Url } from "../../wire/base64.ts";
import { type FirstContact, parseCode } from "../../wire/code.ts";
import { generateFleetKey } from "../../wire/minisign.ts";

const HOUR = 3600;
const card = {
  address: "broker.example:8884",
  caFingerprint: new Uint8Array(32).fill(7),
  fleet: generateFleetKey(),
};
let now: number;
let database: BrokerDatabase;
let codes: ContactCodes;

beforeEach(() => {
  now = 1_800_000_000;
  database = openDatabase(":memory:");
  codes = new ContactCodes(
    database,
    { claim: 24 * HOUR, invite: 168 * HOUR },
    () => card,
    () => now,
  );
  return () => database.close();
});

function issue(kind: "claim" | "invite", subject: string): FirstContact & { password: string } {
  const contact = parseCode(kind, codes.issue(kind, subject).code);
  if (!contact) throw new Error("no code");
  return { ...contact, password: encodeBase64Url(contact.secret) };
}

test("a code carries what the first contact needs", () => {
  const contact = issue("claim", "lobby");
  expect(contact.address).toBe(card.address);
  expect(contact.caFingerprint).toEqual(card.caFingerprint);
  expect(contact.fleet.key).toEqual(card.fleet.key);
  expect(codes.verify("claim", contact.id, contact.password)).toBe(true);
  expect(codes.find("claim", contact.id)).toEqual({ id: contact.id, subject: "lobby", usedAt: null });
});

test("wrong secrets, kinds and ids open nothing", () => {
  const a = issue("claim", "lobby");
  const b = issue("invite", "alice");
  expect(codes.verify("claim", a.id, b.password)).toBe(false);
  expect(codes.verify("invite", a.id, a.password)).toBe(false);
  expect(codes.verify("claim", "0".repeat(16), a.password)).toBe(false);
  for (const secret of [
    "",
    "A",
    "\0",
    a.password.slice(0, -1),
    `${a.password}A`,
    "A".repeat(10_000),
    "==",
    "ü",
  ]) {
    expect(codes.verify("claim", a.id, secret), secret.slice(0, 20)).toBe(false);
  }
  for (const id of ["", "../../etc", "\0".repeat(16), a.id.toUpperCase().replace(/[0-9]/g, "A")]) {
    expect(codes.verify("claim", id, a.password)).toBe(false);
  }
});

test("a claim is good for a day, an invite for a week", () => {
  const [claim, invite] = [issue("claim", "lobby"), issue("invite", "alice")];
  now += 24 * HOUR - 1;
  expect(codes.verify("claim", claim.id, claim.password)).toBe(true);
  now += 1;
  expect(codes.verify("claim", claim.id, claim.password)).toBe(false);
  expect(codes.verify("invite", invite.id, invite.password)).toBe(true);
  now += 144 * HOUR;
  expect(codes.verify("invite", invite.id, invite.password)).toBe(false);
});

test("a used code is good for an hour more, and used only once", () => {
  const { id, password } = issue("claim", "lobby");
  expect(codes.use(id)).toBe(true);
  expect(codes.use(id)).toBe(false);
  now += HOUR - 1;
  expect(codes.verify("claim", id, password)).toBe(true);
  expect(codes.find("claim", id)?.usedAt).toBe(now - HOUR + 1);
  now += 1;
  expect(codes.verify("claim", id, password)).toBe(false);
});

test("a new code for the same subject withdraws the old one", () => {
  const old = issue("invite", "alice");
  const other = issue("invite", "bob");
  issue("invite", "alice");
  expect(codes.verify("invite", old.id, old.password)).toBe(false);
  expect(codes.verify("invite", other.id, other.password)).toBe(true);
});

test("what is over is swept, what is good stays; the secret is in no row", () => {
  const { password, secret } = issue("invite", "alice");
  issue("claim", "lobby");
  now += 25 * HOUR;
  codes.sweep();
  const rows = database.prepare("SELECT * FROM contact_codes").all() as { secret_hash: Buffer }[];
  expect(rows.length).toBe(1);
  expect(rows[0]?.secret_hash.includes(Buffer.from(secret))).toBe(false);
  expect(JSON.stringify(rows)).not.toContain(password);
  expect(codes.pendingUntil("invite", "alice")).toBe(now + 143 * HOUR);
  expect(codes.pendingUntil("claim", "lobby")).toBeNull();
});
