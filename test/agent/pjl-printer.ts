/** A laser printer that understands PJL around pages, answers, and misbehaves on demand. Under test/agent/fake-device.ts. */
import { UEL } from "../../pcl/pjl-command.ts";
import type { PrinterModel } from "./fake-device.ts";

export interface PjlTrouble {
  /** To `ECHO` and `INFO`. `unsynchronised`: without the echo. */
  answers?: "yes" | "no" | "unsynchronised" | "rubbish";
  /** At the end of a job. */
  end?: "yes" | "no" | "wrong-name" | "no-pages" | "none-printed" | "canceled" | "early";
  /** So many sheets are in the tray. */
  sheets?: number;
  /** Chunks of so many bytes. */
  chunkBytes?: number;
  /** Line ends and noise of a careless printer. */
  isCareless?: boolean;
}

const NOTHING = { name: "", pages: 0 };

export class PjlPrinter implements PrinterModel {
  readonly trouble: PjlTrouble;
  /** What lies in the output bin: the text of each page. */
  readonly pages: string[] = [];
  isFull = false;
  isCoverOpen = false;
  #say: (bytes: Uint8Array) => void = () => undefined;
  #rest = "";
  #mode: "pjl" | "data" = "data";
  #page = "";
  #jobs: { name: string; pages: number }[] = [];
  #waiting: { readonly isSheet: boolean; run(): void }[] = [];
  readonly #ustatus = new Set<string>();

  constructor(trouble: PjlTrouble = {}) {
    this.trouble = trouble;
  }

  open(say: (bytes: Uint8Array) => void): void {
    this.#say = say;
  }

  take(bytes: Uint8Array): void {
    this.#rest += Buffer.from(bytes).toString("latin1");
    while (this.#step());
    this.#work();
  }

  /** How deep in jobs it is: 0 between them. */
  get depth(): number {
    return this.#jobs.length;
  }

  refill(sheets = Number.POSITIVE_INFINITY): void {
    this.trouble.sheets = sheets;
    this.isFull = false;
    this.#tell("DEVICE");
    this.#work();
  }

  openCover(isOpen: boolean): void {
    this.isCoverOpen = isOpen;
    this.#tell("DEVICE");
  }

  #step(): boolean {
    if (this.#mode === "data") return this.#takeData();
    if (this.#rest.startsWith(UEL)) return this.#drop(UEL.length);
    if (UEL.startsWith(this.#rest) || "@PJL".startsWith(this.#rest)) return false;
    if (!this.#rest.startsWith("@PJL")) {
      this.#mode = "data";
      return true;
    }
    const end = this.#rest.indexOf("\n");
    if (end < 0) return false;
    const line = this.#rest.slice(0, end).trim();
    this.#waiting.push({ isSheet: false, run: () => this.#command(line) });
    return this.#drop(end + 1);
  }

  #takeData(): boolean {
    const end = this.#rest.indexOf(UEL);
    const data = end < 0 ? this.#rest.slice(0, -(UEL.length - 1)) : this.#rest.slice(0, end);
    for (const part of data.split(/(?<=\f)/)) {
      this.#page += part;
      if (part.endsWith("\f")) this.#eject();
    }
    this.#rest = this.#rest.slice(data.length);
    if (end < 0) return false;
    // A UEL resets: what is on the page goes out, with or without a form feed.
    if (this.#page.replaceAll("\0", "") !== "") this.#eject();
    this.#page = "";
    this.#mode = "pjl";
    return this.#drop(UEL.length);
  }

  #drop(count: number): true {
    this.#rest = this.#rest.slice(count);
    return true;
  }

  #eject(): void {
    const page = this.#page.replaceAll("\0", "");
    this.#page = "";
    const run = (): void => {
      this.trouble.sheets = (this.trouble.sheets ?? Number.POSITIVE_INFINITY) - 1;
      this.pages.push(page);
      for (const job of this.#jobs) job.pages += 1;
      if (this.#ustatus.has("PAGE")) this.#speak(["USTATUS PAGE", `${this.pages.length}`]);
    };
    this.#waiting.push({ isSheet: true, run });
  }

  #work(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (next.isSheet && (this.trouble.sheets ?? 1) <= 0) {
        if (!this.isFull) {
          this.isFull = true;
          this.#tell("DEVICE");
        }
        return;
      }
      this.#waiting.shift();
      next.run();
    }
  }

  #command(line: string): void {
    const words = line.slice(4).trim();
    const name = /NAME\s*=\s*"(.*)"/.exec(words)?.[1] ?? "";
    const of = /^USTATUS (\w+) = (ON|OFF)$/.exec(words);
    if (of?.[2] === "ON") this.#ustatus.add(of[1] ?? "");
    else if (words === "USTATUSOFF") this.#ustatus.clear();
    else if (words.startsWith("ECHO ") && this.trouble.answers !== "unsynchronised") this.#answer([words]);
    else if (words === "INFO STATUS") this.#answer([words, ...this.#status()]);
    else if (words.startsWith("JOB ")) this.#begin(name);
    else if (/^EOJ\b/.test(words)) this.#end();
  }

  #begin(name: string): void {
    this.#jobs.push({ name, pages: 0 });
    if (this.#jobs.length > 1 || !this.#ustatus.has("JOB")) return;
    this.#speak(["USTATUS JOB", "START", `NAME="${name}"`]);
    if (this.trouble.end === "early") this.#speak(["USTATUS JOB", "END", `NAME="${name}"`, "PAGES=1"]);
  }

  /** Jobs inside another are counted; only the outermost is told. */
  #end(): void {
    const { name, pages } = this.#jobs.pop() ?? NOTHING;
    const { end = "yes" } = this.trouble;
    if (this.#jobs.length > 0 || !this.#ustatus.has("JOB") || end === "no" || end === "early") return;
    const lines = ["USTATUS JOB", "END", `NAME="${end === "wrong-name" ? "other" : name}"`];
    if (end !== "no-pages") lines.push(`PAGES=${end === "none-printed" ? 0 : pages}`);
    this.#speak([...lines, "ID=7", `RESULT=${end === "canceled" ? "USER_CANCELED" : "OK"}`]);
  }

  #tell(of: string): void {
    if (this.#ustatus.has(of)) this.#speak([`USTATUS ${of}`, ...this.#status()]);
  }

  #status(): string[] {
    if (this.isCoverOpen) return ["CODE=40021", 'DISPLAY="12 PRINTER OPEN"', "ONLINE=FALSE"];
    if ((this.trouble.sheets ?? 1) <= 0) return ["CODE=41203", 'DISPLAY="MP LOAD"', "ONLINE=FALSE"];
    return ["CODE=10001", 'DISPLAY="READY"', "ONLINE=TRUE"];
  }

  #answer(lines: readonly string[]): void {
    const { answers = "yes" } = this.trouble;
    if (answers === "rubbish") this.#say(Buffer.from("@PJL \x00?\xff\f@PJL INFO\r\n"));
    else if (answers !== "no") this.#speak(lines);
  }

  #speak(lines: readonly string[]): void {
    const { isCareless, chunkBytes = 4096 } = this.trouble;
    const text = isCareless
      ? `\x11noise@PJL ${lines.join("\n")}\n\f\0`
      : `@PJL ${lines.map((line) => `${line}\r\n`).join("")}\f`;
    for (let at = 0; at < text.length; at += chunkBytes) {
      this.#say(Buffer.from(text.slice(at, at + chunkBytes), "latin1"));
    }
  }
}
