/** The demo in words as it goes, or in JSON lines for a program. */
import { layoutOtp } from "../otp-notice.ts";
import { showsBlocks, type Terminal } from "../terminal.ts";
import { layoutTimeline, type Step } from "./timeline.ts";
import type { Check } from "./verdict.ts";

export class Narrator {
  readonly #terminal: Terminal;
  readonly #marks: { readonly yes: string; readonly no: string };

  /** @param shared true when the agent's panel writes its line on this terminal too */
  constructor(terminal: Terminal, shared: boolean) {
    // Takes the panel's line away, so that ours stands alone; the panel draws its own again below.
    const print = (text: string) => terminal.print(shared ? `\r\u001B[K${text}` : text);
    this.#terminal = { ...terminal, print };
    this.#marks = showsBlocks(terminal.stdout) ? { yes: "✓", no: "✗" } : { yes: "ok", no: "FAILED" };
  }

  say(text: string): void {
    this.#terminal.print(text);
  }

  /** A step of the set-up that went well. */
  step(name: string, what: string, details: object = {}): void {
    this.#terminal.printJson({ step: name, what, ...details });
    this.#terminal.print(`  ${this.#yes()} ${name.padEnd(8)} ${what}`);
  }

  otp(otp: string): void {
    this.#terminal.printJson({ step: "otp", otp });
    this.#terminal.print(
      `\nThe one-time password, known to the sender alone:\n\n${layoutOtp(otp, this.#terminal, showsBlocks(this.#terminal.stdout))}\n`,
    );
  }

  timeline(steps: readonly Step[]): void {
    this.#terminal.printJson({ step: "timeline", steps });
    this.#terminal.print(`\n${layoutTimeline(steps, this.#terminal.width)}\n`);
  }

  check({ ok, what, detail }: Check): void {
    this.#terminal.printJson({ step: "check", ok, what, detail });
    const mark = ok ? this.#yes() : this.#terminal.style("red", this.#marks.no);
    this.#terminal.print(`  ${mark} ${what} ${this.#terminal.style("dim", `(${detail})`)}`);
  }

  verdict(passed: boolean): void {
    this.#terminal.printJson({ step: "verdict", ok: passed });
    const words = passed
      ? this.#terminal.style("green", "All of it holds.")
      : this.#terminal.style("red", "It does not hold: see above.");
    this.#terminal.print(`\n${words}`);
  }

  kept(root: string): void {
    this.#terminal.printJson({ step: "kept", root });
  }

  #yes(): string {
    return this.#terminal.style("green", this.#marks.yes);
  }
}
