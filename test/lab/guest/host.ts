/**
 * In the guest: the emulated printer at the other end of the cable, which a test on the host moves. One request, one
 * answer, through two named pipes; synchronous, as a hand on a switch is.
 */
import { readFileSync, writeFileSync } from "node:fs";

export const ASK_PIPE = "/run/ask";
export const ANSWER_PIPE = "/run/answer";

export type HostRequest = "plug-in" | "vanish" | "stall" | "resume" | "received" | `say ${string}`;

/** The host's answer: of `received` the path of a file, else nothing. */
export function askHost(request: HostRequest): string {
  writeFileSync(ASK_PIPE, request);
  return readFileSync(ANSWER_PIPE, "utf8");
}
