/** What the operating system's error codes mean for a printer, in words a technician can act on. */
import type { Reason } from "../wire/reason.ts";
import { DeviceError } from "./device.ts";

type Row = readonly [code: DeviceError["code"], reason: Reason, sentence: string];

/** While opening: nothing was sent, the document waits on. */
const OPENING: Readonly<Record<string, Row>> = {
  ENOENT: [
    "device-unusable",
    "offline",
    "there is no such device or path. Is the printer on and plugged in?",
  ],
  ENODEV: ["device-unusable", "offline", "no device answers there. Is the printer on and plugged in?"],
  ENXIO: ["device-unusable", "offline", "no device answers there. Is the printer on and plugged in?"],
  EIO: ["device-unusable", "offline", "the device does not answer. Switch the printer off and on."],
  ENOTDIR: [
    "device-unusable",
    "device",
    "a part of this path is not a directory. Correct the printer's URI.",
  ],
  EACCES: [
    "device-unusable",
    "device",
    "access is denied. Give the agent's user the device's group or the folder.",
  ],
  EPERM: [
    "device-unusable",
    "device",
    "access is denied. Give the agent's user the device's group or the folder.",
  ],
  EBUSY: [
    "device-unusable",
    "device",
    "another program holds it. Stop that program (often CUPS) or remove its queue.",
  ],
  ELOOP: ["device-unusable", "device", "it is a symbolic link, which is never followed. Name the real file."],
  EROFS: ["device-unusable", "device", "the file system is read-only. Choose another folder."],
  ENOSPC: ["device-unusable", "device", "the disk is full. Make room, then enter the OTP again."],
  ECONNREFUSED: [
    "device-unusable",
    "offline",
    "nothing listens there. Is the printer on, and is the port right?",
  ],
  EHOSTUNREACH: [
    "device-unusable",
    "offline",
    "the printer's address cannot be reached. Look at its network cable.",
  ],
  ENETUNREACH: [
    "device-unusable",
    "offline",
    "the printer's network cannot be reached. Look at this machine's network.",
  ],
  ETIMEDOUT: ["device-unusable", "offline", "the printer did not answer. Is it on and on the network?"],
  ENOTFOUND: [
    "device-unusable",
    "offline",
    "nobody knows this host name. Correct it, or use the printer's address.",
  ],
  EAI_AGAIN: [
    "device-unusable",
    "offline",
    "the name server does not answer. Use the printer's address instead.",
  ],
};

const VANISHED = "the printer vanished. Look at its cable and power; part of the document may be on paper.";

/** During a transfer: part of the document may be out. */
const MOVING: Readonly<Record<string, Row>> = {
  ENODEV: ["device-gone", "cable", VANISHED],
  ENXIO: ["device-gone", "cable", VANISHED],
  ESHUTDOWN: ["device-gone", "cable", VANISHED],
  EBADF: ["device-gone", "cable", VANISHED],
  EPIPE: ["device-gone", "cable", VANISHED],
  ECONNRESET: ["device-gone", "cable", VANISHED],
  EHOSTUNREACH: ["device-gone", "cable", VANISHED],
  ENETDOWN: ["device-gone", "cable", VANISHED],
  ETIMEDOUT: ["device-gone", "cable", VANISHED],
  ENOSPC: [
    "device-failed",
    "device",
    "the disk is full; the output is incomplete. Make room, then enter the OTP again.",
  ],
  EDQUOT: [
    "device-failed",
    "device",
    "the quota is full; the output is incomplete. Make room, then enter the OTP again.",
  ],
  EFBIG: [
    "device-failed",
    "device",
    "the file grew too large; the output is incomplete. Use another folder.",
  ],
};

/** The error of an opening. `EIO` and the like say where, never what was to be printed. */
export function faultOfOpening(uri: string, cause: unknown): DeviceError {
  return describe(OPENING, "device-unusable", uri, cause);
}

/** The error of a write, read or sync on an open device. */
export function faultOfMoving(uri: string, cause: unknown): DeviceError {
  return describe(MOVING, "device-failed", uri, cause);
}

/** The device went away without an error code: a hang-up, an unlinked file, a closed connection. */
export function faultOfVanishing(uri: string, what: string = VANISHED): DeviceError {
  return new DeviceError("device-gone", "cable", `${uri}: ${what}`);
}

function describe(
  table: Readonly<Record<string, Row>>,
  fallback: DeviceError["code"],
  uri: string,
  cause: unknown,
): DeviceError {
  if (cause instanceof DeviceError) return cause;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const row = Object.hasOwn(table, code) ? table[code] : undefined;
  if (row !== undefined) return new DeviceError(row[0], row[1], `${uri}: ${row[2]}`, { cause });
  const detail = code === "" ? String(cause) : code;
  return new DeviceError(fallback, "device", `${uri}: the device failed (${detail}). Switch it off and on.`, {
    cause,
  });
}
