/** What printers say: ESC/POS status, PJL, IEEE 1284 ids, marks on serial lines; and what is believed of it. */
import { LineMarks } from "../../../agent/device-serial-marks.ts";
import { learn, NOTHING_KNOWN, obstacleOf, readinessOf } from "../../../agent/printer-status.ts";
import type { Heard, Tongue } from "../../../agent/printer-tongue.ts";
import { speakEscpos } from "../../../agent/printer-tongue-escpos.ts";
import { speakPjl } from "../../../agent/printer-tongue-pjl.ts";
import { StatusReader } from "../../../escpos/status.ts";
import { parseDeviceId } from "../../../pcl/device-id.ts";
import { PjlReader } from "../../../pcl/pjl-reader.ts";
import { bytesOf, choose, claim, claimSame, cutUp, type FuzzTarget } from "../target.ts";

const FENCE_ID = "Zq7_";
const JOB_NAME = "platen-0123456789abcdef";

/** Whatever reads a stream reads the same however it is cut. */
function readBoth<T>(data: Uint8Array, open: () => { push(bytes: Uint8Array): T[] }): T[] {
  const once = open().push(data.slice(1));
  const reader = open();
  const pieces = [...cutUp(data)].flatMap((piece) => reader.push(piece));
  claimSame(pieces, once, "cuts change nothing");
  return once;
}

/** A conversation whose own name never comes is never told that it is printed. */
function converse(tongue: Tongue, data: Uint8Array, name: string): void {
  let status = NOTHING_KNOWN;
  const believe = (heard: readonly Heard[], isNamed: boolean) => {
    for (const word of heard) {
      claim(word.kind !== "printed" || isNamed, "printed is only said of the job that was named");
      if (word.kind === "status") status = learn(status, word.said, word.source, 0);
    }
  };
  const half = data.length >> 1;
  believe(tongue.hear(data.subarray(1, half)), false);
  tongue.close();
  const isNamed = Buffer.from(data).toString("latin1").includes(name.slice(0, 3));
  believe(tongue.hear(data.subarray(half)), isNamed);
  claim(obstacleOf(status) === null || readinessOf(status) !== "yes", "what is in the way is no readiness");
}

function judge(data: Uint8Array): void {
  const events = readBoth(data, () => {
    const reader = new StatusReader();
    reader.expect({ kind: "real-time", n: 1 });
    reader.expect({ kind: "status", n: 49 });
    reader.expect({ kind: "id", n: 66 });
    return reader;
  });
  claim(events.length <= Math.max(0, data.length - 1), "no more events than bytes");
  const messages = readBoth(data, () => new PjlReader());
  claim(
    JSON.stringify(messages).length <= 2 + 8 * data.length + 256 * messages.length,
    "no more than was said",
  );
  const [whole, pieces] = [new LineMarks(), new LineMarks()];
  const clean = whole.take(data.slice(1));
  const cut = Buffer.concat([...cutUp(data)].map((piece) => Buffer.from(pieces.take(piece))));
  claim(cut.equals(clean), "marks are found however they are cut");
  claimSame(whole.errors, pieces.errors, "and counted");
}

export const target: FuzzTarget = {
  about: "printers' back-channels: ESC/POS status, PJL, device ids, serial marks",
  maxBytes: 1024,
  words: [
    "@PJL ",
    "USTATUS JOB\r\n",
    "INFO STATUS\r\n",
    "CODE=",
    "DISPLAY=",
    "\r\n\f",
    "MFG:",
    "CMD:",
    "\x37\x22",
    FENCE_ID,
    "\x37\x25",
    "\xff\x00",
    "PAGES=1",
    `NAME="${JOB_NAME}"`,
  ],
  seeds: () => [
    choose(0, bytesOf('\x07@PJL INFO STATUS\r\nCODE=10001\r\nDISPLAY="READY"\r\nONLINE=TRUE\r\n\f')),
    choose(0, bytesOf(`\x03@PJL USTATUS JOB\r\nEND\r\nNAME="${JOB_NAME}"\r\nPAGES=2\r\n\f`)),
    choose(0, Buffer.from("051216121214000000113722 5a71375f00ff00".replace(" ", ""), "hex")),
    choose(1, bytesOf("\x00\x30MFG:EPSON;MDL:TM-T88V;CMD:ESC/POS;CLS:PRINTER;SN:123;")),
    choose(1, bytesOf("MANUFACTURER:HP;COMMAND SET:PJL,PCL,POSTSCRIPT;MODEL:LaserJet 5200;")),
  ],
  run(data) {
    const rest = data.subarray(1);
    if (((data[0] ?? 0) & 1) === 1) {
      const id = parseDeviceId(rest);
      claim((id?.fields.size ?? 0) <= 64, "fields are counted");
      claim(
        (id?.commandSets ?? []).every((name) => name === name.trim() && name !== ""),
        "command sets",
      );
      return;
    }
    judge(rest);
    converse(speakEscpos(FENCE_ID), rest, FENCE_ID);
    converse(speakPjl(JOB_NAME), rest, JOB_NAME);
  },
};
