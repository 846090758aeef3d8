/** The socket administrators use, and what they can do with it. */

import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { openAdmin } from "../../broker/admin.ts";
import { callAdmin } from "../../broker/admin-client.ts";
import { parseCode } from "../../wire/code.ts";
import { fingerprintRecipient } from "../../wire/fingerprint.ts";
import { formatPublicKey } from "../../wire/minisign.ts";
import {
  addEnrolled,
  contact,
  createClaim,
  failure,
  openScratch,
  openTestRegistry,
  readCode,
} from "./registry-fixture.ts";

const scratch = openScratch();

async function openWithSocket() {
  const dir = scratch.folder();
  const opened = await openTestRegistry(dir);
  const server = await opened.registry.serveAdmin(opened.relay);
  onTestFinished(() => server.close());
  return { ...opened, dir, server };
}

async function dial(dir: string): Promise<Socket> {
  const socket = connect(join(dir, "admin.sock"));
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** Everything the broker says until it hangs up or has said so many lines. */
async function hear(
  socket: Socket,
  lines: number,
): Promise<{ ok: boolean; code?: string; result?: unknown }[]> {
  let text = "";
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.split("\n").length > lines) break;
  }
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

describe("the socket", () => {
  test("it and its folder are for the owner only, and it is gone after the end", async () => {
    const { dir, server } = await openWithSocket();
    expect(statSync(join(dir, "admin.sock")).mode & 0o777).toBe(0o600);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    await server.close();
    const error = await failure(callAdmin(dir, "status", {}));
    expect(error.code).toBe("admin-unreachable");
    expect(error.details.dir).toBe(dir);
  });

  test("a socket left by a crash is replaced, a live broker's is not", async () => {
    const { dir, registry, relay } = await openWithSocket();
    expect((await failure(registry.serveAdmin(relay))).code).toBe("already-there");
    expect((await failure(openTestRegistry(dir))).code).toBe("already-there");
    expect((await callAdmin(dir, "status", {})).counts).toEqual({ jobs: 3 });
    const other = scratch.folder();
    writeFileSync(join(other, "admin.sock"), "");
    const second = await openTestRegistry(other);
    const server = await second.registry.serveAdmin(second.relay);
    onTestFinished(() => server.close());
    expect((await callAdmin(other, "user.list", {})).users).toEqual([]);
  });

  test("a path longer than the system allows is told, with what to do", async () => {
    const dir = join(scratch.folder(), "d".repeat(90));
    const opened = await openTestRegistry(scratch.folder(), {});
    const error = await failure(openAdmin(dir, opened.handlers));
    expect(error.code).toBe("config-invalid");
    expect(error.message).toContain("107");
  });

  test("several requests on one connection are answered in order", async () => {
    const { dir } = await openWithSocket();
    const socket = await dial(dir);
    const request = (op: string, args: unknown) => `${JSON.stringify({ op, args })}\n`;
    socket.write(
      request("printer.add", { name: "lobby" }) + request("printer.list", {}) + request("status", {}),
    );
    const answers = await hear(socket, 3);
    expect(answers.map(({ ok }) => ok)).toEqual([true, true, true]);
    expect(answers[1]?.result).toMatchObject({ printers: [{ name: "lobby" }] });
  });

  const RUBBISH: [string, string | Buffer][] = [
    ["no JSON", "rubbish\n"],
    ["nothing", "\n"],
    ["bad UTF-8", Buffer.from([0xff, 0xfe, 0x0a])],
    ["NUL", "\0\0\0\n"],
    ["no operation", '{"args":{}}\n'],
    ["an unknown operation", '{"op":"shell","args":{"command":"id"}}\n'],
    ["a name of every object", '{"op":"constructor","args":{}}\n'],
    ["a missing argument", '{"op":"printer.add","args":{}}\n'],
    ["an unknown argument", '{"op":"printer.add","args":{"name":"a","evil":1}}\n'],
    ["the wrong type", '{"op":"printer.add","args":{"name":["a"]}}\n'],
    ["no arguments", '{"op":"printer.add"}\n'],
    ["too many lines asked for", '{"op":"audit","args":{"limit":1000000}}\n'],
  ];

  test("rubbish is refused line by line, and the next request is served", async () => {
    const { dir } = await openWithSocket();
    for (const [what, rubbish] of RUBBISH) {
      const socket = await dial(dir);
      socket.write(rubbish);
      socket.write('{"op":"printer.list","args":{}}\n');
      const [refused, served] = await hear(socket, 2);
      expect(refused, what).toMatchObject({ ok: false, code: "usage" });
      expect(served, what).toEqual({ ok: true, result: { printers: [] } });
    }
  });

  test("a line without end is cut at 1 MiB; others go on", async () => {
    const { dir } = await openWithSocket();
    const socket = await dial(dir);
    const answers = hear(socket, 1);
    const chunk = Buffer.alloc(64 * 1024, "x");
    socket.on("error", () => {});
    for (let i = 0; i < 17 && !socket.destroyed; i++) socket.write(chunk);
    expect((await answers)[0]).toMatchObject({ ok: false, code: "usage" });
    expect((await callAdmin(dir, "printer.list", {})).printers).toEqual([]);
  });

  test("whoever hangs up in the middle harms nobody", async () => {
    const { dir } = await openWithSocket();
    for (let i = 0; i < 20; i++) {
      const socket = await dial(dir);
      socket.write('{"op":"user.list","args":{}}\n{"op"');
      socket.destroy();
    }
    expect((await callAdmin(dir, "user.list", {})).users).toEqual([]);
  });

  test("an error keeps its code and its sentence on the way to the client", async () => {
    const { dir } = await openWithSocket();
    const error = await failure(callAdmin(dir, "printer.revoke", { name: "cellar" }));
    expect(error.code).toBe("not-there");
    expect(error.message).toContain("printer “cellar”");
  });

  test("something that is no broker behind the socket does not confuse the client", async () => {
    const dir = scratch.folder();
    const liar = createServer((socket) => socket.end("rubbish\n")).listen(join(dir, "admin.sock"));
    onTestFinished(() => void liar.close());
    await once(liar, "listening");
    expect((await failure(callAdmin(dir, "status", {}))).code).toBe("internal");
    const mute = createServer((socket) => socket.end()).listen(join(scratch.folder(), "admin.sock"));
    onTestFinished(() => void mute.close());
    await once(mute, "listening");
    expect(
      (await failure(callAdmin(String(mute.address()).replace("/admin.sock", ""), "status", {}))).code,
    ).toBe("admin-unreachable");
  });
});

