/**
 * What passes between the two halves of set-up. One half runs as root, touches the card and no network; the other is the
 * agent, which has the network and never touches the card. Each writes into its own folder and reads the other's.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { parseJson } from "../wire/json.ts";

const BYTES_MAX = 16 * 1024;

/** From the card to the agent: a claim code, or why there is none. */
const orderSchema = z.strictObject({
  v: z.literal(1),
  claim: z.string().max(2048).nullable(),
  problem: z.string().max(4096).nullable(),
});
export type SetupOrder = z.infer<typeof orderSchema>;

/** From the agent to the card. */
const reportSchema = z.strictObject({
  v: z.literal(1),
  /** The code was used: it may be erased. */
  enrolled: z.boolean(),
  problem: z.string().max(4096).nullable(),
});
export type SetupReport = z.infer<typeof reportSchema>;

const ORDER = "order.json";
const REPORT = "setup-report.json";

export function writeOrder(folder: string, order: SetupOrder): void {
  writeWhole(join(folder, ORDER), order);
}

/** Null: set-up has nothing to do at this start. */
export function readOrder(folder: string): SetupOrder | null {
  return readSmall(join(folder, ORDER), orderSchema);
}

export function dropOrder(folder: string): void {
  rmSync(join(folder, ORDER), { force: true });
}

export function writeReport(folder: string, report: SetupReport): void {
  writeWhole(join(folder, REPORT), report);
}

/** Null where there is none, or nothing that could be one: the other side is not trusted with more. */
export function readReport(folder: string): SetupReport | null {
  return readSmall(join(folder, REPORT), reportSchema);
}

/** For the group that both halves share. In memory: it lasts as long as the power does. */
function writeWhole(path: string, value: SetupOrder | SetupReport): void {
  const beside = `${path}.new`;
  rmSync(beside, { force: true });
  writeFileSync(beside, JSON.stringify(value), { flag: "wx", mode: 0o600 });
  chmodSync(beside, 0o640);
  renameSync(beside, path);
}

function readSmall<T>(path: string, schema: z.ZodType<T>): T | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > BYTES_MAX) return null;
    return parseJson(readFileSync(fd), BYTES_MAX, schema);
  } finally {
    closeSync(fd);
  }
}
