/** Where a person meets the agent: the panel, the keypads, the session between them. */

import type { Keypad } from "../keypad/keypad.ts";
import { openKeypad } from "../keypad/open-keypad.ts";
import type { AgentConfig } from "./config.ts";
import type { Log } from "./log.ts";
import { openPanel } from "./open-panel.ts";
import type { Panel } from "./panel.ts";
import { Session, type SessionPorts } from "./session.ts";

export interface Person {
  readonly session: Session;
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
  const panel =
    givenPanel ??
    (await openPanel(config.panel, uris, {
      onUnusable: (why) => log.write("panel-unusable", { why }),
      onTamper: (isOpen) => {
        log.write(isOpen ? "tamper-opened" : "tamper-closed");
        ports.onTamper(isOpen);
      },
    }));
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
    for (const uri of uris) keypads.push(await openOne(uri, session, log));
  } catch (error) {
    await close();
    throw error;
  }
  return { session, closeKeypads, close };
}

function openOne(uri: string, session: Session, log: Log): Promise<Keypad> {
  return openKeypad(uri, {
    onKey: (key) => session.takeKey(uri, key),
    onCondition: (condition) => {
      log.write(condition === "attached" ? "keypad-attached" : "keypad-gone", { keypad: uri });
      if (condition === "gone") session.dropKeypad(uri);
    },
  });
}

function defaultKeypads(): string[] {
  return [process.stdin.isTTY ? "tty:" : "hid:any"];
}