describe("printers", () => {
  test("from the claim code to the list", async () => {
    const opened = await openWithSocket();
    const { dir, relay, clock } = opened;
    const added = await callAdmin(dir, "printer.add", { name: "lobby" });
    expect(added).toMatchObject({ printer: "lobby", agent: "lobby", expires: clock.now + 86_400 });
    expect(parseCode("claim", added.code ?? "")?.address).toBe("broker.example:8884");
    const [waiting] = (await callAdmin(dir, "printer.list", {})).printers;
    expect(waiting).toMatchObject({
      state: "waiting",
      offered: false,
      claimUntil: added.expires,
      fingerprint: null,
    });
    const { recipient } = await addEnrolled(opened, "attic");
    relay.connected.add("attic");
    expect((await callAdmin(dir, "printer.list", {})).printers[0]).toEqual({
      name: "attic",
      agent: "attic",
      state: "enrolled",
      connected: true,
      offered: true,
      languages: ["pdf", "text"],
      fingerprint: fingerprintRecipient(recipient),
      groups: [],
      claimUntil: null,
      condition: null,
    });
  });

  test("a revoked agent loses certificate, boot share, session and all its printers", async () => {
    const opened = await openWithSocket();
    const { dir, relay, registry } = opened;
    await addEnrolled(opened, "lobby");
    await callAdmin(dir, "printer.add", { name: "labels", agent: "lobby" });
    const share = Buffer.from(registry.bootShares.get("lobby") ?? []);
    expect(await callAdmin(dir, "printer.revoke", { name: "labels" })).toEqual({
      agent: "lobby",
      printers: ["labels", "lobby"],
    });
    expect(relay.asked).toEqual(["revokeAgent lobby"]);
    expect(registry.bootShares.get("lobby")).toBeNull();
    expect(readFileSync(join(dir, "boot-shares.slots")).includes(share)).toBe(false);
    const { printers } = await callAdmin(dir, "printer.list", {});
    expect(printers.map(({ state, offered }) => `${state} ${offered}`)).toEqual([
      "revoked false",
      "revoked false",
    ]);
  });

  test("replaced: the old machine is out at once, the new one comes in under the same name", async () => {
    const opened = await openWithSocket();
    const { dir, registry } = opened;
    const old = await addEnrolled(opened, "lobby");
    await callAdmin(dir, "group.add", { name: "all", printers: ["lobby"] });
    const replaced = await callAdmin(dir, "printer.replace", { name: "lobby" });
    expect(registry.directory.agent("lobby")?.revoked).toBe(true);
    expect((await failure(registry.certificates.renew("lobby", old.csr))).code).toBe("agent-refused");
    const reply = await contact(opened, readCode("claim", replaced.code), await createClaim());
    expect(reply.ok).toBe(true);
    registry.directory.recordHello("lobby", [{ name: "lobby", languages: ["pdf"], raw: false }]);
    expect((await callAdmin(dir, "group.list", {})).groups[0]).toMatchObject({ offered: true, otp: 8 });
  });

  test("a claim code is worthless after a revocation, and a mistyped printer can be removed", async () => {
    const opened = await openWithSocket();
    const { dir, registry } = opened;
    const added = await callAdmin(dir, "printer.add", { name: "loby" });
    const code = readCode("claim", added.code);
    await callAdmin(dir, "printer.revoke", { name: "loby" });
    expect(registry.codes.find("claim", code.id)).toBeNull();
    await callAdmin(dir, "printer.remove", { name: "loby" });
    expect((await callAdmin(dir, "printer.list", {})).printers).toEqual([]);
    expect(registry.directory.agent("loby")).toBeNull();
    await addEnrolled(opened, "lobby");
    expect((await failure(callAdmin(dir, "printer.remove", { name: "lobby" }))).code).toBe("admin-refused");
    expect((await failure(callAdmin(dir, "printer.add", { name: "x", agent: "loby" }))).code).toBe(
      "not-there",
    );
  });
});

