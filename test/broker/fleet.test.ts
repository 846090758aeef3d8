import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { configSchema } from "../../broker/config.ts";
import { type BrokerDatabase, openDatabase } from "../../broker/database.ts";
import { createFleetFiles, openFleet } from "../../broker/fleet.ts";
import {
  type FleetKey,
  formatPublicKey,
  formatPublicKeyFile,
  generateFleetKey,
} from "../../wire/minisign.ts";
import { failure, openScratch } from "./registry-fixture.ts";

const scratch = openScratch();
let database: BrokerDatabase;
let dir: string;

beforeEach(() => {
  database = openDatabase(":memory:");
  dir = scratch.folder();
  return () => database.close();
});

function putPublicFile(key: FleetKey) {
  mkdirSync(join(dir, "fleet"));
  writeFileSync(join(dir, "fleet/fleet.pub"), formatPublicKeyFile(key));
  return {};
}

function open(fleet: Record<string, unknown> = {}) {
  return openFleet(dir, configSchema.parse({ fleet }).fleet, database);
}
const publicKey = (fleet: ReturnType<typeof open>) => formatPublicKey(fleet.publicKey);

test("the first start makes a key, the next one finds it; the secret is for the owner only", () => {
  const first = open();
  expect(first.secret).not.toBeNull();
  expect(publicKey(open())).toBe(publicKey(first));
  expect(statSync(join(dir, "fleet/fleet.key")).mode & 0o777).toBe(0o600);
});

test("moved away, the secret is elsewhere: nothing new is made", () => {
  const first = open();
  renameSync(join(dir, "fleet/fleet.key"), join(dir, "usb-stick.key"));
  const second = open();
  expect(second.secret).toBeNull();
  expect(publicKey(second)).toBe(publicKey(first));
  rmSync(join(dir, "fleet"), { recursive: true });
  expect(publicKey(open())).toBe(publicKey(first));
  expect(open({ key: join(dir, "usb-stick.key") }).secret).not.toBeNull();
});

test.each([
  ["in the settings", (key: FleetKey) => ({ publicKey: formatPublicKey(key) })],
  ["in its file", (key: FleetKey) => putPublicFile(key)],
])("a public key that is there before the first start, %s, is taken, and no secret is made", (_, put) => {
  const key = generateFleetKey();
  const fleet = open(put(key));
  expect(fleet.secret).toBeNull();
  expect(publicKey(fleet)).toBe(formatPublicKey(key));
});

test("another key than the pinned one is refused, however it comes", async () => {
  const first = open();
  const other = createFleetFiles(join(dir, "other"));
  const tries = [{ publicKey: formatPublicKey(other) }, { key: join(dir, "other/fleet.key") }];
  for (const settings of tries) {
    const error = await failure(() => open(settings));
    expect(error.code).toBe("fleet-key-unusable");
    expect(error.message).toContain(publicKey(first));
  }
  renameSync(join(dir, "other/fleet.key"), join(dir, "fleet/fleet.key"));
  expect((await failure(() => open())).code).toBe("fleet-key-unusable");
});

test("a damaged or missing key that was named stops the start; no other is made", async () => {
  writeFileSync(join(dir, "bad.key"), "untrusted comment: x\nAAAA\n");
  expect((await failure(() => open({ key: join(dir, "bad.key") }))).code).toBe("fleet-key-unusable");
  expect((await failure(() => open({ key: join(dir, "none.key") }))).message).toContain("ENOENT");
  expect(database.prepare("SELECT count(*) FROM fleet_pin").pluck().get()).toBe(0);
});

test("an old key is never overwritten", async () => {
  const key = createFleetFiles(join(dir, "safe"));
  expect((await failure(() => createFleetFiles(join(dir, "safe")))).code).toBe("already-there");
  expect(publicKey(open({ key: join(dir, "safe/fleet.key") }))).toBe(formatPublicKey(key));
});
