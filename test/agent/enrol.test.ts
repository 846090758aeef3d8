import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";
import { sha256 } from "@noble/hashes/sha2.js";
import { Aedes } from "aedes";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { enrolAgent } from "../../agent/enrol.ts";
import { readEnrolment } from "../../agent/enrolment.ts";
import { openSecrets, recipientOf } from "../../agent/identity.ts";
import { createCsr, generateTlsKey } from "../../agent/tls-key.ts";
import { decodeBase64 } from "../../wire/base64.ts";
import { formatCode } from "../../wire/code.ts";
import { fingerprintRecipient } from "../../wire/fingerprint.ts";
import { encodeJson } from "../../wire/json.ts";
import { generateFleetKey } from "../../wire/minisign.ts";
import { createCa, issueServer, type TestCa } from "../wire/certificates.ts";
import { issueAgent } from "./aedes-broker.ts";

interface Request {
  readonly csr: string;
  readonly recipient: string;
  readonly bootShare: string;
}
/** What the broker does with a request: an answer, or null to cut the connection without one. */
type Answer = (request: Request) => Promise<object | null>;

let dir: string;
let ca: TestCa;
let server: Server;
let aedes: Aedes;
let answer: Answer;
let requests: Request[];
const closes: (() => void)[] = [];

async function accept(request: Request): Promise<object> {
  const certificate = await issueAgent(ca, request.csr);
  return { ok: true, agent: "lobby-pi", printers: ["lobby"], certificate, ca: ca.pem };
}

