import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { join } from "../../client/join.ts";
import { loadProfile, saveProfile } from "../../client/profile.ts";
import { openSession } from "../../client/session.ts";
import { formatCode } from "../../wire/code.ts";
import { fetchPinnedCa } from "../../wire/first-contact.ts";
import { formatPublicKey, generateFleetKey } from "../../wire/minisign.ts";
import { createCa } from "../wire/certificates.ts";
import { openPeer, type Peer } from "./peer.ts";

let peer: Peer;
let dir: string;
let requests: { password: string }[];

beforeEach(async () => {
  peer = await openPeer();
  dir = joinPath(await mkdtemp(joinPath(tmpdir(), "platen-test-")), "profile");
  requests = [];
  peer.script = {
    onEnrol: (request) => {
      requests.push(request as { password: string });
      return { ok: true, user: "alice", ca: peer.ca.pem };
    },
  };
});

afterEach(async () => {
  await peer.close();
  await rm(joinPath(dir, ".."), { recursive: true, force: true });
});

describe("join", () => {
  it("saves a login only its owner can read", async () => {
    const profile = await join(
      ` ${formatCode(peer.invite).slice(0, 40)}\n${formatCode(peer.invite).slice(40)}\n`,
      dir,
    );
    expect(profile).toEqual({
      address: peer.profile.address,
      user: "alice",
      password: requests[0]!.password,
      ca: peer.ca.pem.trim().concat("\n"),
      fleet: formatPublicKey(peer.fleet),
    });
    expect(await loadProfile(dir)).toEqual(profile);
    expect(profile.password).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(await readdir(dir)).toEqual(["profile.json"]);
    if (process.platform === "win32") return;
    expect((await stat(joinPath(dir, "profile.json"))).mode & 0o777).toBe(0o600);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
  });

  it("asks with the same password again when the answer was lost", async () => {
    const answering = peer.script.onEnrol!;
    peer.script = {
      onEnrol: (request) => {
        answering(request);
        return null;
      },
    };
    await expect(join(formatCode(peer.invite), dir)).rejects.toMatchObject({ code: "broker-unreachable" });
    await expect(loadProfile(dir)).rejects.toMatchObject({ code: "not-joined" });
    peer.script = { onEnrol: answering };
    const { password } = await join(formatCode(peer.invite), dir);
    expect(requests).toEqual([{ password }, { password }]);
  });

  it("tells the secret to no machine with another certificate authority", async () => {
    const other = await createCa();
    const caFingerprint = createHash("sha256").update(other.der).digest();
    const invite = formatCode({ ...peer.invite, caFingerprint });
    await expect(join(invite, dir)).rejects.toMatchObject({ code: "broker-untrusted" });
    expect(requests).toEqual([]);
    expect(peer.aedes.connectedClients).toBe(0);
  });

  it("finds the pinned certificate in the offered chain", async () => {
    expect((await fetchPinnedCa(peer.invite)).trim()).toBe(peer.ca.pem.trim());
  });

  it.each([
    ["a code the broker does not know", { secret: new Uint8Array(16) }, "code-refused"],
    ["nobody at the address", { address: "127.0.0.1:1" }, "broker-unreachable"],
  ])("fails with %s", async (_, change, code) => {
    await expect(join(formatCode({ ...peer.invite, ...change }), dir)).rejects.toMatchObject({ code });
    expect(requests).toEqual([]);
  });

  it("passes on that the broker refused, without control characters", async () => {
    peer.script = { onEnrol: () => ({ ok: false, sentence: "used\u001b[2J up" }) };
    await expect(join(formatCode(peer.invite), dir)).rejects.toMatchObject({
      code: "code-refused",
      details: { said: "used [2J up" },
    });
  });

  it("refuses an answer that is none", async () => {
    peer.script = { onEnrol: () => ({ ok: true, user: "../alice" }) };
    await expect(join(formatCode(peer.invite), dir)).rejects.toMatchObject({ code: "internal" });
    await expect(loadProfile(dir)).rejects.toMatchObject({ code: "not-joined" });
  });

  it.each(["", "platen-invite-", "platen-claim-AAAA", "hello"])("refuses “%s” as no invite", async (text) => {
    await expect(join(text, dir)).rejects.toMatchObject({ code: "code-malformed" });
  });

  it("refuses an invite with one character changed", async () => {
    const code = formatCode(peer.invite);
    const changed = `${code.slice(0, 60)}${code[60] === "A" ? "B" : "A"}${code.slice(61)}`;
    await expect(join(changed, dir)).rejects.toMatchObject({ code: "code-malformed" });
  });

  it("does not leave another broker unasked, but renews a login of the same fleet", async () => {
    const elsewhere = { ...peer.profile, fleet: formatPublicKey(generateFleetKey()) };
    await saveProfile(dir, elsewhere);
    await expect(join(formatCode(peer.invite), dir)).rejects.toMatchObject({ code: "already-there" });
    expect(await loadProfile(dir)).toEqual(elsewhere);
    await join(formatCode(peer.invite), dir, { replace: true });
    await join(formatCode(peer.invite), dir);
    expect(requests).toHaveLength(2);
    expect(await readFile(joinPath(dir, "profile.json"), "utf8")).toContain(requests[1]!.password);
  });
});

describe("a session tells apart", () => {
  it.each([
    ["a refused login", { password: "wrong" }, "login-refused"],
    ["a closed port", { address: "127.0.0.1:1" }, "broker-unreachable"],
    ["an unknown host", { address: "no-such-host.invalid" }, "broker-unreachable"],
  ])("%s", async (_, change, code) => {
    await expect(openSession({ ...peer.profile, ...change })).rejects.toMatchObject({ code });
  });

  it("another machine", async () => {
    const { pem } = await createCa();
    await expect(openSession({ ...peer.profile, ca: pem })).rejects.toMatchObject({
      code: "broker-untrusted",
    });
  });

  it("an abort", async () => {
    const signal = AbortSignal.abort(new Error("stop"));
    await expect(openSession(peer.profile, { signal })).rejects.toThrow("stop");
  });
});
