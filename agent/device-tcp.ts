/**
 * `tcp:host[:port]`: the raw socket of network printers (JetDirect, port 9100).
 *
 * The end of a job is the half-close; the printer answers with its own once it took everything, so `drain`
 * reads to that end. A printer that hangs up before it was told the end has not confirmed anything.
 */
import { connect, isIPv6, type Socket } from "node:net";
import { DeviceError, type DeviceStatus } from "./device.ts";
import { BackChannel } from "./device-back-channel.ts";
import { faultOfMoving, faultOfOpening, faultOfVanishing } from "./device-fault.ts";
import { Pending } from "./device-pending.ts";
import { STATUS_UNKNOWN, type Transport } from "./device-transport.ts";
import { type DeviceUri, readSeconds, refuseOtherOptions, unusableUri } from "./device-uri.ts";

const DEFAULT_PORT = 9100;
const KEEPALIVE_MS = 15_000;

export interface TcpAddress {
  readonly uri: string;
  readonly host: string;
  readonly port: number;
  readonly connectMs: number;
  /** From the half-close to the printer's; slow printers print a megabyte of buffer in between. */
  readonly drainMs: number;
}

export function parseTcpAddress(uri: DeviceUri): TcpAddress {
  refuseOtherOptions(uri, ["connect", "drain"]);
  const match = /^(?:\/\/)?(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(\d{1,5}))?\/?$/i.exec(uri.path);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? DEFAULT_PORT);
  if (host === undefined || (match?.[1] !== undefined && !isIPv6(host)) || port < 1 || port > 65_535) {
    throw unusableUri(
      uri.uri,
      "needs a host and may name a port, as in tcp:192.0.2.7:9100 or tcp:[2001:db8::7]",
    );
  }
  return {
    uri: uri.uri,
    host,
    port,
    connectMs: readSeconds(uri, "connect", 10),
    drainMs: readSeconds(uri, "drain", 300),
  };
}

export async function openTcp(address: TcpAddress, signal?: AbortSignal): Promise<Transport> {
  const { uri, host, port, connectMs } = address;
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  socket.setKeepAlive(true, KEEPALIVE_MS);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const giveUp = (): void => reject(signal?.reason);
  const deadline = setTimeout(() => {
    reject(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" }));
  }, connectMs);
  socket.once("connect", resolve).once("error", reject);
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    await promise;
    return new TcpTransport(address, socket);
  } catch (cause) {
    socket.on("error", () => undefined).destroy();
    throw faultOfOpening(uri, cause);
  } finally {
    clearTimeout(deadline);
    socket.off("connect", resolve).off("error", reject);
    signal?.removeEventListener("abort", giveUp);
  }
}

class TcpTransport implements Transport {
  readonly pieceBytes = 65_536;
  readonly keeps = false;
  readonly #address: TcpAddress;
  readonly #socket: Socket;
  readonly #pending = new Pending();
  readonly #backChannel = new BackChannel();
  /** Set once we half-closed: from then on the printer's end is the answer, not a hang-up. */
  #finished: (() => void) | null = null;

  constructor(address: TcpAddress, socket: Socket) {
    this.#address = address;
    this.#socket = socket;
    socket.on("data", (chunk) => this.#backChannel.push(chunk));
    socket.on("end", () => this.#ended());
    socket.on("error", (cause) => this.#pending.fail(faultOfMoving(address.uri, cause)));
    socket.on("close", () => {
      this.#backChannel.end();
      this.#pending.fail(faultOfVanishing(address.uri));
    });
  }

  write(piece: Uint8Array): Promise<void> {
    return this.#pending.run((done) => {
      this.#socket.write(piece, (cause) => {
        if (cause) this.#pending.fail(faultOfMoving(this.#address.uri, cause));
        else done();
      });
    });
  }

  async drain(): Promise<void> {
    const deadline = setTimeout(() => this.#pending.fail(this.#noAnswer()), this.#address.drainMs);
    try {
      await this.#pending.run((done) => {
        this.#finished = done;
        this.#socket.end();
      });
    } finally {
      clearTimeout(deadline);
    }
  }

  read(): AsyncIterable<Uint8Array> {
    return this.#backChannel;
  }

  async status(): Promise<DeviceStatus> {
    return STATUS_UNKNOWN;
  }

  cancel(): void {
    // A plain destroy would let the kernel go on sending what it buffered; a reset takes that back.
    if (this.#finished === null) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    this.#backChannel.end();
  }

  #ended(): void {
    this.#backChannel.end();
    if (this.#finished !== null) {
      this.#finished();
    } else {
      const what = "the printer closed the connection before the document ended. Part of it may be on paper.";
      this.#pending.fail(faultOfVanishing(this.#address.uri, what));
    }
  }

  #noAnswer(): DeviceError {
    const seconds = this.#address.drainMs / 1000;
    const message = `${this.#address.uri}: the printer did not confirm the end of the document within ${seconds} s. Look at its display; raise ?drain= if it is only slow.`;
    return new DeviceError("device-failed", "stalled", message);
  }
}
