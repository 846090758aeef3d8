/** Where the broker and the agent keep their data unless they are told: the same rules for both, so that tools find it. */
import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** `$PLATEN_DATA/<program>`; else `/var/lib/platen/<program>` where this user may write there; else the user's own state folder. */
export function defaultDataDir(program: "broker" | "agent"): string {
  const { PLATEN_DATA, XDG_STATE_HOME, LOCALAPPDATA } = process.env;
  if (PLATEN_DATA) return join(PLATEN_DATA, program);
  const system = `/var/lib/platen/${program}`;
  if (mayWrite(system)) return system;
  return join(XDG_STATE_HOME || LOCALAPPDATA || join(homedir(), ".local", "state"), "platen", program);
}

/** True for root, and for the service's own user. */
function mayWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
