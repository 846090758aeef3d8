/**
 * The way in for administrators: a Unix socket in the data directory that only its owner can open. One JSON object per
 * line, `{op, args}`, answered by one line, `{ok: true, result}` or `{ok: false, code, details}`.
 */
import { chmodSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import { PlatenError } from "../wire/error.ts";
import { parseJson } from "../wire/json.ts";
import { type AdminHandlers, runAdminOp } from "./admin-ops.ts";
import { ADMIN_LINE_BYTES_MAX, ADMIN_SOCKET, SOCKET_PATH_BYTES_MAX } from "./admin-socket.ts";

const CONNECTIONS_MAX = 16;
const IDLE_MS = 60_000;
const NEWLINE = 0x0a;

const requestSchema = z.object({ op: z.string().max(64), args: z.unknown() });

/**
 * Listens on `admin.sock`. A socket left behind by a crash is replaced; a live one is not.
 * @throws PlatenError `config-invalid` when the path is too long, `already-there` when a broker runs there
 */
export async function openAdmin(dataDir: string, handlers: AdminHandlers): Promise<AdminServer> {
  const path = join(dataDir, ADMIN_SOCKET);
  const bytes = Buffer.byteLength(path);
  if (bytes > SOCKET_PATH_BYTES_MAX) {
    const what = `the path of ${ADMIN_SOCKET} has ${bytes} bytes and the system allows ${SOCKET_PATH_BYTES_MAX}; choose a shorter dataDir.`;
    throw new PlatenError("config-invalid", { file: dataDir, what });
  }
  await refuseSecond(dataDir);
  rmSync(path, { force: true });
  const server = new AdminServer(path, handlers);
  await server.listen();
  return server;
}

/**
 * Two brokers must never work on one data directory; whoever answers on its socket was first.
 * @throws PlatenError `already-there`
 */
export async function refuseSecond(dataDir: string): Promise<void> {
  if (!(await isAnswered(join(dataDir, ADMIN_SOCKET)))) return;
  const hint = "Stop it first, or choose another data directory.";
  throw new PlatenError("already-there", { what: `A running broker in ${dataDir}`, hint });
}

/** Use {@link openAdmin}. Its owner closes it. */
export class AdminServer {
  readonly #path: string;
  readonly #handlers: AdminHandlers;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(path: string, handlers: AdminHandlers) {
    this.#path = path;
    this.#handlers = handlers;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  async listen(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject);
    this.#server.listen(this.#path, resolve);
    await promise;
    // The data directory is 0700, so nobody could come in before this either.
    chmodSync(this.#path, 0o600);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    rmSync(this.#path, { force: true });
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.once("close", () => this.#sockets.delete(socket));
    this.#converse(socket)
      // Whoever asked hung up in the middle; there is nobody to tell.
      .catch(() => {})
      .finally(() => socket.destroy());
  }

  /** One request after another; while one is carried out, nothing more is read. */
  async #converse(socket: Socket): Promise<void> {
    let held: Buffer[] = [];
    let heldBytes = 0;
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      let rest = chunk;
      for (let at = rest.indexOf(NEWLINE); at !== -1; at = rest.indexOf(NEWLINE)) {
        await say(socket, await this.#answer(Buffer.concat([...held, rest.subarray(0, at)])));
        held = [];
        heldBytes = 0;
        rest = rest.subarray(at + 1);
      }
      held.push(rest);
      heldBytes += rest.length;
      if (heldBytes > ADMIN_LINE_BYTES_MAX) return say(socket, refuse(malformed()));
    }
  }

  async #answer(line: Buffer): Promise<unknown> {
    try {
      const request = parseJson(line, ADMIN_LINE_BYTES_MAX, requestSchema);
      if (!request) throw malformed();
      return { ok: true, result: await runAdminOp(this.#handlers, request.op, request.args) };
    } catch (error) {
      return refuse(error);
    }
  }
}

function say(socket: Socket, answer: unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(`${JSON.stringify(answer)}\n`, (error) => (error ? reject(error) : resolve()));
  });
}

function malformed(): PlatenError {
  return new PlatenError("usage", {
    what: "An administration request is one line of JSON of at most 1 MiB.",
  });
}

function refuse(error: unknown): unknown {
  const known =
    error instanceof PlatenError ? error : new PlatenError("internal", { what: "administration" }, error);
  return { ok: false, code: known.code, details: known.details };
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
