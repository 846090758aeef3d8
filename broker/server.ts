/** The listener: TCP, counted by the guard, then TLS 1.3, then MQTT. */
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from "node:tls";
import type { Guard } from "./guard.ts";
import type { Authority } from "./registry-port.ts";

export interface ListenerOptions {
  readonly host: string | undefined;
  readonly port: number;
  readonly authority: Authority;
  readonly guard: Guard;
  /** Takes over a connection whose TLS stands. */
  readonly onConnection: (socket: TLSSocket) => void;
  readonly handshakeMs: number;
}

export interface Listener {
  readonly port: number;
  /** Cuts every connection that is left and stops listening. */
  close(): Promise<void>;
}

/** Rejects with what `listen` meets (`EADDRINUSE`, `EACCES`). */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { authority, guard } = options;
  const tls = createTls(options);
  const stopWatching = authority.onChange(() => tls.setSecureContext(readContext(authority)));
  const open = new Set<Socket>();
  const tcp = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    if (!guard.admit(socket)) return;
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    tls.emit("connection", socket);
  });
  const port = await bind(tcp, options);
  return {
    port,
    close: async () => {
      stopWatching();
      const closed = new Promise<void>((resolve) => tcp.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

function createTls({ authority, guard, onConnection, handshakeMs }: ListenerOptions): TlsServer {
  const tls = createTlsServer({
    ...readContext(authority),
    minVersion: "TLSv1.3",
    // Agents show a certificate, senders none; login.ts judges whichever came.
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: handshakeMs,
  });
  tls.on("tlsClientError", (_error, socket) => socket.destroy());
  tls.on("secureConnection", (socket) => {
    guard.watch(socket);
    onConnection(socket);
  });
  return tls;
}

function readContext(authority: Authority): { key: string; cert: string; ca: string } {
  return { ...authority.serverTls(), ca: authority.agentCaPem };
}

function bind(tcp: Server, { host, port }: ListenerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    tcp.once("error", reject);
    tcp.listen({ host, port }, () => {
      tcp.removeListener("error", reject);
      // What comes later (no file descriptors left) is one connection's misfortune.
      tcp.on("error", () => {});
      const address = tcp.address();
      resolve(typeof address === "object" && address ? address.port : port);
    });
  });
}
