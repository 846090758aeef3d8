/** What each target's list should say by now, read from printers, groups and agents. */
import { formatList, type ListedPrinter } from "../wire/recipients.ts";
import type { BrokerDatabase } from "./database.ts";

/** A list as it should be. Without printers there should be none. */
export interface WantedList {
  readonly target: string;
  /** Sorted by name. */
  readonly printers: readonly ListedPrinter[];
  readonly otp: number;
  /** What all of its printers speak, sorted. */
  readonly languages: readonly string[];
}

export interface OtpPolicy {
  readonly otpDigits: number;
  readonly otpDigitsLargeGroup: number;
  readonly largeGroupPrinters: number;
}

interface MemberRow {
  readonly target: string;
  readonly printer: string | null;
  readonly recipient: string | null;
  readonly languages: string | null;
}

/** Printers count from their agent's first hello on, while it is enrolled. */
const MEMBERS = `
  SELECT t.name AS target, p.name AS printer, a.recipient, p.languages
  FROM targets t
  LEFT JOIN group_printers g ON t.kind = 'group' AND g.group_name = t.name
  LEFT JOIN printers p ON p.name = CASE t.kind WHEN 'printer' THEN t.name ELSE g.printer END
    AND p.languages IS NOT NULL
    AND EXISTS (SELECT 1 FROM agents e WHERE e.name = p.agent AND e.state = 'enrolled')
  LEFT JOIN agents a ON a.name = p.agent
  ORDER BY t.name, p.name`;

/** One entry per target that exists, offered or not. */
export function readWanted(database: BrokerDatabase, policy: OtpPolicy): Map<string, WantedList> {
  const members = new Map<string, MemberRow[]>();
  for (const row of database.prepare(MEMBERS).all() as MemberRow[]) {
    const rows = members.get(row.target) ?? [];
    if (row.printer !== null) rows.push(row);
    members.set(row.target, rows);
  }
  return new Map([...members].map(([target, rows]) => [target, wantedOf(target, rows, policy)]));
}

function wantedOf(target: string, rows: readonly MemberRow[], policy: OtpPolicy): WantedList {
  const printers = rows.map(({ printer, recipient }) => ({
    printer: printer as string,
    recipient: recipient as string,
  }));
  const large = printers.length > policy.largeGroupPrinters;
  const spoken = rows.map(({ languages }) => JSON.parse(languages ?? "[]") as string[]);
  const [first = [], ...others] = spoken;
  return {
    target,
    printers,
    otp: large ? policy.otpDigitsLargeGroup : policy.otpDigits,
    languages: first.filter((language) => others.every((list) => list.includes(language))).sort(),
  };
}

/** The text that is signed: one recipient per printer, though printers of one agent share theirs. */
export function textOf(list: Pick<WantedList, "target" | "printers">): Uint8Array {
  return new TextEncoder().encode(formatList(list.target, list.printers));
}
