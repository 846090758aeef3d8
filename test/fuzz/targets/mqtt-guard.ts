/** The gate before MQTT: whatever comes, however it is cut, nothing announced over the limits goes on. */
import type { ConnectPacket } from "aedes";
import { foldAddress } from "../../../broker/guard.ts";
import { readLogin, sessionId } from "../../../broker/guard-connect.ts";
import { isName } from "../../../wire/name.ts";
import {
  FROM_BROKER,
  FROM_CLIENT,
  PACKET_BYTES_MAX,
  PacketGauge,
  type Source,
} from "../../../wire/packet-gauge.ts";
import { bytesOf, choose, claim, claimSame, cutUp, type FuzzTarget } from "../target.ts";

/** What was let through before a fault: so many bytes, and the fault. */
function measure(source: Source, data: Uint8Array): { passed: number; fault: string | null } {
  const gauge = new PacketGauge(source);
  for (let at = 0; at < data.length; at++) {
    const fault = gauge.push(data.subarray(at, at + 1));
    if (fault !== null) return { passed: at, fault };
  }
  return { passed: data.length, fault: null };
}

/** MQTT 3.1.1, 2.2.3, read with everything at hand: the packets that begin among the first `passed` bytes. */
function listPackets(data: Uint8Array, passed: number): { type: number; length: number }[] {
  const packets: { type: number; length: number }[] = [];
  for (let at = 0; at < passed; ) {
    const type = (data[at] ?? 0) >> 4;
    let [length, digits] = [0, 0];
    for (let more = true; more; digits++) {
      const byte = data[at + 1 + digits];
      if (byte === undefined || at + 1 + digits >= passed) return packets;
      length += (byte & 0x7f) * 128 ** digits;
      more = (byte & 0x80) !== 0;
    }
    packets.push({ type, length });
    at += 1 + digits + length;
  }
  return packets;
}

function judgeStream(source: Source, data: Uint8Array): void {
  const whole = data.slice(1);
  const { passed, fault } = measure(source, whole);
  claimSame(new PacketGauge(source).push(whole), fault, "one piece, the same fault");
  const gauge = new PacketGauge(source);
  let cut: string | null = null;
  for (const piece of cutUp(data)) cut ??= gauge.push(piece);
  claimSame(cut, fault, "cuts change nothing");
  for (const [at, { type, length }] of listPackets(whole, passed).entries()) {
    claim(length <= PACKET_BYTES_MAX, "nothing over the limit passes");
    if (at > 0) continue;
    claim(type === source.first, "the first packet is the one that must be");
    claim(length <= source.firstBytesMax, "nor a first packet over its own");
  }
}

/** As aedes would hand it on. */
function judgeLogin(data: Uint8Array): void {
  const words = Buffer.from(data).toString("utf8").split("\n");
  const [clientId = "", username, password, agent] = words;
  const packet = {
    clientId,
    username,
    password: password && Buffer.from(password),
  } as unknown as ConnectPacket;
  const login = readLogin(packet, agent ?? null);
  if (typeof login === "string") return;
  if (login.kind !== "first-contact") claim(isName(login.name), `a name: ${login.name}`);
  claim((login.kind === "agent") === (agent !== undefined), "an agent is who has a certificate");
  claim(/^(agent|user|claim|invite)\/[^/]*/.test(sessionId(login, clientId, () => "x")), "a session's id");
}

export const target: FuzzTarget = {
  about: "the MQTT guard: packets' lengths, logins, addresses",
  maxBytes: 4096,
  words: [
    "\x10\x20\x00\x04MQTT\x04\x02",
    "\x30",
    "\x82\x10",
    "\xff\xff\xff\x7f",
    "$claim",
    "claim-",
    "::ffff:",
    "%",
  ],
  seeds: () => {
    const connect = Buffer.from("101000044d5154540402003c0004616c6963", "hex");
    const publish = Buffer.from("320d0003612f620001736f6d657468", "hex");
    const long = Buffer.concat([Buffer.from("328302", "hex"), Buffer.alloc(259, 0x31)]);
    return [
      choose(0, choose(60, Buffer.concat([connect, long, long, publish]))),
      choose(0, choose(60, Buffer.concat([connect, long, Buffer.from("360a", "hex")]))),
      choose(0, choose(5, Buffer.concat([connect, publish, Buffer.from("c000e000", "hex")]))),
      choose(1, choose(9, Buffer.from("200200003002000061", "hex"))),
      choose(2, bytesOf("laptop\nalice\nsecret")),
      choose(2, bytesOf("claim-0123456789abcdef\n$claim\nsecret")),
      choose(2, bytesOf("lobby\n\n\nlobby")),
      choose(3, bytesOf("::ffff:192.0.2.7")),
      choose(3, bytesOf("2001:db8::1%eth0")),
    ];
  },
  run(data) {
    const rest = data.subarray(1);
    const choice = (data[0] ?? 0) & 3;
    if (choice === 0) judgeStream(FROM_CLIENT, rest);
    else if (choice === 1) judgeStream(FROM_BROKER, rest);
    else if (choice === 2) judgeLogin(rest);
    else
      claim(foldAddress(Buffer.from(rest).toString("latin1")).length <= rest.length + 64, "an address folds");
  },
};
