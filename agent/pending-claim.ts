/**
 * The claim request while its answer is outstanding. It holds the boot share, which must never touch the card: what is
 * deleted on flash can be found again. So it waits in the machine's shared memory, survives a crash of the program,
 * and is gone with the power; then a new claim code is needed.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { z } from "zod";
import { claimRequestSchema, ENROL_BYTES_MAX } from "../wire/enrol.ts";
import { encodeJson, parseJson } from "../wire/json.ts";

type ClaimRequest = z.infer<typeof claimRequestSchema>;

const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

function pendingPath(codeId: string): string {
  // Everyone may write there: the file is ours only if we made it, so name, owner and mode are all checked.
  const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  return join(memory, `platen-claim-${process.getuid?.() ?? 0}-${codeId}`);
}

/** Null when there is none, or when what lies there is not ours. */
export function readPendingClaim(codeId: string): ClaimRequest | null {
  let fd: number;
  try {
    fd = openSync(pendingPath(codeId), O_RDWR | O_NOFOLLOW);
  } catch {
    return null;
  }
  try {
    const { uid, mode, size } = fstatSync(fd);
    const ours = uid === process.getuid?.() && (mode & 0o777) === 0o600 && size <= ENROL_BYTES_MAX;
    return ours ? parseJson(readFileSync(fd), ENROL_BYTES_MAX, claimRequestSchema) : null;
  } finally {
    closeSync(fd);
  }
}

export function writePendingClaim(codeId: string, request: ClaimRequest): void {
  dropPendingClaim(codeId);
  const fd = openSync(pendingPath(codeId), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    writeSync(fd, encodeJson(request));
  } finally {
    closeSync(fd);
  }
}

/** Overwrites and removes it. */
export function dropPendingClaim(codeId: string): void {
  const path = pendingPath(codeId);
  if (readPendingClaim(codeId)) {
    const fd = openSync(path, O_RDWR | O_NOFOLLOW);
    try {
      writeSync(fd, new Uint8Array(fstatSync(fd).size), 0, null, 0);
      ftruncateSync(fd);
    } finally {
      closeSync(fd);
    }
  }
  rmSync(path, { force: true });
}
