/**
 * A network that lies, between two programs of ours: a TCP relay that resets, closes one way only, falls silent, crawls
 * and tears bytes apart. TLS goes through it untouched.
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

export type Way = "up" | "down";

/** How bytes move while nothing worse happens. */
export type Manner =
  | { readonly kind: "honest" }
  /** In pieces of random sizes up to `most` bytes, each in a turn of its own. */
  | { readonly kind: "torn"; readonly most: number }
  | { readonly kind: "slow"; readonly bytesPerSecond: number };

/** What happens to the connections of now once so many bytes more went through one way. */
export interface Doom {
  readonly way: Way;
  readonly afterBytes: number;
  /** `reset`: both ends at once. `half`: this way is closed in good order, the other goes on. `mute`: silence for ever. */
  readonly kind: "reset" | "half" | "mute";
}

const HONEST: Manner = { kind: "honest" };
const SLOW_TICK_MS = 20;

export class Liar {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #draw: () => number;
  readonly #host: string;
  #next: Doom | null = null;
  #manner = HONEST;
  #isAway = false;
  #isStalled = false;

  private constructor(port: number, draw: () => number, host: string) {
    this.#draw = draw;
    this.#host = host;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => this.#join(client, port));
  }

  /**
   * To `localhost:port`.
   * @param draw 0 up to 1, for the sizes of torn pieces
   * @param host where it listens
   */
  static async open(port: number, draw: () => number, host = "localhost"): Promise<Liar> {
    const liar = new Liar(port, draw, host);
    liar.#server.listen(0, host);
    await once(liar.#server, "listening");
    return liar;
  }

  /** What the program that dials is given for the broker's. */
  get address(): string {
    const address = this.#server.address();
    return `${this.#host}:${typeof address === "object" && address ? address.port : 0}`;
  }

  /** Connections there are now. */
  get size(): number {
    return this.#pairs.size;
  }

  /** As if the router had been switched off and on. */
  cut(): void {
    for (const pair of this.#pairs) pair.reset();
  }

  /** The first of the connections of now to carry that many bytes; with none, the next that comes. */
  doom(doom: Doom): void {
    const [pair] = [...this.#pairs].toReversed();
    if (pair) pair.doom(doom);
    else this.#next = doom;
  }

  /** Nothing moves either way, for connections of now and to come, and nobody is told. */
  stall(): void {
    this.#isStalled = true;
    for (const pair of this.#pairs) pair.stall();
  }

  resume(): void {
    this.#isStalled = false;
    for (const pair of this.#pairs) pair.resume();
  }

  /** Whoever dials is refused, and whoever is here is cut off. */
  setAway(isAway: boolean): void {
    this.#isAway = isAway;
    if (isAway) this.cut();
  }

  setManner(manner: Manner): void {
    this.#manner = manner;
    for (const pair of this.#pairs) pair.manner = manner;
  }

  /** Honest again; what fell silent is cut, as a network that comes back would. */
  heal(): void {
    this.setManner(HONEST);
    this.#next = null;
    this.setAway(false);
    this.resume();
    for (const pair of this.#pairs) if (pair.isMaimed) pair.reset();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.cut();
    await closed;
  }

  #join(client: Socket, port: number): void {
    if (this.#isAway) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port, host: "localhost", noDelay: true, allowHalfOpen: true });
    const pair = new Pair(client, server, this.#draw);
    pair.manner = this.#manner;
    if (this.#isStalled) pair.stall();
    if (this.#next) pair.doom(this.#next);
    this.#next = null;
    this.#pairs.add(pair);
    void pair.over.then(() => this.#pairs.delete(pair));
  }
}

/** One connection through the liar. */
class Pair {
  readonly over: Promise<void>;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #lanes: Readonly<Record<Way, Lane>>;

  constructor(client: Socket, server: Socket, draw: () => number) {
    this.#client = client;
    this.#server = server;
    const up = new Lane(client, server, draw, () => this.reset());
    const down = new Lane(server, client, draw, () => this.reset());
    this.#lanes = { up, down };
    const { promise, resolve } = Promise.withResolvers<void>();
    this.over = promise;
    let closed = 0;
    for (const socket of [client, server]) {
      // A reset at one end is a reset at the other; an end in good order was passed on as one.
      socket.on("error", () => this.reset());
      socket.once("close", () => {
        if (++closed === 2) resolve();
        else if (!up.isEnded || !down.isEnded) this.reset();
      });
    }
  }

  /** Silent or closed in one way, so that it will never be well again. */
  get isMaimed(): boolean {
    return this.#lanes.up.isMaimed || this.#lanes.down.isMaimed;
  }

  set manner(manner: Manner) {
    this.#lanes.up.manner = manner;
    this.#lanes.down.manner = manner;
  }

  doom({ way, ...doom }: Doom): void {
    this.#lanes[way].doom = doom;
  }

  stall(): void {
    this.#lanes.up.stall();
    this.#lanes.down.stall();
  }

  resume(): void {
    this.#lanes.up.resume();
    this.#lanes.down.resume();
  }

  reset(): void {
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }
}

/** One way of a connection. */
class Lane {
  readonly #to: Socket;
  readonly #draw: () => number;
  readonly #reset: () => void;
  #gate: PromiseWithResolvers<void> | null = null;
  manner: Manner = HONEST;
  doom: Omit<Doom, "way"> | null = null;
  isEnded = false;
  isMaimed = false;

  constructor(from: Socket, to: Socket, draw: () => number, reset: () => void) {
    this.#to = to;
    this.#draw = draw;
    this.#reset = reset;
    void this.#run(from);
  }

  stall(): void {
    this.#gate ??= Promise.withResolvers<void>();
  }

  resume(): void {
    this.#gate?.resolve();
    this.#gate = null;
  }

  async #run(from: Socket): Promise<void> {
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false })) {
        for (const piece of this.#tear(chunk as Buffer)) await this.#carry(piece);
        if (this.isMaimed && this.isEnded) return;
      }
      await this.#gate?.promise;
      this.#end();
    } catch {
      // A reset; the pair sees to the other end.
    }
  }

  #end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.#to.end();
  }

  *#tear(chunk: Buffer): Generator<Buffer> {
    for (let at = 0; at < chunk.length; ) {
      const { manner } = this;
      const most = manner.kind === "torn" ? 1 + Math.floor(this.#draw() * manner.most) : chunk.length;
      const size = manner.kind === "slow" ? Math.ceil((manner.bytesPerSecond * SLOW_TICK_MS) / 1000) : most;
      yield chunk.subarray(at, at + size);
      at += size;
    }
  }

  async #carry(piece: Buffer): Promise<void> {
    if (this.manner.kind === "slow") await new Promise((tick) => setTimeout(tick, SLOW_TICK_MS));
    if (this.manner.kind === "torn") await new Promise((turn) => setImmediate(turn));
    while (this.#gate) await this.#gate.promise;
    if (this.isEnded || this.#to.destroyed) return;
    const { doom } = this;
    if (doom && doom.afterBytes < piece.length) {
      await this.#write(piece.subarray(0, doom.afterBytes));
      await this.#meet(doom);
      return;
    }
    if (doom) this.doom = { ...doom, afterBytes: doom.afterBytes - piece.length };
    await this.#write(piece);
  }

  async #meet({ kind }: Omit<Doom, "way">): Promise<void> {
    this.doom = null;
    if (kind === "reset") this.#reset();
    this.isMaimed = true;
    if (kind === "half") this.#end();
    // Until the pair is reset: nothing more is read, so the sender's window closes.
    if (kind === "mute") await new Promise(() => {});
  }

  async #write(piece: Buffer): Promise<void> {
    if (piece.length === 0 || this.#to.write(piece)) return;
    await new Promise<void>((resolve) => {
      this.#to.once("drain", resolve);
      this.#to.once("close", resolve);
    });
  }
}
