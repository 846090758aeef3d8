/**
 * The broker's view of everything: a machine in its place that has its certificate and every agent's, opens what comes
 * in, writes down both directions and passes them on. Before it stands a wire that records what a packet capture would.
 */
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { connect, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { readEnrolmentFile } from "../../../agent/enrolment.ts";

export interface TapPlace {
  /** Where the broker listens, and its data directory. */
  readonly port: number;
  readonly brokerDir: string;
  /** An agent's data directory. */
  readonly agentDir: (agent: string) => string;
  /** Gets two folders: `relayed` and `capture`. */
  readonly folder: string;
}

export class Tap {
  readonly #servers: readonly Server[];
  readonly #sockets: Set<Socket>;
  /** Where agents and senders dial. */
  readonly port: number;

  private constructor(servers: readonly Server[], sockets: Set<Socket>, port: number) {
    this.#servers = servers;
    this.#sockets = sockets;
    this.port = port;
  }

  static async open(place: TapPlace): Promise<Tap> {
    const sockets = new Set<Socket>();
    const keep = <S extends Socket>(socket: S): S => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => sockets.delete(socket));
      return socket;
    };
    const opener = await listen(openTls(place, keep));
    const record = openRecord(join(place.folder, "capture"));
    const wire = createServer((near) => {
      const far = keep(dial(portOf(opener), "localhost"));
      splice(keep(near), far, record());
    });
    await listen(wire);
    return new Tap([wire, opener], sockets, portOf(wire));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((closed) => server.close(closed))));
  }
}

/** Opens a connection as the broker would, and goes on to the broker as whoever it was. */
function openTls(place: TapPlace, keep: <S extends Socket>(socket: S) => S): Server {
  const read = (name: string) => readFileSync(join(place.brokerDir, "ca", name), "utf8");
  const ca = read("ca.pem");
  const record = openRecord(join(place.folder, "relayed"));
  const options = {
    // Key and chain lie in one file.
    cert: read("server.pem"),
    key: read("server.pem"),
    ca,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: "TLSv1.3",
  } as const;
  return createTlsServer(options, (near) => {
    const far = connect({
      host: "localhost",
      servername: "localhost",
      port: place.port,
      ca,
      ...identify(near, place),
    });
    splice(keep(near), keep(far), record());
  });
}

function identify(near: TLSSocket, { agentDir }: TapPlace): { cert: string; key: string } | null {
  const agent = near.getPeerCertificate().subject?.CN;
  if (agent === undefined) return null;
  const dir = agentDir(String(agent));
  const text = (file: "certificate" | "key") => Buffer.from(readEnrolmentFile(dir, file) ?? "").toString();
  return { cert: text("certificate"), key: text("key") };
}

type Write = (direction: "up" | "down", bytes: Uint8Array) => void;

/** A pair of files for each connection. */
function openRecord(folder: string): () => Write {
  mkdirSync(folder, { recursive: true });
  let connections = 0;
  return () => {
    const number = connections++;
    return (direction, bytes) => appendFileSync(join(folder, `${number}.${direction}`), bytes);
  };
}

/** Joins two sockets, writing down what passes; the end of one is the end of the other. */
function splice(near: Socket, far: Socket, write: Write): void {
  near.on("data", (bytes) => write("up", bytes));
  far.on("data", (bytes) => write("down", bytes));
  near.pipe(far);
  far.pipe(near);
  near.once("close", () => far.destroy());
  far.once("close", () => near.destroy());
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function listen(server: Server): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "localhost", () => resolve(server));
  });
}
