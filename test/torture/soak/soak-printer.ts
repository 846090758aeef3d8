/** A network printer of the soak: takes documents, answers in its language, and fails as printers do. */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { EscposPrinter } from "../../agent/escpos-printer.ts";
import type { PrinterModel } from "../../agent/fake-device.ts";
import { PjlPrinter } from "../../agent/pjl-printer.ts";
import { Catcher, type Caught } from "./catcher.ts";

export type PrinterKind = "raw" | "escpos" | "pjl";

const FENCE = Buffer.from([0x37, 0x22]);

export class SoakPrinter {
  readonly name: string;
  readonly kind: PrinterKind;
  readonly #onCaught: (caught: Caught) => void;
  readonly #model: EscposPrinter | PjlPrinter | null;
  readonly #sockets = new Set<Socket>();
  #server: Server;
  #port = 0;
  #isStalled = false;
  /** Of the copies to come, the next breaks off after so many bytes. */
  unplugAfter: number | null = null;

  private constructor(name: string, kind: PrinterKind, onCaught: (caught: Caught) => void) {
    this.name = name;
    this.kind = kind;
    this.#onCaught = onCaught;
    this.#model = kind === "escpos" ? new EscposPrinter() : kind === "pjl" ? new PjlPrinter() : null;
    this.#server = this.#makeServer();
  }

  static async open(
    name: string,
    kind: PrinterKind,
    onCaught: (caught: Caught) => void,
  ): Promise<SoakPrinter> {
    const printer = new SoakPrinter(name, kind, onCaught);
    await printer.return();
    return printer;
  }

  get uri(): string {
    return `tcp:127.0.0.1:${this.#port}`;
  }

  /** Switched off: whoever uses it loses it, and nobody reaches it. */
  async leave(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  /** On again, at the same place. */
  async return(): Promise<void> {
    if (this.#server.listening) return;
    this.#server = this.#makeServer();
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as { port: number }).port;
  }

  stall(): void {
    this.#isStalled = true;
    for (const socket of this.#sockets) socket.pause();
  }

  resume(): void {
    this.#isStalled = false;
    if (this.#model?.isFull) return;
    for (const socket of this.#sockets) socket.resume();
  }

  /** False where it cannot tell. */
  runOut(): boolean {
    if (this.#model instanceof EscposPrinter) this.#model.runOut();
    else if (this.#model instanceof PjlPrinter) this.#model.openCover(true);
    else return false;
    return true;
  }

  refill(): void {
    if (this.#model instanceof EscposPrinter) this.#model.refill();
    if (this.#model instanceof PjlPrinter) this.#model.openCover(false);
    this.resume();
  }

  /** Says wrong things, or nothing, until {@link tellTruth}. */
  lie(how: number): boolean {
    const troubles = ["wrong", "no", "stale"] as const;
    if (this.#model instanceof EscposPrinter) this.#model.trouble.fence = troubles[how % 3] ?? "no";
    else if (this.#model instanceof PjlPrinter) {
      this.#model.trouble.end = (["wrong-name", "no", "none-printed"] as const)[how % 3] ?? "no";
    } else return false;
    return true;
  }

  tellTruth(): void {
    if (this.#model instanceof EscposPrinter) this.#model.trouble.fence = "yes";
    if (this.#model instanceof PjlPrinter) this.#model.trouble.end = "yes";
  }

  async close(): Promise<void> {
    await this.leave();
  }

  #makeServer(): Server {
    return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#serve(socket));
  }

  #serve(socket: Socket): void {
    const catcher = new Catcher(this.name, this.kind === "raw" ? "binary" : "text");
    const cutAt = this.unplugAfter ?? Number.POSITIVE_INFINITY;
    this.#sockets.add(socket);
    this.#model?.open((bytes) => {
      if (this.#isConfirmation(Buffer.from(bytes))) catcher.confirmed = true;
      if (socket.writable) socket.write(bytes);
    });
    let taken = 0;
    socket.on("data", (bytes: Buffer) => {
      taken += bytes.length;
      if (taken > cutAt) {
        this.unplugAfter = null;
        socket.resetAndDestroy();
        return;
      }
      catcher.take(bytes);
      if (this.#model) this.#feed(this.#model, bytes);
      if (this.#isStalled || this.#model?.isFull) socket.pause();
    });
    socket.on("end", () => socket.end());
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      const caught = catcher.end();
      if (caught) this.#onCaught(caught);
    });
    if (this.#isStalled) socket.pause();
  }

  #feed(model: PrinterModel, bytes: Buffer): void {
    model.take(bytes);
    // What it printed is looked at byte for byte by the catcher; here it would only pile up.
    if (model instanceof EscposPrinter) model.done.length = 0;
    if (model instanceof PjlPrinter) model.pages.length = 0;
  }

  #isConfirmation(said: Buffer): boolean {
    if (this.#model instanceof EscposPrinter) {
      return (this.#model.trouble.fence ?? "yes") === "yes" && said.indexOf(FENCE) === 0;
    }
    if (!(this.#model instanceof PjlPrinter) || (this.#model.trouble.end ?? "yes") !== "yes") return false;
    return said.includes("USTATUS JOB") && said.includes("END");
  }
}
