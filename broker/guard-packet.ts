/**
 * Reads MQTT's fixed headers (MQTT 3.1.1, 2.2) out of a byte stream, however it is cut, and says when a packet
 * announces more than is allowed: before its body is taken in.
 */

/** A PUBLISH with the longest topic and payload of the contract stays below this. */
export const PACKET_BYTES_MAX = 128 * 1024;
/** CONNECT with the longest names, password and will of the contract. */
export const CONNECT_BYTES_MAX = 2048;
const CONNECT = 1;

export type PacketFault = "no-connect" | "too-long" | "malformed-length";

/** One per connection. Holds no bytes, only where in the stream it is. */
export class PacketGauge {
  #place: "type" | "length" | "body" = "type";
  #left = 0;
  #shift = 0;
  #first = true;

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
    // MQTT-3.1.0-1: the first packet is CONNECT.
    if (this.#first && byte >> 4 !== CONNECT) return "no-connect";
    this.#place = "length";
    this.#left = 0;
    this.#shift = 0;
    return null;
  }

  #takeLength(byte: number): PacketFault | null {
    this.#left += (byte & 0x7f) * 2 ** this.#shift;
    this.#shift += 7;
    if (this.#left > (this.#first ? CONNECT_BYTES_MAX : PACKET_BYTES_MAX)) return "too-long";
    if ((byte & 0x80) === 0) {
      this.#first = false;
      this.#place = this.#left === 0 ? "type" : "body";
      return null;
    }
    return this.#shift === 28 ? "malformed-length" : null;
  }
}
