/**
 * The person at the keypad: keys become entries, entries verdicts, verdicts what the panel shows. Holds digits no
 * longer than an entry lasts. Several keypads share the panel; each has an entry of its own.
 */
import type { EntryEffect } from "../keypad/entry.ts";
import type { Key } from "../keypad/keypad.ts";
import { choosePanelState, type View } from "./display.ts";
import { Entries } from "./entries.ts";
import type { Release, Verdict } from "./keeper-port.ts";
import type { Panel, PanelState } from "./panel.ts";

export interface SessionPorts {
  readonly panel: Panel;
  /** Null while the identity is locked. */
  readonly release: () => Release | null;
  /** Jobs that wait for an OTP. */
  readonly held: () => number;
  /** True when entries cannot be judged although the identity is open: shares are missing and the broker is away. */
  readonly sharesMissing: () => boolean;
  /** An entry released nothing, or could not be judged. Never the digits. */
  readonly onRefused: (verdict: string) => void;
  /** Enter alone, while a printer waits for a person to switch it off and on. */
  readonly onPowerCycle: (printer: string) => void;
}

/** All in milliseconds; what the terminal rules say. */
const SESSION_TIMES = {
  working: 1000,
  failure: 10_000,
  notAccepted: 3000,
  accepted: 5000,
  takePages: 10_000,
  /** Then it is asked again by the next entry: somebody may have helped it meanwhile. */
  care: 60_000,
} as const;

const CHECKS_MAX = 4;

export class Session {
  readonly #ports: SessionPorts;
  readonly #entries = new Entries((effect) => this.#applyEntry(effect));
  /** The newest state of each printer, the most recent last. */
  readonly #printing = new Map<string, PanelState>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #verdict: PanelState | null = null;
  #waitUntilMs = 0;
  #checks = 0;
  #shown = "";
  #broken: string | null = null;
  #starting: View["starting"] = "power";
  #stuck: View["stuck"] = null;
  #locked = true;
  #online = false;

  constructor(ports: SessionPorts) {
    this.#ports = ports;
  }

  /** What the agent as a whole is doing. */
  setPhase(phase: Partial<Pick<View, "broken" | "starting" | "stuck" | "locked" | "online">>): void {
    if (phase.broken !== undefined) this.#broken = phase.broken;
    if (phase.starting !== undefined) this.#starting = phase.starting;
    if (phase.stuck !== undefined) this.#stuck = phase.stuck;
    if (phase.locked !== undefined) this.#locked = phase.locked;
    if (phase.online !== undefined) this.#online = phase.online;
    this.refresh();
  }

