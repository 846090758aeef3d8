/** The exit statuses, as `platen --help` and the README document them (sysexits.h where it has one). */
import { EXIT_INTERRUPTED, EXIT_NOT_PRINTED } from "./failure.ts";

export const EXIT_STATUSES: readonly (readonly [number, string])[] = [
  [0, "done"],
  [
    EXIT_NOT_PRINTED,
    "followed to its end, and it did not print; the demo failed; the doctor found something wrong",
  ],
  [64, "the command line is wrong"],
  [65, "refused: the job, the target or the list is not acceptable"],
  [66, "a file cannot be read"],
  [69, "the broker cannot be reached"],
  [70, "a defect of this program"],
  [73, "it exists already"],
  [74, "the disk failed or is full"],
  [75, "no answer in time; trying again may help"],
  [76, "the other side is not to be trusted; nothing was sent"],
  [77, "not allowed: code, login"],
  [78, "settings are wrong, or this machine was not set up"],
  [EXIT_INTERRUPTED, "stopped by Ctrl-C"],
];

export function formatExitStatuses(): string {
  return EXIT_STATUSES.map(([status, meaning]) => `  ${String(status).padStart(3)}  ${meaning}`).join("\n");
}
