/**
 * A broker for the client's tests: real aedes behind real TLS, and the smallest intake that answers as
 * docs/protocol.md says. What goes wrong is scripted per test. The real broker meets the client in test/e2e.
 */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type TLSSocket } from "node:tls";
import { Aedes, type AedesPublishPacket, type Client } from "aedes";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import type { Profile } from "../../client/profile.ts";
import { HeaderReader, openHeader } from "../../wire/age-header.ts";
import { derivePayloadKey, PAYLOAD_NONCE_BYTES, PayloadOpener } from "../../wire/age-payload.ts";
import { encodeBase64Url } from "../../wire/base64.ts";
import { nodeCipher } from "../../wire/cipher-node.ts";
import type { FirstContact } from "../../wire/code.ts";
import { type Manifest, ManifestReader } from "../../wire/manifest.ts";
import { type FleetKey, formatPublicKey, generateFleetKey } from "../../wire/minisign.ts";
import { formatList, type ListTerms, signList } from "../../wire/recipients.ts";
import type { JobStatus } from "../../wire/status.ts";
import { enrolTopic, parseTopic, recipientsTopic, signatureTopic, statusTopic } from "../../wire/topic.ts";
import { createCa, issueServer, type TestCa } from "../wire/certificates.ts";

export const NOW = Math.floor(Date.now() / 1000);

export interface Received {
  readonly user: string;
  readonly job: string;
  readonly target: string;
  readonly parts: Map<number, Uint8Array>;
  end: { parts: number; bytes: number; expires?: number } | null;
  cancelled: boolean;
  /** How often each part came. */
  readonly counts: Map<number, number>;
  ends: number;
}

/** What a test wants to go wrong. Each is asked for every message. */
interface Script {
  /** `drop`: acknowledged and forgotten; `cut`: the connection dies before the acknowledgement. */
  onPart?(job: Received, n: number): "keep" | "drop" | "cut";
  /** The status to answer `end` or `only` with instead of the honest one; null for silence. */
  onEnd?(job: Received): Partial<JobStatus> | null | undefined;
  /** The answer to a first contact; null for none: the connection is cut after the request was taken. */
  onEnrol?(request: unknown): unknown;
  /** Held back acknowledgements: settles when this part may be acknowledged. */
  beforeAck?(job: Received, n: number): Promise<void>;
}

export interface Peer {
  readonly port: number;
  readonly ca: TestCa;
  readonly fleet: FleetKey;
  readonly identity: string;
  readonly recipient: string;
  readonly profile: Profile;
  readonly dir: string;
  readonly jobs: Map<string, Received>;
  readonly aedes: Aedes;
  script: Script;
  /** An invite to this broker; its secret is taken as `$invite`'s password. */
  readonly invite: FirstContact;
  offer(terms?: Partial<ListTerms>, by?: FleetKey): Promise<void>;
  status(job: string, status: Partial<JobStatus> | null): Promise<void>;
  cutAll(): void;
  close(): Promise<void>;
}

const PASSWORD = "p".repeat(43);

