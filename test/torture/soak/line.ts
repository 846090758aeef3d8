/** A network cable between programs: a TCP relay that can be cut, stalled, and taken away for a while. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

export class Line {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isAway = false;
  #isStalled = false;

  private constructor(port: number) {
    this.#server = createServer({ noDelay: true }, (down) => this.#join(down, port));
  }

  /** To `localhost:port`. */
  static async open(port: number): Promise<Line> {
    const line = new Line(port);
    line.#server.listen(0, "localhost");
    await once(line.#server, "listening");
    return line;
  }

  get address(): string {
    return `localhost:${(this.#server.address() as { port: number }).port}`;
  }

  /** Connections of now end, as if the router had been switched off and on; `share` of them, by lot. */
  cut(share: () => boolean = () => true): void {
    for (const socket of this.#sockets) if (share()) socket.destroy();
  }

  /** Nothing moves, and nobody is told. */
  stall(): void {
    this.#isStalled = true;
    for (const socket of this.#sockets) socket.pause();
  }

  resume(): void {
    this.#isStalled = false;
    for (const socket of this.#sockets) socket.resume();
  }

  setAway(isAway: boolean): void {
    this.#isAway = isAway;
    if (isAway) this.cut();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((closed) => this.#server.close(closed));
  }

  #join(down: Socket, port: number): void {
    if (this.#isAway) {
      down.destroy();
      return;
    }
    const up = connect({ port, host: "localhost", noDelay: true });
    for (const [from, to] of [
      [down, up],
      [up, down],
    ] as const) {
      this.#sockets.add(from);
      from.on("data", (bytes) => {
        if (to.write(bytes)) return;
        from.pause();
        to.once("drain", () => {
          if (!this.#isStalled) from.resume();
        });
      });
      if (this.#isStalled) from.pause();
      from.on("end", () => to.end());
      from.on("error", () => {});
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
