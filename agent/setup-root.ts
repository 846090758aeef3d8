/**
 * Set-up's half with rights and without network: from the card to this machine's settings at the start, and back to the
 * card when the agent has spoken. Each step may be cut short by the power and is done again at the next start, until
 * the card holds what was kept of it here (`settled.toml`).
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "../wire/durable-file.ts";
import { isPlatenError, PlatenError } from "../wire/error.ts";
import { eraseClaims, overwriteClaims, readSetupFile, type SetupFile, tellProblem } from "./setup-card.ts";
import { parseSetupFile } from "./setup-file.ts";
import { dropOrder, readReport, writeOrder } from "./setup-handover.ts";
import { setupMistake } from "./setup-mistake.ts";
import { formatOutputs, writeOutputs } from "./setup-output.ts";

export interface SetupPlaces {
  /** The FAT partition, writable. */
  readonly card: string;
  /** Where this machine's settings go, and stay. */
  readonly out: string;
  /** What the agent is told, in memory. */
  readonly orders: string;
}

const SETTLED = "settled.toml";

/** What came of it: `settled`, nothing is new; `applied`; or the mistake, which was told. */
export type SetupOutcome =
  | { readonly kind: "settled" | "applied" }
  | { readonly kind: "mistake"; readonly problem: string };

/** At the start, before the network. Never throws for what stands in the file. */
export function applySetup({ card, out, orders }: SetupPlaces): SetupOutcome {
  mkdirSync(out, { recursive: true, mode: 0o755 });
  const settled = readSettled(out);
  try {
    const file = readSetupFile(card);
    if (file === null && settled === null) {
      throw setupMistake(
        "The file platen.toml is missing on this card. What stands in it: docs/technicians.md of Platen.",
      );
    }
    if (file === null || (settled !== null && Buffer.compare(settled, file.bytes) === 0)) {
      tellProblem(card, null);
      dropOrder(orders);
      return { kind: "settled" };
    }
    const settings = parseSetupFile(file.bytes, settled !== null);
    writeOutputs(out, formatOutputs(settings));
    writeOrder(orders, { v: 1, claim: settings.claim, problem: null });
    tellProblem(card, null);
    return { kind: "applied" };
  } catch (error) {
    if (!isPlatenError(error, "setup-mistake")) throw error;
    // The panel is told first: a card that is full or failing takes no note.
    writeOrder(orders, { v: 1, claim: null, problem: error.message });
    tellProblem(card, error.message);
    return { kind: "mistake", problem: error.message };
  }
}

/**
 * When the agent has spoken: what is wrong goes to the card; once the code was used, it is erased there.
 * @param report the folder the agent reports in
 */
export function settleSetup({ card, out }: Omit<SetupPlaces, "orders">, report: string): void {
  const said = readReport(report);
  if (said === null)
    throw new PlatenError("not-there", { what: `report of the agent in ${report}`, hint: "" });
  tellProblem(card, said.problem);
  if (!said.enrolled) return;
  const file: SetupFile | null = readSetupFile(card);
  if (file === null) return;
  // First what stays here: cut short now, the next start reads the card again and comes to the same.
  writeDurably(join(out, SETTLED), overwriteClaims(file.bytes), 0o600);
  eraseClaims(file);
}

function readSettled(out: string): Uint8Array | null {
  const path = join(out, SETTLED);
  return existsSync(path) ? readFileSync(path) : null;
}
