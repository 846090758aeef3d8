import { once } from "node:events";
import { createServer as createTcpServer, type Server } from "node:net";
import { createServer, type TLSSocket, type TlsOptions } from "node:tls";
import type { MqttClient } from "mqtt";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { connectMqtt, sessionError } from "../../wire/tls.ts";
import { createCa, issueServer, type ServerCertificate, type TestCa } from "./certificates.ts";

const CONNACK_OK = Uint8Array.of(0x20, 2, 0, 0);
const PARTY = { address: "broker", who: "alice", what: "machine" } as const;
const SECRET = "a-password-nobody-else-may-see";

let ca: TestCa;
let otherCa: TestCa;
let local: ServerCertificate;
let elsewhere: ServerCertificate;
const open: { close(): unknown }[] = [];

beforeAll(async () => {
  [ca, otherCa] = await Promise.all([createCa(), createCa()]);
  local = await issueServer(ca, { ip: ["127.0.0.1"], dns: ["localhost"] });
  elsewhere = await issueServer(ca, { dns: ["broker.example"] });
});

afterEach(() => {
  for (const thing of open.splice(0)) thing.close();
});

/** A TLS server that answers any first bytes with CONNACK and remembers all it was told. */
async function serve(options: TlsOptions): Promise<{ port: number; heard: Buffer[]; sockets: TLSSocket[] }> {
  const heard: Buffer[] = [];
  const sockets: TLSSocket[] = [];
  const server = createServer(options, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      heard.push(bytes);
      socket.write(CONNACK_OK);
    });
  });
  server.on("tlsClientError", () => {});
  return { port: await listen(server), heard, sockets };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push(server);
  return (server.address() as { port: number }).port;
}

function dial(port: number, host = "127.0.0.1", trusted = ca, clockUnknown = false): MqttClient {
  const client = connectMqtt(
    { host, port, ca: trusted.pem, clockUnknown },
    { username: "alice", password: SECRET },
  );
  open.push({ close: () => client.end(true) });
  return client;
}

function until(client: MqttClient, event: "connect" | "close"): Promise<void> {
  return new Promise((resolve) => client.once(event, () => resolve()));
}

async function failure(client: MqttClient) {
  const closed = until(client, "close");
  const error = await new Promise((resolve) => client.on("error", resolve));
  await closed;
  return sessionError(error, PARTY);
}

describe("connectMqtt", () => {
  it("connects over TLS 1.3 to a host name and to an address the certificate names", async () => {
    const { port, sockets, heard } = await serve(local);
    for (const host of ["127.0.0.1", "localhost"]) {
      const client = dial(port, host);
      await until(client, "connect");
    }
    expect(sockets.map((socket) => socket.getProtocol())).toEqual(["TLSv1.3", "TLSv1.3"]);
    expect(Buffer.concat(heard).toString("latin1")).toContain(SECRET);
    expect(Buffer.concat(heard).subarray(2, 9)).toEqual(Buffer.from("\0\x04MQTT\x04", "latin1"));
  });

  it.each([
    ["signed by another CA", () => otherCa, () => local],
    ["valid for another name", () => ca, () => elsewhere],
  ])("tells a peer %s nothing", async (_, trusted, presented) => {
    const { port, heard } = await serve(presented());
    const error = await failure(dial(port, "127.0.0.1", trusted()));
    expect(error.code).toBe("broker-untrusted");
    expect(heard).toEqual([]);
  });

  it.each([false, true])(
    "tells an untrusted peer nothing even when ended during the handshake",
    async (clockless) => {
      const { port, heard, sockets } = await serve(local);
      const client = dial(port, "127.0.0.1", otherCa, clockless);
      client.on("error", () => {});
      client.stream.once("connect", () => client.stream.end());
      await until(client, "close");
      expect(heard).toEqual([]);
      expect(sockets.length).toBeLessThanOrEqual(1);
    },
  );

  it("refuses TLS 1.2", async () => {
    const { port, heard } = await serve({ ...local, maxVersion: "TLSv1.2" });
    const error = await failure(dial(port));
    expect(error.code).toBe("broker-untrusted");
    expect(heard).toEqual([]);
  });

  it("tells a refused login, a closed port and silence apart", async () => {
    const server = createServer(local, (socket) => {
      socket.on("data", () => socket.write(Uint8Array.of(0x20, 2, 0, 5)));
      socket.on("error", () => {});
    });
    expect((await failure(dial(await listen(server)))).code).toBe("login-refused");
    const gone = createTcpServer();
    const port = await listen(gone);
    gone.close();
    const refused = await failure(dial(port));
    expect(refused.code).toBe("broker-unreachable");
    expect(refused.details.why).toBe("ECONNREFUSED");
  });

  describe("without a clock", () => {
    const future = new Date(Date.now() + 30 * 86_400_000);

    it("accepts a certificate from the future that the CA issued for this name", async () => {
      const { port } = await serve(await issueServer(ca, { ip: ["127.0.0.1"] }, future));
      expect((await failure(dial(port))).details.why).toBe("CERT_NOT_YET_VALID");
      await until(dial(port, "127.0.0.1", ca, true), "connect");
    });

    it.each([
      ["of another CA", () => issueServer(otherCa, { ip: ["127.0.0.1"] }, future)],
      ["for another name", () => issueServer(ca, { dns: ["broker.example"] }, future)],
      ["of another CA, valid now", () => issueServer(otherCa, { ip: ["127.0.0.1"] })],
      ["for another name, valid now", () => issueServer(ca, { dns: ["broker.example"] })],
      ["that ended", () => issueServer(ca, { ip: ["127.0.0.1"] }, new Date(Date.now() - 200 * 86_400_000))],
      ["not meant for servers", () => issueServer(ca, { ip: ["127.0.0.1"] }, future, "1.3.6.1.5.5.7.3.2")],
    ])("tells a peer with one %s nothing", async (_, issue) => {
      const { port, heard } = await serve(await issue());
      expect((await failure(dial(port, "127.0.0.1", ca, true))).code).toBe("broker-untrusted");
      expect(heard).toEqual([]);
    });
  });
});
