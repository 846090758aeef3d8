/**
 * The gate before MQTT: how many connections there are, from where, how long a stranger may take and how much it may
 * say. aedes has no such bounds (200 MB before authentication are buffered), so nothing reaches it unmeasured.
 */
import { isIPv6, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { FROM_CLIENT, type PacketFault, PacketGauge } from "../wire/packet-gauge.ts";

export interface GuardLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly strangersPerAddress: number;
  /** From the first TCP byte to a login that was accepted. */
  readonly loginMs: number;
}

/** All that may come before a login is accepted; MQTT lets a client send on without waiting for CONNACK. */
const STRANGER_BYTES_MAX = 16 * 1024;

export type GuardFault =
  | PacketFault
  | "too-many-connections"
  | "too-many-from-address"
  | "too-many-strangers"
  | "login-late"
  | "login-bytes";

interface Visitor {
  readonly socket: Socket;
  readonly address: string;
  readonly timer: NodeJS.Timeout;
  stranger: boolean;
}

/** Counts connections and cuts those that go too far. `onFault` is told of each; it must not throw. */
export class Guard {
  readonly #limits: GuardLimits;
  readonly #onFault: (fault: GuardFault, address: string) => void;
  /** By the peer's address and port: the TLS socket over a TCP socket has the same. */
  readonly #visitors = new Map<string, Visitor>();
  #strangers = 0;
  readonly #perAddress = new Map<string, { all: number; strangers: number }>();

  constructor(limits: GuardLimits, onFault: (fault: GuardFault, address: string) => void) {
    this.#limits = limits;
    this.#onFault = onFault;
  }

  get connections(): number {
    return this.#visitors.size;
  }

  /** For each TCP connection, before TLS. False: it was cut. */
  admit(socket: Socket): boolean {
    const address = foldAddress(socket.remoteAddress ?? "");
    const counts = this.#perAddress.get(address) ?? { all: 0, strangers: 0 };
    const fault = this.#judge(counts);
    if (fault) {
      socket.destroy();
      this.#onFault(fault, address);
      return false;
    }
    counts.all++;
    counts.strangers++;
    this.#strangers++;
    this.#perAddress.set(address, counts);
    const key = peerKey(socket);
    const timer = setTimeout(() => this.#cut(key, "login-late"), this.#limits.loginMs);
    this.#visitors.set(key, { socket, address, timer, stranger: true });
    socket.once("close", () => this.#forget(key));
    return true;
  }

  /** Measures all that is read from `secure` before its reader sees it; a fault cuts the connection. */
  watch(secure: TLSSocket): void {
    const key = peerKey(secure);
    const gauge = new PacketGauge(FROM_CLIENT);
    let strangerBytes = 0;
    // aedes pulls with `read`; to measure there costs no copy and no second stream.
    const read = secure.read.bind(secure);
    secure.read = (size?: number) => {
      const chunk: Buffer | null = read(size);
      if (chunk === null) return null;
      strangerBytes += chunk.length;
      const tooMuch = strangerBytes > STRANGER_BYTES_MAX && this.#visitors.get(key)?.stranger === true;
      const fault = tooMuch ? "login-bytes" : gauge.push(chunk);
      if (fault === null) return chunk;
      this.#cut(key, fault);
      secure.destroy();
      return null;
    };
  }

  /** Its login was accepted: it is a stranger no more. */
  welcome(secure: TLSSocket): void {
    const visitor = this.#visitors.get(peerKey(secure));
    if (!visitor?.stranger) return;
    clearTimeout(visitor.timer);
    visitor.stranger = false;
    this.#strangers--;
    const counts = this.#perAddress.get(visitor.address);
    if (counts) counts.strangers--;
  }

  #judge(counts: { readonly all: number; readonly strangers: number }): GuardFault | null {
    const { connections, connectionsPerAddress, strangersPerAddress } = this.#limits;
    if (this.#visitors.size >= connections) return "too-many-connections";
    // A flood of strangers leaves most places to those who can log in.
    if (this.#strangers >= Math.ceil(connections / 4)) return "too-many-strangers";
    if (counts.all >= connectionsPerAddress) return "too-many-from-address";
    return counts.strangers >= strangersPerAddress ? "too-many-strangers" : null;
  }

  #cut(key: string, fault: GuardFault): void {
    const visitor = this.#visitors.get(key);
    visitor?.socket.destroy();
    this.#onFault(fault, visitor?.address ?? "");
  }

  #forget(key: string): void {
    const visitor = this.#visitors.get(key);
    if (!visitor) return;
    clearTimeout(visitor.timer);
    this.#visitors.delete(key);
    if (visitor.stranger) this.#strangers--;
    const counts = this.#perAddress.get(visitor.address);
    if (!counts) return;
    counts.all--;
    if (visitor.stranger) counts.strangers--;
    if (counts.all === 0) this.#perAddress.delete(visitor.address);
  }
}

function peerKey({ remoteAddress, remotePort }: Socket | TLSSocket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Who counts as one: an IPv4 address, or the 64 bits of IPv6 that a household is given. */
export function foldAddress(address: string): string {
  const mapped = /^::ffff:([0-9.]+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  if (!isIPv6(address)) return address;
  const [front = "", back] = address.split("%")[0]?.split("::") ?? [];
  const head = front === "" ? [] : front.split(":");
  const tail = back ? back.split(":") : [];
  const zeros = back === undefined ? 0 : Math.max(0, 8 - head.length - tail.length);
  const groups = [...head, ...Array<string>(zeros).fill("0"), ...tail].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}
