/**
 * Reads MQTT's fixed headers (MQTT 3.1.1, 2.2) out of a byte stream, however it is cut, and says when a packet
 * announces more than is allowed: before its body is taken in. Neither aedes nor MQTT.js has such bounds.
 */

/** A PUBLISH with the longest topic and payload of the contract stays below this. */
export const PACKET_BYTES_MAX = 128 * 1024;
/** CONNECT with the longest names, password and will of the contract. */
export const CONNECT_BYTES_MAX = 2048;
/** MQTT 3.1.1, 3.2.1. */
const CONNACK_BYTES = 2;
const PUBLISH = 3;

export type PacketFault = "no-connect" | "too-long" | "malformed-length" | "unasked-qos";

/** Who writes the stream that is measured, and what may come from there. */
export interface Source {
  /** The type of the first packet (MQTT-3.1.0-1, MQTT-3.2.0-1), and how much it may announce. */
  readonly first: number;
  readonly firstBytesMax: number;
  readonly qosMax: 1 | 2;
}

export const FROM_CLIENT: Source = { first: 1, firstBytesMax: CONNECT_BYTES_MAX, qosMax: 2 };
/**
 * Nothing here subscribes at QoS 2. Of a broker that sends it all the same, MQTT.js would keep every message until a
 * PUBREL that need not come.
 */
export const FROM_BROKER: Source = { first: 2, firstBytesMax: CONNACK_BYTES, qosMax: 1 };

/** One per connection. Holds no bytes, only where in the stream it is. */
export class PacketGauge {
  readonly #source: Source;
  #place: "type" | "length" | "body" = "type";
  #left = 0;
  #shift = 0;
  #first = true;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Null while the stream is well; after a fault the connection must be cut. */
  push(chunk: Uint8Array): PacketFault | null {
    for (let at = 0; at < chunk.length; ) {
      if (this.#place === "body") {
        const taken = Math.min(this.#left, chunk.length - at);
        at += taken;
        this.#left -= taken;
        if (this.#left === 0) this.#place = "type";
        continue;
      }
      const byte = chunk[at++] as number;
      const fault = this.#place === "type" ? this.#startPacket(byte) : this.#takeLength(byte);
      if (fault) return fault;
    }
    return null;
  }

  #startPacket(byte: number): PacketFault | null {
    const type = byte >> 4;
    if (this.#first && type !== this.#source.first) return "no-connect";
    if (type === PUBLISH && ((byte >> 1) & 3) > this.#source.qosMax) return "unasked-qos";
    this.#place = "length";
    this.#left = 0;
    this.#shift = 0;
    return null;
  }

  #takeLength(byte: number): PacketFault | null {
    this.#left += (byte & 0x7f) * 2 ** this.#shift;
    this.#shift += 7;
    if (this.#left > (this.#first ? this.#source.firstBytesMax : PACKET_BYTES_MAX)) return "too-long";
    if ((byte & 0x80) === 0) {
      this.#first = false;
      this.#place = this.#left === 0 ? "type" : "body";
      return null;
    }
    return this.#shift === 28 ? "malformed-length" : null;
  }
}
