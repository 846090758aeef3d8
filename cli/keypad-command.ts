/** `platen keypad test`: what a keypad sends, key by key, with its timing. */
import type { Command } from "commander";
import type { HidSystem } from "../keypad/hid.ts";
import type { Key } from "../keypad/keypad.ts";
import type { KeysDown } from "../keypad/report-trace.ts";
import { readAgentConfig } from "./agent-settings.ts";
import { act, addExamples, type Context, type GlobalOptions } from "./command-action.ts";
import { wholeNumber } from "./number-option.ts";
import type { Terminal } from "./terminal.ts";

interface TestOptions {
  readonly showDigits?: boolean;
  readonly seconds: number;
}

/** One thing that came, for people a line, for programs an object. */
interface Happening {
  readonly keypad: string;
  readonly what: string;
  readonly key: string;
}

/** `touched`: the key itself, for telling bounces; it is never shown. */
type Tell = (happening: Happening, touched?: Key) => void;

/** The same key again so soon is a contact that bounces, no finger. */
const BOUNCE_MS = 30;

export function addKeypadCommands(program: Command): void {
  const keypad = program.command("keypad").description("the keypad beside a printer");
  const test = keypad
    .command("test")
    .description(
      "show what a keypad sends: keys by name, edges, repeats, timing; never digits unless asked to",
    )
    .argument(
      "[uri...]",
      "hid:any, hid:05fe:1010, serial:/dev/ttyUSB0, tty:; without it, those of agent.toml",
    )
    .option("--show-digits", "name each digit; never while somebody types a one-time password")
    .option("--seconds <n>", "listen for so long", wholeNumber(1, 86_400), 60)
    .action(act(testKeypads));
  addExamples(test, [
    ["platen keypad test", "the keypads of agent.toml; Ctrl-C ends it"],
    ["platen keypad test hid:any --show-digits", "the first USB keypad, every digit named"],
  ]);
}

async function testKeypads({ args, options, terminal }: Context<TestOptions & GlobalOptions>): Promise<void> {
  const uris = args.length > 0 ? args : await configuredKeypads(options);
  const [{ openKeypad }, { traceReport }] = await Promise.all([
    import("../keypad/open-keypad.ts"),
    import("../keypad/report-trace.ts"),
  ]);
  const showDigits = options.showDigits ?? false;
  const log = new KeyLog(terminal, uris.length > 1);
  const over = Promise.withResolvers<void>();
  const end = () => over.resolve();
  const timer = setTimeout(end, options.seconds * 1000);
  process.once("SIGINT", end).once("SIGTERM", end);
  terminal.note(`Listening to ${uris.join(", ")} for ${options.seconds} s. Press keys; Ctrl-C ends it.`);
  const opened: { close(): Promise<void> }[] = [];
  try {
    for (const uri of uris) {
      const tell: Tell = (happening, touched) => log.add(happening, touched);
      const events = {
        onKey: (key: Key) => tell({ keypad: uri, what: "key", key: nameOf(key, showDigits) }, key),
        onCondition: (what: string) => tell({ keypad: uri, what, key: "" }),
        onInterrupt: end,
      };
      const hid = uri.startsWith("hid:") ? await tapHid(uri, showDigits, traceReport, tell) : undefined;
      opened.push(await openKeypad(uri, events, hid === undefined ? {} : { hid }));
    }
    await over.promise;
  } finally {
    clearTimeout(timer);
    process.off("SIGINT", end).off("SIGTERM", end);
    await Promise.all(opened.map((keypad) => keypad.close()));
  }
  log.sumUp();
}

async function configuredKeypads(options: GlobalOptions): Promise<readonly string[]> {
  const { keypads } = await readAgentConfig(options);
  return keypads ?? [process.stdin.isTTY ? "tty:" : "hid:any"];
}

/** The system's HID with an ear on every report, so that edges and repeats show that never become keys. */
async function tapHid(
  uri: string,
  showDigits: boolean,
  trace: typeof import("../keypad/report-trace.ts").traceReport,
  tell: Tell,
): Promise<HidSystem> {
  const { loadHidSystem } = await import("../keypad/hid.ts");
  const hid = await loadHidSystem();
  return {
    ...hid,
    open: async (path) => {
      const handle = await hid.open(path);
      let down: KeysDown = new Set();
      handle.on("data", (report) => {
        const step = trace(down, report, showDigits);
        down = step.down;
        for (const { kind, key } of step.traces) tell({ keypad: uri, what: kind, key });
      });
      return handle;
    },
  };
}

function nameOf(key: Key, showDigits: boolean): string {
  if (key.kind !== "digit") return key.kind;
  return showDigits ? key.digit : "digit";
}

/** Times everything that comes, and counts what a technician looks for. */
class KeyLog {
  readonly #terminal: Terminal;
  readonly #names: boolean;
  readonly #beganMs = performance.now();
  #lastMs = this.#beganMs;
  #keys = 0;
  #repeats = 0;
  #bounces = 0;
  #shortestMs = Number.POSITIVE_INFINITY;
  #lastDown: { readonly key: string; readonly atMs: number } | null = null;

  /** @param names says at each line which keypad it was */
  constructor(terminal: Terminal, names: boolean) {
    this.#terminal = terminal;
    this.#names = names;
  }

  add({ keypad, what, key }: Happening, touched?: Key): void {
    const atMs = performance.now();
    const sinceMs = Math.round(atMs - this.#lastMs);
    this.#lastMs = atMs;
    if (what === "repeat") this.#repeats++;
    if (touched !== undefined) this.#countKey(JSON.stringify(touched), atMs);
    this.#terminal.printJson({ ms: Math.round(atMs - this.#beganMs), keypad, what, key });
    const line = `  +${String(sinceMs).padStart(5)} ms  ${this.#names ? `${keypad}  ` : ""}${what.padEnd(8)}  ${key}`;
    this.#terminal.print(line.trimEnd());
  }

  sumUp(): void {
    const summary = { keys: this.#keys, repeats: this.#repeats, bounces: this.#bounces };
    const shortestMs = Number.isFinite(this.#shortestMs) ? Math.round(this.#shortestMs) : null;
    this.#terminal.printJson({ summary: { ...summary, shortestMs } });
    const quick = shortestMs === null ? "" : ` The quickest two keys were ${shortestMs} ms apart.`;
    const bounce =
      this.#bounces === 0
        ? ""
        : ` ${this.#bounces} came within ${BOUNCE_MS} ms of the same key: a contact may bounce, or a scanner typed.`;
    this.#terminal.print(
      `\n${this.#keys} keys, ${this.#repeats} repeats that count for nothing.${quick}${bounce}`,
    );
    if (this.#keys === 0)
      this.#terminal.print(
        "Nothing came: platen doctor agent says whether the keypad is there and may be read.",
      );
  }

  #countKey(key: string, atMs: number): void {
    this.#keys++;
    const gapMs = atMs - (this.#lastDown?.atMs ?? Number.NEGATIVE_INFINITY);
    this.#shortestMs = Math.min(this.#shortestMs, gapMs);
    if (this.#lastDown?.key === key && gapMs < BOUNCE_MS) this.#bounces++;
    this.#lastDown = { key, atMs };
  }
}