describe("users", () => {
  test("an invite, or all that standard tools need", async () => {
    const opened = await openWithSocket();
    const { dir, registry } = opened;
    const invited = await callAdmin(dir, "user.add", { name: "alice" });
    expect(invited.kind === "invite" && parseCode("invite", invited.code)?.kind).toBe("invite");
    const standard = await callAdmin(dir, "user.add", { name: "bob", standard: true });
    if (standard.kind !== "standard") throw new Error("no password");
    expect(standard).toMatchObject({ address: "broker.example:8884", ca: registry.authority.caPem });
    expect(standard.fleet).toBe(formatPublicKey(registry.fleet.publicKey));
    expect(await registry.accounts.verify("bob", standard.password, "192.0.2.1")).toBe("ok");
    const { users } = await callAdmin(dir, "user.list", {});
    expect(users.map(({ name, joined, inviteUntil }) => [name, joined, inviteUntil !== null])).toEqual([
      ["alice", false, true],
      ["bob", true, false],
    ]);
    expect((await failure(callAdmin(dir, "user.add", { name: "bob" }))).code).toBe("already-there");
  });

  test("a reset ends the old password, the old invite and the sessions", async () => {
    const { dir, registry, relay } = await openWithSocket();
    const first = await callAdmin(dir, "user.add", { name: "bob", standard: true });
    if (first.kind !== "standard") throw new Error("no password");
    const second = await callAdmin(dir, "user.reset", { name: "bob" });
    if (second.kind !== "invite") throw new Error("no invite");
    expect(await registry.accounts.verify("bob", first.password, "192.0.2.1")).toBe("refused");
    const third = await callAdmin(dir, "user.reset", { name: "bob" });
    expect(registry.codes.find("invite", readCode("invite", second.code).id)).toBeNull();
    expect(third.kind).toBe("invite");
    expect(relay.asked).toEqual(["disconnectUser bob", "disconnectUser bob"]);
    expect((await failure(callAdmin(dir, "user.reset", { name: "eve" }))).code).toBe("not-there");
  });

  test("a removed user is cut off and their jobs are cancelled", async () => {
    const { dir, registry, relay } = await openWithSocket();
    await callAdmin(dir, "user.add", { name: "bob", standard: true });
    expect(await callAdmin(dir, "user.remove", { name: "bob" })).toEqual({ user: "bob", cancelled: 2 });
    expect(relay.asked).toEqual(["disconnectUser bob", "cancelAll bob by-administrator", "hideStatuses bob"]);
    expect(registry.directory.userExists("bob")).toBe(false);
    expect((await failure(callAdmin(dir, "user.remove", { name: "bob" }))).code).toBe("not-there");
  });

  test("a removal that was cut short is carried out when it is asked for again", async () => {
    const { dir, registry, relay } = await openWithSocket();
    const bob = await callAdmin(dir, "user.add", { name: "bob", standard: true });
    if (bob.kind !== "standard") throw new Error("no password");
    const cancelAll = vi.spyOn(relay, "cancelAll").mockImplementationOnce(() => {
      throw new Error("the disk failed");
    });
    await failure(callAdmin(dir, "user.remove", { name: "bob" }));
    expect(await registry.accounts.verify("bob", bob.password, "192.0.2.1")).toBe("refused");
    expect(await callAdmin(dir, "user.remove", { name: "bob" })).toEqual({ user: "bob", cancelled: 2 });
    expect(cancelAll).toHaveBeenCalledTimes(2);
    expect(registry.directory.userExists("bob")).toBe(false);
  });
});

test("audit and cancel go to the relay as asked; the status counts and warns", async () => {
  const { dir, relay } = await openWithSocket();
  relay.entries = [
    {
      at: 1,
      user: "bob",
      job: "job-00001",
      target: "lobby",
      printer: null,
      state: "held",
      reason: null,
      bytes: 5,
      bytesAtMost: null,
      again: false,
    },
  ];
  expect((await callAdmin(dir, "audit", { user: "bob", since: 5 })).entries).toEqual(relay.entries);
  await callAdmin(dir, "jobs.cancel", { user: "bob", job: "job-00001" });
  expect((await failure(callAdmin(dir, "jobs.cancel", { user: "bob", job: "unknown-job" }))).code).toBe(
    "not-there",
  );
  expect(relay.asked).toEqual([
    'audit {"user":"bob","since":5,"limit":100}',
    "cancel bob job-00001 by-administrator",
    "cancel bob unknown-job by-administrator",
  ]);
  expect(await callAdmin(dir, "status", {})).toMatchObject({
    counts: { jobs: 3 },
    warnings: [],
    address: "broker.example:8884",
  });
});
