import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readSeenSerial } from "../../client/profile.ts";
import { fetchRecipients } from "../../client/recipients.ts";
import { openSession, type Session } from "../../client/session.ts";
import { generateFleetKey } from "../../wire/minisign.ts";
import { recipientsTopic, signatureTopic } from "../../wire/topic.ts";
import { NOW, openPeer, type Peer } from "./peer.ts";

let peer: Peer;
let session: Session;

beforeEach(async () => {
  peer = await openPeer();
  session = await openSession(peer.profile);
});
afterEach(async () => {
  await session.close();
  await peer.close();
});

function fetch(target = "lobby", answerMs = 8_000, doubtMs = 20) {
  return session.run((connection) =>
    fetchRecipients(connection, peer.profile, peer.dir, target, { answerMs, doubtMs, now: () => NOW }),
  );
}

function publishRetained(topic: string, payload: string): Promise<void> {
  const packet = { cmd: "publish", topic, payload, qos: 1, retain: true, dup: false } as const;
  return new Promise((resolve) => peer.aedes.publish(packet, () => resolve()));
}

describe("a recipients list", () => {
  it("signed by the fleet key is taken, and its serial noted", async () => {
    await peer.offer({ serial: 4 });
    const list = await fetch();
    expect(list).toEqual({
      target: "lobby",
      serial: 4,
      expires: NOW + 3600,
      otp: 8,
      languages: ["pdf"],
      recipients: [peer.recipient],
    });
    expect(await readSeenSerial(peer.dir, "lobby")).toBe(4);
    expect((await fetch()).serial).toBe(4);
  });

  it("is there for each of several who ask at once, and for who asks while the others leave", async () => {
    await peer.offer({ serial: 4 });
    const lists = await Promise.all([fetch(), fetch(), fetch()]);
    expect(lists.map(({ serial }) => serial)).toEqual([4, 4, 4]);
    expect((await fetch()).serial).toBe(4);
  });

  it("that a busy broker lets wait is asked for again", async () => {
    await peer.offer({ serial: 4 });
    const { persistence } = peer.aedes as unknown as { persistence: { createRetainedStreamCombi: unknown } };
    const honest = persistence.createRetainedStreamCombi;
    const busy = (_: readonly string[]) => {
      persistence.createRetainedStreamCombi = honest;
      return Readable.from([]);
    };
    persistence.createRetainedStreamCombi = busy;
    expect((await fetch("lobby", 300)).serial).toBe(4);
  });

  it("older than one seen before is refused", async () => {
    await peer.offer({ serial: 4 });
    await fetch();
    await peer.offer({ serial: 3 });
    await expect(fetch()).rejects.toMatchObject({ code: "list-older", details: { serial: 3, seen: 4 } });
  });

  it("signed by another key is refused", async () => {
    await peer.offer({}, generateFleetKey());
    await expect(fetch()).rejects.toMatchObject({ code: "list-unsigned" });
    expect(await readSeenSerial(peer.dir, "lobby")).toBe(0);
  });

  it("signed by another key that claims the fleet key's id is refused", async () => {
    await peer.offer({}, { ...generateFleetKey(), id: peer.fleet.id });
    await expect(fetch()).rejects.toMatchObject({ code: "list-unsigned" });
  });

  it("changed after it was signed is refused", async () => {
    await peer.offer();
    await publishRetained(recipientsTopic("lobby"), `# platen recipients of lobby\n${peer.recipient}\n`);
    await expect(fetch()).rejects.toMatchObject({ code: "list-unsigned" });
  });

  it("that is being renewed is waited for until list and signature fit", async () => {
    await peer.offer({}, generateFleetKey());
    const fetching = fetch("lobby", 8_000, 8_000);
    await peer.offer({ serial: 9 });
    expect((await fetching).serial).toBe(9);
  });

  it.each([
    ["expired", { expires: NOW }, "list-expired"],
    ["of another target", { target: "attic" }, "list-wrong-target"],
  ])("%s is refused", async (_, terms, code) => {
    await peer.offer(terms);
    await expect(fetch()).rejects.toMatchObject({ code });
  });

  it("without a signature, or of no target, does not exist", async () => {
    await peer.offer();
    await publishRetained(signatureTopic("lobby"), "");
    await expect(fetch("lobby", 100)).rejects.toMatchObject({ code: "list-missing" });
    await expect(fetch("attic", 100)).rejects.toMatchObject({ code: "list-missing" });
  });

  it("that the broker does not let us see does not exist", async () => {
    peer.aedes.authorizeSubscribe = (_client, subscription, done) =>
      done(null, subscription.topic.startsWith("platen/v1/recipients/attic") ? null : subscription);
    await expect(fetch("attic")).rejects.toMatchObject({ code: "list-missing" });
    await peer.offer();
    expect((await fetch()).target).toBe("lobby");
  });
});
