import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ENROL_BYTES_MAX } from "../../wire/enrol.ts";
import {
  contact,
  createAgentKey,
  createClaim,
  createCsr,
  createRecipient,
  openScratch,
  openTestRegistry,
  readCode,
  type TestRegistry,
} from "./registry-fixture.ts";

const scratch = openScratch();
const HOUR = 3600;
const PASSWORD = "p".repeat(43);

async function openWithClaim() {
  const opened = await openTestRegistry(scratch.folder());
  const added = await opened.handlers["printer.add"]({ name: "lobby" });
  return { ...opened, code: readCode("claim", added.code) };
}

async function openWithInvite() {
  const opened = await openTestRegistry(scratch.folder());
  const access = await opened.handlers["user.add"]({ name: "alice", standard: false });
  return { ...opened, code: readCode("invite", access.kind === "invite" ? access.code : null) };
}

function serialOf(certificate: unknown): string {
  return new X509Certificate(String(certificate)).serialNumber;
}

describe("a claim", () => {
  test("enrols the agent: certificate in its name, boot share kept, printers told", async () => {
    const opened = await openWithClaim();
    const { registry } = opened;
    const claim = await createClaim();
    const reply = await contact(opened, opened.code, claim);
    expect(reply).toMatchObject({
      ok: true,
      agent: "lobby",
      printers: ["lobby"],
      ca: registry.authority.caPem,
    });
    expect(new X509Certificate(String(reply.certificate)).subject).toBe("CN=lobby");
    expect(registry.certificates.accepts("lobby", serialOf(reply.certificate))).toBe(true);
    expect(registry.certificates.accepts("attic", serialOf(reply.certificate))).toBe(false);
    expect(registry.directory.agent("lobby")).toEqual({ name: "lobby", revoked: false });
    expect(Buffer.from(registry.bootShares.get("lobby") ?? []).toString("base64")).toBe(claim.bootShare);
    expect(opened.notices).toEqual([
      { kind: "claim", id: opened.code.id, subject: "lobby", address: "192.0.2.1", outcome: "done" },
    ]);
  });

  test("the same request is answered again for an hour, with another signature by the same key too", async () => {
    const opened = await openWithClaim();
    const keys = await createKeyPair();
    const claim = { ...(await createClaim()), csr: await createCsr(keys) };
    const first = await contact(opened, opened.code, claim);
    const again = await contact(opened, opened.code, { ...claim, csr: await createCsr(keys) });
    expect(again).toEqual(first);
    expect(opened.notices.map(({ outcome }) => outcome)).toEqual(["done", "repeated"]);
    opened.clock.now += HOUR + 1;
    expect((await contact(opened, opened.code, claim)).ok).toBe(false);
  });

  test("a used code is refused to any other key, recipient or share, and nothing of the agent changes", async () => {
    const opened = await openWithClaim();
    const claim = await createClaim();
    await contact(opened, opened.code, claim);
    const other = await createClaim();
    const { csr, recipient, bootShare } = other;
    for (const change of [{ csr }, { recipient }, { bootShare }, other]) {
      const reply = await contact(opened, opened.code, { ...claim, ...change });
      expect(reply.ok).toBe(false);
      expect(reply.sentence).toContain("new one");
    }
    const share = opened.registry.bootShares.get("lobby");
    expect(Buffer.from(share ?? []).toString("base64")).toBe(claim.bootShare);
  });

  test("two machines with one code at the same moment: one gets in, and with its own share", async () => {
    const opened = await openWithClaim();
    const claims = [await createClaim(), await createClaim()];
    const replies = await Promise.all(claims.map((claim) => contact(opened, opened.code, claim)));
    expect(replies.map(({ ok }) => ok)).toEqual([true, false]);
    const share = opened.registry.bootShares.get("lobby");
    expect(Buffer.from(share ?? []).toString("base64")).toBe(claims[0]?.bootShare);
  });

  test("a code that was withdrawn, is too old or never was is refused", async () => {
    const opened = await openWithClaim();
    const claim = await createClaim();
    opened.clock.now += 24 * HOUR;
    expect((await contact(opened, opened.code, claim)).ok).toBe(false);
    expect((await contact(opened, { kind: "claim", id: "f".repeat(16) }, claim)).ok).toBe(false);
    expect((await contact(opened, { kind: "invite", id: opened.code.id }, { password: PASSWORD })).ok).toBe(
      false,
    );
    expect(opened.registry.bootShares.get("lobby")).toBeNull();
    expect(opened.registry.directory.agent("lobby")?.revoked).toBe(true);
  });

  test("a code withdrawn while the certificate was made enrols nobody and leaves no share", async () => {
    const opened = await openWithClaim();
    const reply = contact(opened, opened.code, await createClaim());
    await opened.handlers["printer.revoke"]({ name: "lobby" });
    expect((await reply).ok).toBe(false);
    expect(opened.registry.bootShares.get("lobby")).toBeNull();
    expect(opened.registry.directory.agent("lobby")?.revoked).toBe(true);
  });

  test("keys that were enrolled once do not come back under a new code", async () => {
    const opened = await openWithClaim();
    const claim = await createClaim();
    await contact(opened, opened.code, claim);
    const replaced = await opened.handlers["printer.replace"]({ name: "lobby" });
    const code = readCode("claim", replaced.code);
    const other = await createClaim();
    for (const stolen of [claim, { ...other, recipient: claim.recipient }, { ...other, csr: claim.csr }]) {
      const reply = await contact(opened, code, stolen);
      expect(reply.sentence).toContain("empty data directory");
    }
    expect((await contact(opened, code, other)).ok).toBe(true);
  });

  const RUBBISH: [string, () => Promise<unknown>][] = [
    ["no JSON", async () => "\0\0\0"],
    ["nothing", async () => null],
    ["no recipient", async () => ({ ...(await createClaim()), recipient: "ssh-rsa AAAA" })],
    [
      "a recipient that is none",
      async () => ({ ...(await createClaim()), recipient: `age1${"q".repeat(58)}` }),
    ],
    [
      "a recipient with a line feed",
      async () => ({ ...(await createClaim()), recipient: `${await createRecipient()}\nage1x` }),
    ],
    [
      "a share too short",
      async () => ({ ...(await createClaim()), bootShare: Buffer.alloc(31).toString("base64") }),
    ],
    ["a request that is none", async () => ({ ...(await createClaim()), csr: "-----BEGIN\x1b[2J" })],
    ["a request too long", async () => ({ ...(await createClaim()), csr: "A".repeat(9000) })],
    ["far too much", async () => ({ ...(await createClaim()), more: "A".repeat(ENROL_BYTES_MAX) })],
  ];

  test("a request that is not as agreed is refused, and the code stays good", async () => {
    const opened = await openWithClaim();
    for (const [what, request] of RUBBISH) {
      const reply = await contact(opened, opened.code, await request());
      expect(reply.ok, what).toBe(false);
      expect(String(reply.sentence).length).toBeLessThanOrEqual(512);
    }
    expect(opened.registry.bootShares.get("lobby")).toBeNull();
    expect((await contact(opened, opened.code, await createClaim())).ok).toBe(true);
  });

  test("when the enrolment cannot be kept, the code stays good and no share is left", async () => {
    const opened = await openWithClaim();
    const claim = await createClaim();
    opened.registry.database.exec(
      "CREATE TRIGGER full BEFORE INSERT ON agent_certificates BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    );
    const reply = await contact(opened, opened.code, claim);
    expect(reply.ok).toBe(false);
    expect(reply.sentence).toContain("stays good");
    expect(opened.registry.bootShares.get("lobby")).toBeNull();
    opened.registry.database.exec("DROP TRIGGER full");
    expect((await contact(opened, opened.code, claim)).ok).toBe(true);
  });
});

describe("an invite", () => {
  const join = (
    opened: TestRegistry & { code: { kind: "claim" | "invite"; id: string } },
    password: string,
  ) => contact(opened, opened.code, { password });

  test("sets the password; the same one is answered again, another is not", async () => {
    const opened = await openWithInvite();
    const { registry } = opened;
    const reply = await join(opened, PASSWORD);
    expect(reply).toEqual({ ok: true, user: "alice", ca: registry.authority.caPem });
    expect(await registry.accounts.verify("alice", PASSWORD, "192.0.2.1")).toBe("ok");
    expect(await join(opened, PASSWORD)).toEqual(reply);
    expect((await join(opened, "q".repeat(43))).ok).toBe(false);
    expect(await registry.accounts.verify("alice", PASSWORD, "192.0.2.1")).toBe("ok");
    opened.clock.now += HOUR + 1;
    expect((await join(opened, PASSWORD)).ok).toBe(false);
  });

  test("a user removed or reset while it is used gets no password", async () => {
    const opened = await openWithInvite();
    const joining = join(opened, PASSWORD);
    await opened.handlers["user.reset"]({ name: "alice", standard: false });
    expect((await joining).ok).toBe(false);
    expect(opened.registry.accounts.list()[0]?.joined).toBe(false);
  });

  test("a password that is not 43 characters of base64url is refused, and the invite stays good", async () => {
    const opened = await openWithInvite();
    const p42 = "p".repeat(42);
    for (const password of ["", "short", p42, `${p42}pp`, `${p42}\0`, `${p42}é`, `${p42}=`]) {
      expect((await join(opened, password)).ok, JSON.stringify(password)).toBe(false);
    }
    expect((await join(opened, PASSWORD)).ok).toBe(true);
  });
});

async function createKeyPair(): Promise<CryptoKeyPair> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  return (await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as CryptoKeyPair;
}

test("an agent's key renews only its own certificate", async () => {
  const opened = await openTestRegistry(scratch.folder());
  const keys = await createKeyPair();
  const added = await opened.handlers["printer.add"]({ name: "lobby" });
  const claim = { ...(await createClaim()), csr: await createCsr(keys) };
  const reply = await contact(opened, readCode("claim", added.code), claim);
  const { certificates } = opened.registry;
  const first = String(reply.certificate);
  expect(await certificates.renew("lobby", await createCsr(keys))).toBe(first);
  await expect(certificates.renew("lobby", (await createAgentKey()).csr)).rejects.toMatchObject({
    code: "csr-refused",
  });
  await expect(certificates.renew("attic", await createCsr(keys))).rejects.toMatchObject({
    code: "agent-refused",
  });
  opened.clock.now += 250 * 24 * HOUR;
  const second = await certificates.renew("lobby", await createCsr(keys));
  expect(second).not.toBe(first);
  // The answer may be lost: until it ends, the old one is good too.
  expect(certificates.accepts("lobby", serialOf(first))).toBe(true);
  expect(certificates.accepts("lobby", serialOf(second))).toBe(true);
  await opened.handlers["printer.revoke"]({ name: "lobby" });
  expect(certificates.accepts("lobby", serialOf(first))).toBe(false);
  expect(certificates.accepts("lobby", serialOf(second))).toBe(false);
  await expect(certificates.renew("lobby", await createCsr(keys))).rejects.toMatchObject({
    code: "agent-refused",
  });
});
