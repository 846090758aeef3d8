import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  defaultProfileDir,
  loadProfile,
  type Profile,
  readSeenSerial,
  rememberSerial,
  saveProfile,
} from "../../client/profile.ts";
import { formatPublicKey, generateFleetKey } from "../../wire/minisign.ts";

let dir: string;
const profile: Profile = {
  address: "broker.example",
  user: "alice",
  password: "secret-0123456789",
  ca: "-----BEGIN CERTIFICATE-----",
  fleet: formatPublicKey(generateFleetKey()),
};

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "platen-test-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe("the profile's folder", () => {
  it.each([
    ["linux", {}, "/home/a/.config/platen"],
    ["linux", { XDG_CONFIG_HOME: "/etc/a" }, "/etc/a/platen"],
    ["linux", { XDG_CONFIG_HOME: "relative" }, "/home/a/.config/platen"],
    ["darwin", {}, "/home/a/.config/platen"],
    ["win32", { APPDATA: "/roaming" }, "/roaming/platen"],
    ["win32", {}, "/home/a/AppData/Roaming/platen"],
  ] as const)("on %s with %j is %s", (platform, env, expected) => {
    expect(defaultProfileDir(env, platform, "/home/a")).toBe(expected);
  });
});

describe("a profile", () => {
  it("comes back as it was saved, and is replaced whole", async () => {
    await saveProfile(dir, profile);
    await saveProfile(dir, { ...profile, user: "bob" });
    expect(await loadProfile(dir)).toEqual({ ...profile, user: "bob" });
    expect(await readdir(dir)).toEqual(["profile.json"]);
  });

  it("that is missing means not joined", async () => {
    await expect(loadProfile(join(dir, "none"))).rejects.toMatchObject({ code: "not-joined" });
  });

  it.each(["", "{", "null", "[]", "{}", JSON.stringify({ ...profile, v: 2 }), "x".repeat(100_000)])(
    "that is damaged is refused without showing what it holds",
    async (text) => {
      await writeFile(join(dir, "profile.json"), text);
      const error = await loadProfile(dir).catch((caught) => caught);
      expect(error.code).toBe("config-invalid");
      expect(error.message).not.toContain(profile.password);
    },
  );

  it("that cannot be read says why", async () => {
    // A folder in its place: root reads past any mode.
    await mkdir(join(dir, "profile.json"), { recursive: true });
    await expect(loadProfile(dir)).rejects.toMatchObject({ code: "config-unreadable" });
  });

  it("whose place is taken by something else says so", async () => {
    await writeFile(join(dir, "file"), "");
    await expect(saveProfile(join(dir, "file", "x"), profile)).rejects.toMatchObject({
      code: expect.stringMatching(/storage-failed/),
    });
  });
});

describe("serials seen", () => {
  it("only rise", async () => {
    expect(await readSeenSerial(dir, "lobby")).toBe(0);
    await rememberSerial(dir, "lobby", 7);
    await rememberSerial(dir, "lobby", 3);
    expect(await readSeenSerial(dir, "lobby")).toBe(7);
    expect(await readSeenSerial(dir, "attic")).toBe(0);
  });

  it.each(["", "x", "-4", "1e99", "0.5"])("a damaged note %j counts as none", async (text) => {
    await mkdir(join(dir, "seen"));
    await writeFile(join(dir, "seen", "lobby"), text);
    expect(await readSeenSerial(dir, "lobby")).toBe(0);
    await rememberSerial(dir, "lobby", 2);
    expect(await readSeenSerial(dir, "lobby")).toBe(2);
  });
});
