/** A receipt printer on the network that confirms what it printed: `printed` is true of nothing else here. */
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { EscposPrinter } from "../agent/escpos-printer.ts";
import type { Piece } from "./paper.ts";

/** The head of its answer to `GS ( H`. */
const CONFIRMATION = Buffer.of(0x37, 0x22);
/** Printable ones among the questions, resets and cuts of a connection that brings no document. */
const AROUND_BYTES = 100;

interface Connection {
  readonly bytes: Buffer[];
  isConfirmed: boolean;
}

export class TcpPrinter {
  readonly #name: string;
  readonly #server: Server;
  #connections: Connection[] = [];

  private constructor(name: string) {
    this.#name = name;
    this.#server = createServer((socket) => {
      const connection: Connection = { bytes: [], isConfirmed: false };
      const model = new EscposPrinter();
      this.#connections.push(connection);
      model.open((bytes) => {
        if (Buffer.from(bytes).indexOf(CONFIRMATION) === 0) connection.isConfirmed = true;
        if (socket.writable) socket.write(bytes);
      });
      socket.on("data", (bytes) => {
        connection.bytes.push(bytes);
        model.take(bytes);
      });
      socket.on("error", () => {});
    });
  }

  static async open(name: string): Promise<TcpPrinter> {
    const printer = new TcpPrinter(name);
    printer.#server.listen(0, "127.0.0.1");
    await once(printer.#server, "listening");
    return printer;
  }

  get uri(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the printer is not on the network");
    return `tcp:127.0.0.1:${address.port}`;
  }

  /** One piece per connection. */
  get pieces(): Piece[] {
    return this.#connections.map(({ bytes, isConfirmed }) => ({
      printer: this.#name,
      bytes: Buffer.concat(bytes),
      isConfirmed,
      aroundBytes: AROUND_BYTES,
    }));
  }

  /** Takes the paper away. */
  clear(): void {
    this.#connections = [];
  }

  close(): void {
    this.#server.close();
  }
}
