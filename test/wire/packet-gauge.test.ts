import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CONNECT_BYTES_MAX,
  FROM_BROKER,
  FROM_CLIENT,
  PACKET_BYTES_MAX,
  PacketGauge,
} from "../../wire/packet-gauge.ts";

/** A packet with this first byte whose fixed header announces `length`, followed by that many bytes. */
function packet(type: number, length: number, body = length): Buffer {
  const head = [type];
  for (let left = length; ; ) {
    const byte = left % 128;
    left = Math.floor(left / 128);
    head.push(left > 0 ? byte | 0x80 : byte);
    if (left === 0) break;
  }
  return Buffer.concat([Buffer.from(head), Buffer.alloc(body, 0xff)]);
}

const CONNECT = 0x10;
const CONNACK = 0x20;
const PUBLISH = 0x30;
const PUBLISH_QOS_1 = 0x32;
const PUBLISH_QOS_2 = 0x34;

describe.each([
  ["a client", FROM_CLIENT, CONNECT, 60],
  ["a broker", FROM_BROKER, CONNACK, 2],
] as const)("the stream of %s", (_, source, first, firstLength) => {
  const opening = packet(first, firstLength);

  test("passes up to the limit, however it is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 40 }),
        (lengths, cuts) => {
          const stream = Buffer.concat([opening, ...lengths.map((length) => packet(PUBLISH_QOS_1, length))]);
          const gauge = new PacketGauge(source);
          for (let at = 0, i = 0; at < stream.length; i++) {
            const size = cuts[i % cuts.length]!;
            expect(gauge.push(stream.subarray(at, at + size))).toBeNull();
            at += size;
          }
        },
      ),
    );
  });

  test.each([
    ["another first packet", [packet(PUBLISH, 10)], "no-connect"],
    ["a longer first packet than any", [packet(first, source.firstBytesMax + 1, 0)], "too-long"],
    ["200 MB announced", [opening, packet(PUBLISH, 200_000_000, 0)], "too-long"],
    ["one byte too many", [opening, packet(PUBLISH, PACKET_BYTES_MAX + 1, 0)], "too-long"],
    ["a length of five bytes", [opening, Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80])], "malformed-length"],
    ["both QoS bits", [opening, packet(0x36, 10)], "unasked-qos"],
  ])("finds %s before the body comes", (_, packets, fault) => {
    expect(new PacketGauge(source).push(Buffer.concat(packets))).toBe(fault);
  });

  test("takes the longest packets", () => {
    const gauge = new PacketGauge(source);
    expect(gauge.push(packet(first, source.firstBytesMax))).toBeNull();
    expect(gauge.push(packet(PUBLISH, PACKET_BYTES_MAX))).toBeNull();
  });
});

test("QoS 2 is a client's to try and a broker's never", () => {
  const [client, broker] = [new PacketGauge(FROM_CLIENT), new PacketGauge(FROM_BROKER)];
  expect(
    client.push(Buffer.concat([packet(CONNECT, CONNECT_BYTES_MAX), packet(PUBLISH_QOS_2, 9)])),
  ).toBeNull();
  expect(broker.push(Buffer.concat([packet(CONNACK, 2), packet(PUBLISH_QOS_2, 9)]))).toBe("unasked-qos");
});
