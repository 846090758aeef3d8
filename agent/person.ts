/** Where a person meets the agent: the panel, the keypads, the session between them. */

import type { HidSystem } from "../keypad/hid.ts";
import { type Keypad, KeypadError, type KeypadEvents } from "../keypad/keypad.ts";
import { openKeypad } from "../keypad/open-keypad.ts";
import type { AgentConfig } from "./config.ts";
import type { Log } from "./log.ts";
import { openPanel } from "./open-panel.ts";
import type { Panel } from "./panel.ts";
import { Session, type SessionPorts } from "./session.ts";

export interface Person {
  readonly session: Session;
  /** A keypad that is neither there nor looked for; null: all are well. */
  deadKeypad(): string | null;
  /** No more entries; what is shown stays. */
  closeKeypads(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A keypad that is not plugged in, or cannot be used, is waited for: beside a printer nobody starts a program again. The
 * panel says that it is out of order where no other keypad works.
 * @throws KeypadError for a keypad URI that cannot be right
 */
export async function openPerson(
  config: AgentConfig,
  log: Log,
  givenPanel: Panel | undefined,
  ports: Omit<SessionPorts, "panel" | "onRefused"> & { readonly onTamper: (isOpen: boolean) => void },
): Promise<Person> {
  const uris = config.keypads ?? defaultKeypads();
  const lent = config.panel.keyboardLeds ? await lendHid(uris, log) : null;
  const panel =
    givenPanel ??
    (await openPanel(
      config.panel,
      {
        onUnusable: (why) => log.write("panel-unusable", { why }),
        onTamper: (isOpen) => {
          log.write(isOpen ? "tamper-opened" : "tamper-closed");
          ports.onTamper(isOpen);
        },
      },
      lent === null ? {} : { leds: lent.open },
    ));
  const session = new Session({
    ...ports,
    panel,
    onRefused: (verdict) => log.write("entry-refused", { verdict }),
  });
  const keypads: Keypad[] = [];
  const refusals = new Refusals(session);
  const closeKeypads = async () => {
    await Promise.all(keypads.splice(0).map((keypad) => keypad.close()));
  };
  const close = async () => {
    await closeKeypads();
    session.close();
    await panel.close();
  };
  session.setPhase({ starting: "keypad" });
  try {
    for (const uri of uris) keypads.push(await openOne(uri, { session, log, refusals }, lent?.hid));
  } catch (error) {
    await close();
    throw error;
  }
  const deadKeypad = () => keypads.find((keypad) => !keypad.isWorking())?.uri ?? null;
  return { session, deadKeypad, closeKeypads, close };
}

/** The HID system, where a keyboard is among the keypads: the panel may use its LEDs. */
async function lendHid(uris: readonly string[], log: Log) {
  if (!uris.some((uri) => uri.startsWith("hid:"))) return null;
  const [{ loadHidSystem }, { lendHandles }] = await Promise.all([
    import("../keypad/hid.ts"),
    import("../keypad/hid-leds.ts"),
  ]);
  try {
    return lendHandles(await loadHidSystem());
  } catch (cause) {
    if (!(cause instanceof KeypadError)) throw cause;
    log.write("panel-unusable", { why: cause.message });
    return null;
  }
}

/** Which keypads work, and why the others do not. */
class Refusals {
  readonly #session: Pick<Session, "setPhase">;
  readonly #working = new Set<string>();
  readonly #reasons = new Map<string, string>();

  constructor(session: Pick<Session, "setPhase">) {
    this.#session = session;
  }

  note(uri: string, reason: string): void {
    this.#reasons.set(uri, reason);
    this.#show();
  }

  setWorking(uri: string, isWorking: boolean): void {
    if (isWorking) this.#working.add(uri);
    else this.#working.delete(uri);
    if (this.#reasons.size === 0) return;
    if (isWorking) this.#reasons.delete(uri);
    this.#show();
  }

  #show(): void {
    const [reason = null] = this.#reasons.values();
    this.#session.setPhase({ broken: this.#working.size === 0 ? reason : null });
  }
}

interface Listeners {
  readonly session: Session;
  readonly log: Log;
  readonly refusals: Refusals;
}

function openOne(
  uri: string,
  { session, log, refusals }: Listeners,
  hid: HidSystem | undefined,
): Promise<Keypad> {
  const events: KeypadEvents = {
    onKey: (key) => session.takeKey(uri, key),
    onCondition: (condition) => {
      log.write(`keypad-${condition}`, { keypad: uri });
      refusals.setWorking(uri, condition !== "gone");
      if (condition === "gone") session.dropKeypad(uri);
    },
    onRefused: (error) => {
      log.write("keypad-refused", { keypad: uri, why: error.message });
      refusals.note(uri, error.message);
    },
  };
  return openKeypad(uri, events, hid === undefined ? {} : { hid });
}

function defaultKeypads(): string[] {
  return [process.stdin.isTTY ? "tty:" : "hid:any"];
}
