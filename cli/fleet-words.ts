/** What a person compares before the fleet key signs it. */
import type { ShownList } from "../broker/fleet-bundle.ts";
import { formatMoment } from "./moment.ts";

export function layoutPending(lists: readonly ShownList[]): string {
  const blocks = lists.map(({ target, serial, expires, otp, fingerprints }) => {
    const printers = fingerprints.map(({ printer, fingerprint, fresh }) => {
      return `  ${fresh ? "NEW " : "    "}${printer}  ${fingerprint}`;
    });
    const head = `“${target}” waits for a signature: serial ${serial}, until ${formatMoment(expires)}, passwords of ${otp} digits`;
    return [head, ...printers].join("\n");
  });
  return blocks.join("\n\n");
}
