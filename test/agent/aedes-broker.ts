/** A bare aedes behind real mutual TLS, with certificates made for the occasion: the other end of the agent's link. */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import * as x509 from "@peculiar/x509";
import { Aedes } from "aedes";
import { encodeJson } from "../../wire/json.ts";
import { agentTopic, parseTopic, partTopic } from "../../wire/topic.ts";
import { createCa, issueServer, type TestCa } from "../wire/certificates.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export async function issueAgent(
  ca: TestCa,
  csrPem: string,
  notAfter = Date.now() + 86_400_000,
  notBefore = Date.now() - 86_400_000,
) {
  const csr = new x509.Pkcs10CertificateRequest(csrPem);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: "03",
    subject: "CN=lobby-pi",
    issuer: ca.certificate.subject,
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
    signingAlgorithm: ALGORITHM,
    publicKey: await csr.publicKey.export(ALGORITHM, ["verify"], webcrypto as Crypto),
    signingKey: ca.keys.privateKey as CryptoKey,
    extensions: [new x509.ExtendedKeyUsageExtension(["1.3.6.1.5.5.7.3.2"])],
  });
  return certificate.toString("pem");
}

interface Call {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: what arrives is looked at field by field in the tests
  readonly body: any;
}

export interface TestBroker {
  readonly ca: TestCa;
  readonly address: string;
  /** Every call that came, oldest first. */
  readonly calls: Call[];
  readonly presence: string[];
  /** What is answered to a call: an object gets its rid; null is silence; bytes go out as they are. */
  answer: (call: Call) => object | Uint8Array | null;
  readonly sessions: Set<TLSSocket>;
  /** Resolves when `condition` holds; looked at after every packet. */
  until(condition: () => boolean): Promise<void>;
  ticket(agent: string, ticket: object): void;
  part(agent: string, ref: { user: string; job: string }, n: number, bytes: Uint8Array): void;
  reply(agent: string, payload: Uint8Array): void;
  cut(): void;
  close(): Promise<void>;
  /** Stops listening; `listen` begins again on the same port. */
  pause(): Promise<void>;
  listen(): Promise<void>;
}

export async function openTestBroker(): Promise<TestBroker> {
  const ca = await createCa();
  const server = await issueServer(ca, { dns: ["localhost"], ip: ["127.0.0.1"] });
  const aedes = await Aedes.createBroker({ concurrency: 0 });
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const watcher of [...watchers]) watcher();
  };
  const sessions = new Set<TLSSocket>();
  let port = 0;
  let tls: Server;
  const listen = () =>
    new Promise<void>((resolve) => {
      tls = createServer(
        { ...server, ca: ca.pem, requestCert: true, rejectUnauthorized: true, minVersion: "TLSv1.3" },
        (socket) => {
          sessions.add(socket);
          socket.on("error", () => undefined);
          socket.once("close", () => {
            sessions.delete(socket);
            changed();
          });
          aedes.handle(socket);
        },
      );
      tls.listen(port, "127.0.0.1", () => {
        port = (tls.address() as AddressInfo).port;
        resolve();
      });
    });
  await listen();
  const publish = (topic: string, payload: Uint8Array, qos: 0 | 1 = 1) =>
    aedes.publish(
      { cmd: "publish", topic, payload: Buffer.from(payload), qos, retain: false, dup: false },
      () => undefined,
    );
  const cut = () => {
    for (const socket of sessions) socket.destroy();
  };
  const pause = () =>
    new Promise<void>((resolve) => {
      tls.close(() => resolve());
      cut();
    });
  const broker: TestBroker = {
    ca,
    get address() {
      return `127.0.0.1:${port}`;
    },
    calls: [],
    presence: [],
    answer: () => null,
    sessions,
    until: (condition) =>
      new Promise((resolve) => {
        const look = () => {
          if (!condition()) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
    ticket: (agent, ticket) => publish(agentTopic(agent, "ticket"), encodeJson(ticket)),
    part: (agent, ref, n, bytes) => publish(partTopic(agent, ref, n), bytes, 0),
    reply: (agent, payload) => publish(agentTopic(agent, "reply"), payload),
    cut,
    pause,
    listen,
    close: async () => {
      await pause();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
    },
  };
  aedes.on("publish", (packet, client) => {
    const topic = parseTopic(packet.topic);
    if (topic?.room === "presence") broker.presence.push(JSON.parse(packet.payload.toString()).state);
    if (topic?.room === "call" && client) {
      const call = { name: topic.call, body: JSON.parse(packet.payload.toString()) };
      broker.calls.push(call);
      const answer = broker.answer(call);
      if (answer instanceof Uint8Array) broker.reply(topic.agent, answer);
      else if (answer) broker.reply(topic.agent, encodeJson({ rid: call.body.rid, ...answer }));
    }
    changed();
  });
  return broker;
}
