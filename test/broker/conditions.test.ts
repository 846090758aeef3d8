/** What agents say of printers and of themselves, through a real broker: in the status, the list and the audit. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Conditions } from "../../broker/conditions.ts";
import { openDatabase } from "../../broker/database.ts";
import { Ledger } from "../../broker/ledger.ts";
import { agentTopic } from "../../wire/topic.ts";
import type { AgentPeer } from "./peers.ts";
import { Rig } from "./rig.ts";

let rig: Rig;
let lobby: AgentPeer;

beforeAll(async () => {
  rig = await Rig.start();
  await rig.enrol("lobby", "till");
  await rig.enrol("attic");
  lobby = await rig.connectAgent("lobby");
  await lobby.hello("lobby", "till");
});
afterAll(() => rig.close());

const READY = { ready: "yes", reason: null, at: 7 } as const;

async function say(condition: object | string): Promise<void> {
  const payload = typeof condition === "string" ? condition : JSON.stringify(condition);
  await lobby.client.publishAsync(agentTopic("lobby", "condition"), payload, { qos: 1 });
}

const warnings = async () =>
  (await rig.admin("status", {})).warnings
    .filter(({ kind }) => /^(tamper|printer-care|paper-low|line-errors)$/.test(kind))
    .map(({ kind, subject }) => `${kind} ${subject}`);
const incidents = async (query = {}) =>
  (await rig.admin("audit", { ...query, limit: 500 })).entries
    .filter(({ job }) => job === null)
    .map(({ state, target, user }) => [state, target, user]);

test("paper low, a printer that cannot print, damaged bytes: a warning each, and on the list", async () => {
  expect(await warnings()).toEqual([]);
  const lineErrors = { damagedBytes: 3, breaks: 1 };
  await say({
    printers: [
      { name: "lobby", ...READY, nearEnd: true },
      { name: "till", ready: "no", reason: "cover", at: 8, nearEnd: true, lineErrors },
      { name: "attic", ...READY, nearEnd: true },
    ],
  });
  expect(await warnings()).toEqual(["paper-low lobby", "printer-care till", "line-errors till"]);
  const { printers } = await rig.admin("printer.list", {});
  expect(printers.map(({ name, condition }) => [name, condition])).toEqual([
    ["attic", null],
    ["lobby", { ...READY, nearEnd: true }],
    ["till", { ready: "no", reason: "cover", at: 8, nearEnd: true, lineErrors }],
  ]);
  await say({ printers: [{ name: "lobby", ...READY }] });
  expect(await warnings()).toEqual([]);
});

test("what is no condition is ignored", async () => {
  await say({ printers: [{ name: "lobby", ...READY, nearEnd: true }] });
  for (const rubbish of ["", "{", "[]", '{"printers":[{"name":"lobby"}]}', "x".repeat(5000)])
    await say(rubbish);
  expect(await warnings()).toEqual(["paper-low lobby"]);
});

test("an opened case is warned of until it is closed, over a restart of the broker, and stays in the audit", async () => {
  const open = { printers: [], warnings: ["tamper"] };
  for (let i = 0; i < 3; i++) await say(open);
  expect(await warnings()).toEqual(["tamper lobby"]);
  expect(await incidents()).toEqual([["tamper-opened", "lobby", null]]);
  expect(await incidents({ printer: "till" })).toHaveLength(1);
  expect(await incidents({ printer: "attic" })).toEqual([]);
  expect(await incidents({ user: "alice" })).toEqual([]);
  await rig.stopBroker();
  await rig.startBroker();
  expect(await warnings()).toEqual(["tamper lobby"]);
  lobby = await rig.connectAgent("lobby");
  await lobby.hello("lobby", "till");
  await say(open);
  expect(await incidents()).toHaveLength(1);
  await say({ printers: [] });
  expect(await warnings()).toEqual([]);
  expect((await incidents()).map(([state]) => state)).toEqual(["tamper-closed", "tamper-opened"]);
});

test("a switch with a loose contact does not fill the disk", () => {
  const database = openDatabase(":memory:");
  const conditions = new Conditions(database, { printersOf: () => [] }, () => 7);
  const encode = (text: string) => new TextEncoder().encode(text);
  const [open, closed] = [encode('{"printers":[],"warnings":["tamper"]}'), encode('{"printers":[]}')];
  for (let i = 0; i < 700; i++) for (const payload of [open, closed]) conditions.take("lobby", payload);
  const entries = new Ledger(database).audit({ limit: 5000 });
  expect(entries).toHaveLength(1000);
  expect(entries[0]?.state).toBe("tamper-closed");
  database.close();
});

test("of a revoked agent nothing is warned; what happened stays in the audit", async () => {
  await say({ printers: [{ name: "lobby", ...READY, nearEnd: true }], warnings: ["tamper"] });
  await rig.admin("printer.revoke", { name: "lobby" });
  expect(await warnings()).toEqual([]);
  expect((await incidents())[0]?.[0]).toBe("tamper-opened");
});
