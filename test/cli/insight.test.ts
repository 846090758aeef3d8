import { expect, test } from "vitest";
import type { PrinterRow } from "../../broker/admin-schema.ts";
import type { AuditEntry } from "../../broker/registry-port.ts";
import { layoutAudit } from "../../cli/insight-commands.ts";
import { layoutPrinters } from "../../cli/printer-commands.ts";

const WIDE = Number.POSITIVE_INFINITY;
const cells = (table: string) =>
  table
    .split("\n")
    .slice(1)
    .map((line) => line.split(/ {2,}/).slice(1, -1));

test("the audit says how much, between which bounds, or that nobody knows; second copies; an opened case", () => {
  const entry = (over: Partial<AuditEntry>): AuditEntry => ({
    ...{ at: 1_800_000_000, user: "alice", job: "job-00000001", target: "all", printer: "lobby" },
    ...{ state: "delivered", reason: null, bytes: 5000, bytesAtMost: null, again: false },
    ...over,
  });
  const cut = { state: "interrupted", reason: "cable" };
  const shown = layoutAudit(
    [
      entry({}),
      entry({ again: true }),
      entry({ ...cut, bytes: 100, bytesAtMost: 250 }),
      entry({ ...cut, reason: "power", bytes: null, again: true }),
      entry({ state: "releasing", bytes: null, printer: null }),
      entry({ user: null, job: null, target: "attic", printer: null, state: "tamper-opened", bytes: null }),
    ],
    WIDE,
  );
  expect(cells(shown)).toEqual([
    ["alice", "lobby", "5.0 KB", "delivered"],
    ["alice", "lobby", "5.0 KB", "delivered (second copy)"],
    ["alice", "lobby", "100 B to 250 B", "interrupted (cable)"],
    ["alice", "lobby", "unknown", "interrupted (power, second copy)"],
    ["alice", "all", "-", "releasing"],
    ["-", "attic", "-", "tamper-opened"],
  ]);
});

test("the printers' list says what somebody has to do something about", () => {
  const row = (condition: PrinterRow["condition"], connected = true): PrinterRow => ({
    ...{ name: "lobby", agent: "lobby", state: "enrolled", connected, offered: true, languages: ["pdf"] },
    ...{ fingerprint: "f", groups: [], claimUntil: null, condition },
  });
  const at = 7;
  const shown = layoutPrinters(
    [
      row(null),
      row({ ready: "unknown", reason: null, at }),
      row({ ready: "yes", reason: null, at, nearEnd: true }),
      row({ ready: "no", reason: "paper", at, nearEnd: true }),
      row({ ready: "no", reason: "paper", at }, false),
    ],
    WIDE,
  );
  expect(cells(shown).map(([, state]) => state)).toEqual([
    "connected",
    "connected",
    "connected, paper low",
    "connected, cannot print (paper)",
    "away",
  ]);
});