export async function openPeer(): Promise<Peer> {
  const ca = await createCa();
  const certificate = await issueServer(ca, { ip: ["127.0.0.1"] });
  const fleet = generateFleetKey();
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const aedes = await Aedes.createBroker({ concurrency: 0 });
  const sockets = new Set<TLSSocket>();
  const server = createServer(certificate, (socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
    aedes.handle(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const dir = await mkdtemp(join(tmpdir(), "platen-test-"));

  aedes.authenticate = (_client, user, password, done) => {
    const secret = password?.toString() ?? "";
    const invited = user === "$invite" && secret === encodeBase64Url(peer.invite.secret);
    const good = invited || (user === "alice" && secret === PASSWORD);
    done(good ? null : Object.assign(new Error("refused"), { returnCode: 5 }), good);
  };
  const publish = (topic: string, payload: string) =>
    new Promise<void>((resolve) => {
      const packet = {
        cmd: "publish",
        topic,
        payload,
        qos: 1,
        retain: true,
        dup: false,
      } as AedesPublishPacket;
      aedes.publish(packet, () => resolve());
    });

  const peer: Peer = {
    port,
    ca,
    fleet,
    identity,
    recipient,
    dir,
    aedes,
    invite: {
      kind: "invite",
      address: `127.0.0.1:${port}`,
      caFingerprint: createHash("sha256").update(ca.der).digest(),
      fleet,
      id: randomBytes(8).toString("hex"),
      secret: randomBytes(16),
    },
    jobs: new Map(),
    script: {},
    profile: {
      address: `127.0.0.1:${port}`,
      user: "alice",
      password: PASSWORD,
      ca: ca.pem,
      fleet: formatPublicKey(fleet),
    },
    async offer(terms = {}, by = fleet) {
      const list = formatList("lobby", [{ printer: "lobby", recipient }]);
      const full = { target: "lobby", serial: 1, expires: NOW + 3600, otp: 8, languages: ["pdf"], ...terms };
      await publish(recipientsTopic("lobby"), list);
      await publish(signatureTopic("lobby"), signList(by, list, full));
    },
    async status(job, status) {
      const topic = statusTopic({ user: "alice", job });
      await publish(topic, status ? JSON.stringify({ state: "held", reason: null, at: NOW, ...status }) : "");
    },
    cutAll: () => {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      await new Promise((resolve) => server.close(resolve));
      await rm(dir, { recursive: true, force: true });
    },
  };
  aedes.authorizePublish = (client, packet, done) => {
    intake(peer, client, packet).then(
      () => done(null),
      () => {},
    );
  };
  return peer;
}

class Cut extends Error {}

async function intake(
  peer: Peer,
  client: Client | null,
  packet: { topic: string; payload: string | Buffer },
): Promise<void> {
  const topic = parseTopic(packet.topic);
  if (topic?.room === "enrol") return enrol(peer, client, topic.code, packet.payload);
  if (topic?.room !== "send") return;
  const { user, job: id, target, leaf } = topic;
  const job = peer.jobs.get(id) ?? {
    user,
    job: id,
    target,
    parts: new Map(),
    counts: new Map(),
    end: null,
    cancelled: false,
    ends: 0,
  };
  peer.jobs.set(id, job);
  const payload = Uint8Array.from(packet.payload as Buffer);
  if (leaf.kind === "cancel") {
    job.cancelled = true;
    await peer.status(id, { state: "cancelled", reason: "by-sender", target });
    return;
  }
  if (leaf.kind === "part") {
    job.counts.set(leaf.n, (job.counts.get(leaf.n) ?? 0) + 1);
    const verdict = peer.script.onPart?.(job, leaf.n) ?? "keep";
    if (verdict === "cut") {
      client?.conn.destroy();
      throw new Cut();
    }
    await peer.script.beforeAck?.(job, leaf.n);
    if (verdict === "keep") job.parts.set(leaf.n, payload);
  } else if (leaf.kind === "only") {
    job.parts.set(0, payload);
    job.end = { parts: 1, bytes: payload.length };
    job.ends++;
  } else {
    job.end = JSON.parse(Buffer.from(payload).toString());
    job.ends++;
  }
  await answer(peer, job, leaf.kind !== "part");
}

async function enrol(peer: Peer, client: Client | null, code: string, request: string | Buffer) {
  const reply = peer.script.onEnrol?.(JSON.parse(request.toString())) ?? null;
  if (reply === null) {
    client?.conn.destroy();
    throw new Cut();
  }
  const topic = enrolTopic(code, "reply");
  const payload = JSON.stringify(reply);
  const packet = { cmd: "publish", topic, payload, qos: 1, retain: false, dup: false } as AedesPublishPacket;
  await new Promise<void>((resolve) => peer.aedes.publish(packet, () => resolve()));
}

async function answer(peer: Peer, job: Received, isEnd: boolean): Promise<void> {
  if (!job.end) return;
  if (isEnd) {
    const scripted = peer.script.onEnd?.(job);
    if (scripted === null) return;
    if (scripted) return peer.status(job.job, { target: job.target, ...scripted });
  }
  const missing: [number, number][] = [];
  for (let n = 0; n < job.end.parts; n++) {
    const last = missing.at(-1);
    if (job.parts.has(n)) continue;
    if (last?.[1] === n - 1) last[1] = n;
    else missing.push([n, n]);
  }
  const { target } = job;
  if (missing.length === 0) await peer.status(job.job, { state: "stored", target });
  else if (isEnd) await peer.status(job.job, { state: "receiving", target, missing });
}

/** Opens what was received, as an agent would. */
export async function unseal(peer: Peer, job: Received): Promise<{ manifest: Manifest; document: Buffer }> {
  const bytes = Buffer.concat(Array.from({ length: job.parts.size }, (_, n) => job.parts.get(n)!));
  const head = new HeaderReader().push(bytes)!;
  const fileKey = await openHeader(head.header, peer.identity);
  const nonce = head.rest.subarray(0, PAYLOAD_NONCE_BYTES);
  const opener = new PayloadOpener(nodeCipher, derivePayloadKey(fileKey, nonce));
  const reader = new ManifestReader();
  const document: Uint8Array[] = [];
  for (const plain of opener.push(head.rest.subarray(PAYLOAD_NONCE_BYTES))) {
    document.push(Uint8Array.from(reader.push(plain)));
  }
  document.push(reader.push(opener.end()));
  const result = reader.end();
  if (!result.ok) throw new Error(result.why);
  return { manifest: result.manifest, document: Buffer.concat(document) };
}
