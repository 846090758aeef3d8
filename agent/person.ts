/** Where a person meets the agent: the panel, the keypads, the session between them. */

import type { HidSystem } from "../keypad/hid.ts";
import type { Keypad, KeypadEvents } from "../keypad/keypad.ts";
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

/** @throws KeypadError for a keypad URI that cannot be right. One that is only not plugged in is waited for. */
export async function openPerson(
  config: AgentConfig,
  log: Log,
  givenPanel: Panel | undefined,
  ports: Omit<SessionPorts, "panel" | "onRefused"> & { readonly onTamper: (isOpen: boolean) => void },
): Promise<Person> {
  const uris = config.keypads ?? defaultKeypads();
  const lent = config.panel.keyboardLeds ? await lendHid(uris) : null;
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
    for (const uri of uris) keypads.push(await openOne(uri, session, log, lent?.hid));
  } catch (error) {
    await close();
    throw error;
  }
  const deadKeypad = () => keypads.find((keypad) => !keypad.isWorking())?.uri ?? null;
  return { session, deadKeypad, closeKeypads, close };
}

/** The HID system, where a keyboard is among the keypads: the panel may use its LEDs. */
async function lendHid(uris: readonly string[]) {
  if (!uris.some((uri) => uri.startsWith("hid:"))) return null;
  const [{ loadHidSystem }, { lendHandles }] = await Promise.all([
    import("../keypad/hid.ts"),
    import("../keypad/hid-leds.ts"),
  ]);
  return lendHandles(await loadHidSystem());
}

function openOne(uri: string, session: Session, log: Log, hid?: HidSystem): Promise<Keypad> {
  const events: KeypadEvents = {
    onKey: (key) => session.takeKey(uri, key),
    onCondition: (condition) => {
      log.write(`keypad-${condition}`, { keypad: uri });
      if (condition === "gone") session.dropKeypad(uri);
    },
  };
  return openKeypad(uri, events, hid === undefined ? {} : { hid });
}

function defaultKeypads(): string[] {
  return [process.stdin.isTTY ? "tty:" : "hid:any"];
}
