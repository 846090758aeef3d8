/** What this agent says of its printers and of itself: to the broker, whenever it changes. */

import type { z } from "zod";
import type { conditionSchema } from "../wire/agent-call.ts";
import { encodeJson } from "../wire/json.ts";
import type { LineErrors } from "./device.ts";
import type { PanelState } from "./panel.ts";
import { obstacleOf, type PrinterStatus, readinessOf } from "./printer-status.ts";

type Report = z.infer<typeof conditionSchema>;
type PrinterReport = Report["printers"][number];
type Warning = NonNullable<Report["warnings"]>[number];

export class Condition {
  readonly #printers: Map<string, PrinterReport>;
  readonly #publish: (payload: Uint8Array) => void;
  readonly #now: () => number;
  readonly #warnings = new Set<Warning>();

  /** @param publish does nothing while there is no session. @param now Unix seconds */
  constructor(printers: readonly string[], publish: (payload: Uint8Array) => void, now: () => number) {
    const unknown = (name: string): PrinterReport => ({ name, ready: "unknown", reason: null, at: now() });
    this.#printers = new Map(printers.map((name) => [name, unknown(name)]));
    this.#publish = publish;
    this.#now = now;
  }

  /** What the printing just showed of a printer. */
  observe(state: PanelState): void {
    if (state.kind === "printing" || state.kind === "take-pages") {
      this.#set(state.printer, { ready: "yes", reason: null });
    } else if (state.kind === "printer-care" || state.kind === "paused") {
      this.#set(state.printer, { ready: "no", reason: state.reason });
    }
  }

  /** What the printer said of itself; what it cannot say changes nothing. */
  learn(printer: string, status: PrinterStatus): void {
    const ready = readinessOf(status);
    const nearEnd = status["near-end"].holds;
    this.#set(printer, {
      ...(ready !== "unknown" && { ready, reason: obstacleOf(status) }),
      ...(nearEnd !== null && { nearEnd: nearEnd || undefined }),
    });
  }

  /** More of what it said came damaged. */
  addLineErrors(printer: string, { damagedBytes, breaks }: LineErrors): void {
    const before = this.#printers.get(printer)?.lineErrors ?? { damagedBytes: 0, breaks: 0 };
    const lineErrors = {
      damagedBytes: before.damagedBytes + damagedBytes,
      breaks: before.breaks + breaks,
    };
    this.#set(printer, { lineErrors });
  }

  /** What the agent itself needs of a person. */
  setWarning(warning: Warning, isOn: boolean): void {
    if (isOn === this.#warnings.has(warning)) return;
    if (isOn) this.#warnings.add(warning);
    else this.#warnings.delete(warning);
    this.publish();
  }

  publish(): void {
    const report: Report = { printers: [...this.#printers.values()] };
    if (this.#warnings.size > 0) report.warnings = [...this.#warnings];
    this.#publish(encodeJson(report));
  }

  #set(
    name: string,
    news: Partial<Pick<PrinterReport, "ready" | "reason" | "nearEnd" | "lineErrors">>,
  ): void {
    const before = this.#printers.get(name);
    if (!before) return;
    const after = { ...before, ...news };
    const isSame = (["ready", "reason", "nearEnd", "lineErrors"] as const).every(
      (key) => before[key] === after[key],
    );
    if (isSame) return;
    this.#printers.set(name, { ...after, at: this.#now() });
    this.publish();
  }
}
