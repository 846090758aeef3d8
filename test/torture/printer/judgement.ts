/** What a printer did with a document, against what was told of it. */
import type { PrinterModel } from "../../agent/fake-device.ts";
import type { SentDocument } from "../sent-document.ts";
import type { Seat, Told } from "./desk.ts";
import type { LyingPrinter } from "./lying-printer.ts";

/** A document's beginning, which is nowhere else in it. */
const MARK_BYTES = 23;

/** All of a document's own bytes that its printer took, in the last of its copies; from its beginning on. */
export function countTaken({ received }: LyingPrinter<PrinterModel>, { body }: SentDocument): number {
  const at = received.lastIndexOf(body.subarray(0, Math.min(MARK_BYTES, body.length)));
  if (at < 0) return 0;
  let count = 0;
  while (count < body.length && received[at + count] === body[count]) count++;
  return count;
}

/** Whether the printer gave back the very name of this job after all of it was there. */
function hasConfirmed({ tongue, printer }: Seat, { body }: SentDocument): boolean {
  const { received, said } = printer;
  const at = received.lastIndexOf(body);
  if (at < 0) return false;
  const rest = received.subarray(at + body.length).toString("latin1");
  const fence =
    tongue === "escpos" ? /\x1d\(H\x06\x0000([ -~]{4})/.exec(rest) : /@PJL EOJ NAME = "([^"]+)"/.exec(rest);
  const name = fence?.[1];
  if (!fence || name === undefined) return false;
  const asked = at + body.length + fence.index + fence[0].length;
  const heard = said
    .filter(({ afterBytes }) => afterBytes >= asked)
    .map(({ text }) => text)
    .join("")
    .replace(/[\x11\x13]/g, "");
  return tongue === "escpos"
    ? heard.includes(`\x37\x22${name}\0`)
    : /END\s/.test(heard) && heard.includes(name);
}

/** One line for each thing told that is not so. */
export function findLies(seat: Seat, document: SentDocument, state: string, told: Told): string[] {
  const taken = countTaken(seat.printer, document);
  const size = document.body.length;
  const faults: string[] = [];
  if (state === "printed" && !hasConfirmed(seat, document))
    faults.push("printed, and the printer did not confirm it");
  if ((state === "printed" || state === "delivered") && taken !== size)
    faults.push(`${state}, and the printer took ${taken} of ${size} bytes`);
  if (state === "interrupted") {
    const { bytes, bytesAtMost } = told;
    if (bytes !== null && bytes > taken) faults.push(`at least ${bytes} were told as taken, ${taken} were`);
    if (bytesAtMost !== null && bytesAtMost < taken)
      faults.push(`at most ${bytesAtMost} were told as taken, ${taken} were`);
  }
  return faults;
}
