/**
 * A printer outside our program, at the end of a TCP connection or of a pseudo-terminal: it understands what it takes,
 * prints, answers, and lies as it is told to. What it did is its own to say: `received`, `model`, `echoes`.
 */
import { once } from "node:events";
import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import type { PrinterModel } from "../../agent/fake-device.ts";
import { openTerminal, type Terminal } from "../../agent/pty.ts";

/** What it does beside what its model does. Each is its own to switch off. */
export interface Habits {
  /** Takes so many bytes at a time, each sip in a turn of its own. */
  sipBytes: number | null;
  /** Takes nothing. */
  isDeaf: boolean;
  /** Breaks off once it took so many bytes more. */
  breakAfter: { readonly bytes: number; readonly how: "reset" | "end" } | null;
  /** Says this every so many milliseconds, 0: as fast as it is heard. */
  babble: { readonly everyMs: number; readonly speech: () => Buffer } | null;
  /** What it says instead of what its model says, and when. */
  twist: ((said: Buffer, say: (bytes: Buffer) => void) => void) | null;
}

const HONEST: Habits = { sipBytes: null, isDeaf: false, breakAfter: null, babble: null, twist: null };

interface Wire {
  readonly from: Readable;
  readonly to: Writable;
  breakOff(how: "reset" | "end"): void;
}

export class LyingPrinter<M extends PrinterModel> {
  readonly model: M;
  habits: Habits = { ...HONEST };
  readonly #place: string | null;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  /** What it said of its own or of its model's accord, and after how many bytes taken. */
  readonly said: { readonly text: string; readonly afterBytes: number }[] = [];
  #server: Server | null = null;
  #port = 0;
  #terminal: Terminal | null = null;
  #wire: Wire | null = null;
  #babbling: NodeJS.Timeout | null = null;

  private constructor(model: M, place: string | null) {
    this.model = model;
    this.#place = place;
  }

  /** @param place where its terminal's link is to lie; without, it listens for TCP */
  static async open<M extends PrinterModel>(model: M, place: string | null = null): Promise<LyingPrinter<M>> {
    const printer = new LyingPrinter(model, place);
    await printer.plugIn();
    return printer;
  }

  get uri(): string {
    if (this.#place !== null) return `serial:${this.#place}?baud=115200&flow=xonxoff`;
    return `tcp:127.0.0.1:${this.#port}?connect=1&drain=3`;
  }

  get isSerial(): boolean {
    return this.#place !== null;
  }

  /** All it took since the last {@link forget}. */
  get received(): Buffer {
    this.#received = [Buffer.concat(this.#received)];
    return this.#received[0] ?? Buffer.alloc(0);
  }

  forget(): void {
    this.#received = [];
    this.#receivedBytes = 0;
    this.said.length = 0;
  }

  async plugIn(): Promise<void> {
    if (this.#place === null) return await this.#listen();
    if (this.#terminal) return;
    rmSync(this.#place, { force: true });
    const terminal = await openTerminal(`,raw,echo=0,link=${this.#place}`);
    this.#terminal = terminal;
    this.#serve({ from: terminal.output, to: terminal.input, breakOff: () => void this.unplug() });
  }

  /** Switched off, or its cable pulled: nothing of what it had in its buffers is printed. */
  async unplug(): Promise<void> {
    this.#stopBabbling();
    const [terminal, server, wire] = [this.#terminal, this.#server, this.#wire];
    this.#terminal = null;
    this.#server = null;
    this.#wire = null;
    wire?.breakOff("reset");
    await terminal?.hangUp();
    if (!server) return;
    const closed = once(server, "close");
    server.close();
    await closed;
  }

  /** Says something out of turn. */
  say(bytes: Uint8Array): void {
    if (this.#wire?.to.writable) this.#wire.to.write(bytes);
  }

  /** Looks again whether it may take something. */
  wake(): void {
    if (this.#wire) this.#drink(this.#wire);
  }

  startBabbling(): void {
    const { babble } = this.habits;
    this.#stopBabbling();
    if (!babble || !this.#wire) return;
    const { to } = this.#wire;
    const speak = () => {
      // A flood goes as fast as it is taken, and no faster: it must not drown this program instead.
      if (to.writable && to.writableLength < 65_536) to.write(babble.speech());
    };
    this.#babbling = setInterval(speak, Math.max(1, babble.everyMs));
    speak();
  }

  beHonest(): void {
    this.habits = { ...HONEST };
    this.#stopBabbling();
    this.wake();
  }

  #stopBabbling(): void {
    if (this.#babbling) clearInterval(this.#babbling);
    this.#babbling = null;
  }

  async #listen(): Promise<void> {
    if (this.#server) return;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#connect(socket));
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address !== null && typeof address === "object") this.#port = address.port;
    this.#server = server;
  }

  #connect(socket: Socket): void {
    this.#serve({
      from: socket,
      to: socket,
      breakOff: (how) => {
        if (how === "reset") socket.resetAndDestroy();
        else socket.end();
      },
    });
    // Its end is the answer to ours, once everything was taken.
    socket.once("end", () => socket.end());
  }

  #serve(wire: Wire): void {
    this.#wire = wire;
    wire.from.on("error", () => {});
    wire.to.on("error", () => {});
    wire.from.on("readable", () => this.#drink(wire));
    this.model.open((bytes) => this.#speak(wire, Buffer.from(bytes)));
    this.startBabbling();
  }

  #speak(wire: Wire, bytes: Buffer): void {
    const say = (said: Buffer) => {
      if (!wire.to.writable) return;
      this.said.push({ text: said.toString("latin1"), afterBytes: this.#receivedBytes });
      wire.to.write(said);
    };
    if (this.habits.twist) this.habits.twist(bytes, say);
    else say(bytes);
  }

  #drink(wire: Wire): void {
    while (wire === this.#wire && !this.habits.isDeaf && !this.model.isFull) {
      const { sipBytes, breakAfter } = this.habits;
      const most = Math.min(sipBytes ?? 65_536, breakAfter?.bytes ?? 65_536);
      if (breakAfter?.bytes === 0) {
        this.habits.breakAfter = null;
        wire.breakOff(breakAfter.how);
        return;
      }
      const bytes: Buffer | null = wire.from.read(Math.min(most, wire.from.readableLength));
      if (bytes === null || bytes.length === 0) return;
      if (breakAfter) this.habits.breakAfter = { ...breakAfter, bytes: breakAfter.bytes - bytes.length };
      this.#received.push(bytes);
      this.#receivedBytes += bytes.length;
      this.model.take(bytes);
      if (sipBytes === null) continue;
      setImmediate(() => this.#drink(wire));
      return;
    }
  }

  async close(): Promise<void> {
    await this.unplug();
  }
}
