/** Asks a running broker through the `admin.sock` of its data directory. What the command line uses. */
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import { PlatenError } from "../wire/error.ts";
import { ERRORS, type ErrorCode } from "../wire/errors.table.ts";
import { parseJson } from "../wire/json.ts";
import type { AdminArgs, AdminOp, AdminResults } from "./admin-schema.ts";
import { ADMIN_LINE_BYTES_MAX, ADMIN_SOCKET } from "./admin-socket.ts";

const TIMEOUT_MS = 30_000;

const answerSchema = z.union([
  z.object({ ok: z.literal(true), result: z.unknown() }),
  z.object({
    ok: z.literal(false),
    code: z.string(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  }),
]);

/**
 * Carries out one operation of admin-schema.ts in the broker that runs with `dataDir`.
 * @throws PlatenError `admin-unreachable` when none runs there, `timeout`, and whatever the operation is refused with
 */
export async function callAdmin<O extends AdminOp>(
  dataDir: string,
  op: O,
  args: AdminArgs<O>,
): Promise<AdminResults[O]> {
  const answer = parseJson(await exchange(dataDir, { op, args }), 8 * ADMIN_LINE_BYTES_MAX, answerSchema);
  if (!answer) throw new PlatenError("internal", { what: "the broker's administration answer" });
  if (answer.ok) return answer.result as AdminResults[O];
  const code = Object.hasOwn(ERRORS, answer.code) ? (answer.code as ErrorCode) : "internal";
  throw new PlatenError(code, code === "internal" ? { what: answer.code } : answer.details);
}

async function exchange(dataDir: string, request: unknown): Promise<Uint8Array> {
  const socket = createConnection(join(dataDir, ADMIN_SOCKET));
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  const late = () => socket.destroy(new PlatenError("timeout", lateDetails()));
  deadline.addEventListener("abort", late);
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    return await readLine(socket);
  } catch (cause) {
    throw cause instanceof PlatenError
      ? cause
      : new PlatenError("admin-unreachable", { dir: dataDir }, cause);
  } finally {
    deadline.removeEventListener("abort", late);
    socket.destroy();
  }
}

async function readLine(socket: Socket): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    const at = chunk.indexOf(0x0a);
    chunks.push(at === -1 ? chunk : chunk.subarray(0, at));
    if (at !== -1) return Buffer.concat(chunks);
  }
  throw new Error("the broker hung up");
}

function lateDetails() {
  return {
    who: "the broker",
    seconds: TIMEOUT_MS / 1000,
    meaning: "It may have done it all the same; look with the matching list command.",
  };
}