  /** What the printing says: `printing`, `take-pages`, `printer-care`, `paused`, `broken`. */
  showPrinting(state: PanelState): void {
    if (state.kind === "broken") this.#showVerdict(state, SESSION_TIMES.care);
    if (!("printer" in state)) return;
    const { printer } = state;
    this.#printing.delete(printer);
    this.#printing.set(printer, state);
    const stays = state.kind === "printing" || state.kind === "paused";
    const lastsMs = state.kind === "take-pages" ? SESSION_TIMES.takePages : SESSION_TIMES.care;
    if (stays) this.#cancel(`printing ${printer}`);
    else this.#after(`printing ${printer}`, lastsMs, () => this.#printing.delete(printer));
    if (this.#verdict?.kind === "accepted-waiting" || this.#verdict?.kind === "checking")
      this.#setVerdict(null);
    this.refresh();
  }

  /** Jobs were held or ended: the count on the panel changed. */
  refresh(): void {
    const state = choosePanelState({
      broken: this.#broken,
      verdict: this.#verdict,
      entry: this.#entries.shown,
      printing: [...this.#printing.values()],
      locked: this.#locked || this.#ports.sharesMissing(),
      starting: this.#starting,
      stuck: this.#stuck,
      online: this.#online,
      held: this.#ports.held(),
    });
    const text = JSON.stringify(state);
    if (text === this.#shown) return;
    this.#shown = text;
    this.#ports.panel.show(state);
  }

  takeKey(keypad: string, key: Key): void {
    this.#ports.panel.tick();
    // No tries left: keys only tick, and never make it longer.
    if (this.#verdict?.kind === "wait") return;
    if (key.kind === "enter" && this.#entries.isEmpty(keypad)) this.#enterAlone();
    else this.#entries.takeKey(keypad, key);
    this.refresh();
  }

  dropKeypad(keypad: string): void {
    this.#entries.drop(keypad);
    this.refresh();
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#entries.clear();
  }

  #applyEntry(effect: EntryEffect): void {
    switch (effect.kind) {
      case "show":
        // A new entry takes the place of the last one's answer.
        if (this.#verdict?.kind !== "checking") this.#setVerdict(null);
        break;
      case "complete":
        this.#ports.release()?.prepare(effect.digits);
        break;
      case "cleared":
        this.#ports.release()?.forget();
        break;
      case "submit":
        this.#submit(effect.digits);
        break;
      case "wrong-length":
        this.#judge({ kind: "wrong-length" });
        break;
    }
    this.refresh();
  }

  #enterAlone(): void {
    const newest = [...this.#printing.values()].at(-1);
    const asked = this.#verdict?.kind === "printer-care" ? this.#verdict : newest;
    if (asked?.kind === "printer-care") this.#ports.onPowerCycle(asked.printer);
  }

  #submit(digits: string): void {
    const release = this.#ports.release();
    if (!release) {
      this.#ports.onRefused("locked");
      this.#showVerdict({ kind: "locked", entry: true }, SESSION_TIMES.notAccepted);
      return;
    }
    // Nobody types that fast: what a scanner pours in beyond this is not worth keeping.
    if (this.#checks >= CHECKS_MAX) return;
    this.#checks++;
    this.#after("working", SESSION_TIMES.working, () => this.#setVerdict({ kind: "checking" }));
    this.#after("failure", SESSION_TIMES.failure, () => {
      this.#ports.onRefused("no-answer");
      this.#showVerdict({ kind: "broken", what: "no answer in time" }, SESSION_TIMES.notAccepted);
    });
    this.refresh();
    release
      .enter(digits)
      .then(
        (verdict) => {
          this.#endCheck();
          this.#judge(verdict);
        },
        (error: unknown) => {
          this.#endCheck();
          this.#fail(error);
        },
      )
      .finally(() => this.refresh());
  }

  #endCheck(): void {
    this.#checks--;
    if (this.#checks > 0) return;
    this.#cancel("working");
    this.#cancel("failure");
    if (this.#verdict?.kind === "checking") this.#setVerdict(null);
  }

  #judge(verdict: Verdict): void {
    if (verdict.kind !== "released") this.#ports.onRefused(verdict.kind);
    switch (verdict.kind) {
      case "released":
        if (verdict.waiting) this.#showVerdict({ kind: "accepted-waiting" }, SESSION_TIMES.accepted);
        break;
      case "wait":
        this.#startWait(verdict.seconds);
        break;
      case "printer-care":
        this.#showVerdict(verdict, SESSION_TIMES.care);
        break;
      case "locked":
        this.#showVerdict({ kind: "locked", entry: true }, SESSION_TIMES.notAccepted);
        break;
      case "not-accepted":
      case "wrong-length":
        this.#showVerdict({ kind: "not-accepted" }, SESSION_TIMES.notAccepted);
        break;
    }
  }

  #fail(error: unknown): void {
    this.#ports.onRefused("failed");
    const what = error instanceof Error ? error.message : "the entry could not be checked";
    this.#showVerdict({ kind: "broken", what }, SESSION_TIMES.care);
  }

  #startWait(seconds: number): void {
    this.#entries.clear();
    this.#waitUntilMs = performance.now() + seconds * 1000;
    const count = () => {
      const leftMs = this.#waitUntilMs - performance.now();
      this.#setVerdict(leftMs > 0 ? { kind: "wait", seconds: Math.ceil(leftMs / 1000) } : null);
      if (leftMs > 0) this.#after("verdict", leftMs % 1000 || 1000, count);
    };
    count();
  }

  #showVerdict(state: PanelState, lastsMs: number): void {
    this.#setVerdict(state);
    this.#after("verdict", lastsMs, () => this.#setVerdict(null));
    this.refresh();
  }

  #setVerdict(state: PanelState | null): void {
    this.#cancel("verdict");
    this.#verdict = state;
  }

  #after(name: string, ms: number, action: () => void): void {
    this.#cancel(name);
    const timer = setTimeout(() => {
      this.#timers.delete(name);
      action();
      this.refresh();
    }, ms);
    timer.unref();
    this.#timers.set(name, timer);
  }

  #cancel(name: string): void {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }
}