beforeEach(async () => {
  dir = join(mkdtempSync(join(tmpdir(), "platen-enrol-")), "agent");
  ca = await createCa();
  answer = accept;
  requests = [];
  aedes = await Aedes.createBroker({ concurrency: 0 });
  aedes.on("publish", async (packet, client) => {
    if (!client || !packet.topic.endsWith("/request")) return;
    const request = JSON.parse(packet.payload.toString());
    requests.push(request);
    const reply = await answer(request);
    if (reply === null) return client.close();
    const topic = packet.topic.replace(/request$/, "reply");
    aedes.publish(
      { cmd: "publish", topic, payload: Buffer.from(encodeJson(reply)), qos: 1, retain: false, dup: false },
      () => undefined,
    );
  });
  server = createServer(await issueServer(ca, { ip: ["127.0.0.1"] }), aedes.handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(async () => {
  for (const close of closes.splice(0)) close();
  await new Promise<void>((resolve) => aedes.close(() => resolve()));
  await new Promise((resolve) => server.close(resolve));
  rmSync(join(dir, ".."), { recursive: true, force: true });
});

function drawCode(): { code: string; id: string } {
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex");
  const { id: keyId, key } = generateFleetKey();
  const code = formatCode({
    kind: "claim",
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    caFingerprint: sha256(ca.der),
    fleet: { id: keyId, key },
    id,
    secret: crypto.getRandomValues(new Uint8Array(16)),
  });
  closes.push(() => rmSync(`/dev/shm/platen-claim-${process.getuid?.()}-${id}`, { force: true }));
  return { code, id };
}

describe("enrol", () => {
  test("makes an agent whose identity opens under the share it sent, and shows what a person compares", async () => {
    const { code, id } = drawCode();
    const enrolled = await enrolAgent(code, dir);
    const [request] = requests as [Request];
    expect(enrolled).toEqual({
      agent: "lobby-pi",
      printers: ["lobby"],
      fingerprint: fingerprintRecipient(request.recipient),
    });
    const { sealedSecrets, certificate, ...record } = readEnrolment(dir);
    expect(record).toMatchObject({ agent: "lobby-pi", code: id, recipient: request.recipient });
    const secrets = openSecrets(sealedSecrets, decodeBase64(request.bootShare) as Uint8Array);
    expect(await recipientOf(secrets)).toBe(request.recipient);
    expect(certificate).toContain("BEGIN CERTIFICATE");
  });

  test("files are 0600 in a 0700 folder, and none holds the boot share", async () => {
    const { code, id } = drawCode();
    await enrolAgent(code, dir);
    const [request] = requests as [Request];
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    const share = decodeBase64(request.bootShare) as Uint8Array;
    for (const file of readdirSync(dir)) {
      const content = readFileSync(join(dir, file));
      expect([file, statSync(join(dir, file)).mode & 0o777]).toEqual([file, 0o600]);
      expect(content.includes(Buffer.from(share)) || content.includes(request.bootShare)).toBe(false);
    }
    expect(readdirSync("/dev/shm").filter((name) => name.includes(id))).toEqual([]);
  });

  test("keys lie there before the broker hears of them", async () => {
    answer = async (request) => {
      expect(readdirSync(dir).sort()).toEqual(["identity.sealed", "tls-key.pem"]);
      return accept(request);
    };
    await enrolAgent(drawCode().code, dir);
  });

  test("a lost answer: the same code sends the same request again, and it ends well", async () => {
    const { code } = drawCode();
    answer = async () => null;
    await expect(enrolAgent(code, dir)).rejects.toMatchObject({ code: "broker-unreachable" });
    answer = accept;
    await enrolAgent(code, dir);
    expect(requests.length).toBe(2);
    expect(requests[1]).toEqual(requests[0]);
  });

  test("with the memory gone meanwhile, keys and share are drawn anew", async () => {
    const { code, id } = drawCode();
    answer = async () => null;
    await expect(enrolAgent(code, dir)).rejects.toThrow();
    rmSync(`/dev/shm/platen-claim-${process.getuid?.()}-${id}`);
    answer = accept;
    await enrolAgent(code, dir);
    expect(requests[1]?.bootShare).not.toBe(requests[0]?.bootShare);
    const share = decodeBase64(requests[1]?.bootShare ?? "") as Uint8Array;
    expect(openSecrets(readEnrolment(dir).sealedSecrets, share).identity).toMatch(/^AGE-SECRET-KEY-1/);
  });

  test("a request that someone else left under that name is not used", async () => {
    const { code, id } = drawCode();
    const path = `/dev/shm/platen-claim-${process.getuid?.()}-${id}`;
    writeFileSync(
      path,
      encodeJson({ csr: "x", recipient: `age1${"q".repeat(58)}`, bootShare: "A".repeat(43).concat("=") }),
      { mode: 0o600 },
    );
    await enrolAgent(code, dir);
    expect(requests[0]?.csr).toContain("BEGIN CERTIFICATE REQUEST");
  });

  test("again with the same code: the same answer, and the broker is not asked", async () => {
    const { code } = drawCode();
    const first = await enrolAgent(code, dir);
    expect(await enrolAgent(code, dir)).toEqual(first);
    expect(requests.length).toBe(1);
  });

  test("with another code nothing is changed", async () => {
    await enrolAgent(drawCode().code, dir);
    const before = readEnrolment(dir);
    await expect(enrolAgent(drawCode().code, dir)).rejects.toMatchObject({ code: "already-there" });
    expect(readEnrolment(dir)).toEqual(before);
  });

  test.each<[string, string, Answer]>([
    ["code-refused", "a refusal", async () => ({ ok: false, sentence: "No." })],
    ["broker-untrusted", "an answer that is none", async () => ({ ok: true })],
    [
      "broker-untrusted",
      "a certificate for another key",
      async (request) => ({
        ...(await accept(request)),
        certificate: await issueAgent(ca, await createCsr(await generateTlsKey(), "other")),
      }),
    ],
    [
      "broker-untrusted",
      "a certificate that is none",
      async (request) => ({ ...(await accept(request)), certificate: "-----BEGIN CERTIFICATE-----" }),
    ],
  ])("%s: %s leaves the agent not enrolled", async (code, _what, reply) => {
    answer = reply;
    await expect(enrolAgent(drawCode().code, dir)).rejects.toMatchObject({ code });
    expect(() => readEnrolment(dir)).toThrow(expect.objectContaining({ code: "not-enrolled" }));
  });

  test("a code that is cut short is refused before anything is made or dialled", async () => {
    const { code } = drawCode();
    await expect(enrolAgent(code.slice(0, -3), dir)).rejects.toMatchObject({ code: "code-malformed" });
    expect(() => statSync(dir)).toThrow();
    expect(requests).toEqual([]);
  });

  test("a damaged record is told, never taken for not enrolled", async () => {
    const { code } = drawCode();
    await enrolAgent(code, dir);
    writeFileSync(join(dir, "enrolment.json"), "{");
    expect(() => readEnrolment(dir)).toThrow(expect.objectContaining({ code: "identity-damaged" }));
    await expect(enrolAgent(code, dir)).rejects.toMatchObject({ code: "identity-damaged" });
  });
});
