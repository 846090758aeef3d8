import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { openDatabase } from "../../broker/database.ts";
import { Ledger, type LedgerEntry } from "../../broker/ledger.ts";

const REF = { user: "alice", job: "job-00000001" };

function open() {
  const database = openDatabase(":memory:");
  return { database, ledger: new Ledger(database) };
}

function makeEntry(agent: string | null): LedgerEntry {
  const plain = {
    reason: null,
    printer: null,
    bytes: null,
    bytesAtMost: null,
    again: false,
    isRepeat: false,
  };
  return { ...REF, ...plain, id: randomUUID(), agent, target: "lobby", state: "held", at: 1, receivedAt: 1 };
}

test("the same event twice is one entry", () => {
  const { ledger } = open();
  const entry = makeEntry("lobby");
  expect(ledger.record(entry)).toBe(true);
  expect(ledger.record(entry)).toBe(false);
  expect(ledger.audit({ limit: 10 })).toHaveLength(1);
});

test("what one agent tells of one job has an end, and is nobody else's", () => {
  const { database, ledger } = open();
  database.transaction(() => {
    for (let n = 0; n < 1999; n++) ledger.record(makeEntry("lobby"));
    for (let n = 0; n < 50; n++) ledger.record(makeEntry(null));
  })();
  expect(ledger.isFull("lobby", REF)).toBe(false);
  ledger.record(makeEntry("lobby"));
  expect(ledger.isFull("lobby", REF)).toBe(true);
  expect(ledger.isFull("wards", REF)).toBe(false);
  expect(ledger.isFull("lobby", { ...REF, job: "job-00000002" })).toBe(false);
});

test("counting them reads an index and no row: it is done for every event of a batch", () => {
  const { database } = open();
  const [step] = database
    .prepare<[], { detail: string }>(
      "EXPLAIN QUERY PLAN SELECT 1 FROM events WHERE user = 'alice' AND job = 'j' AND agent = 'a'",
    )
    .all();
  expect(step?.detail).toContain("COVERING INDEX");
});
