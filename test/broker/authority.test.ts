/** The authority's files and certificates, judged by OpenSSL and by a real TLS handshake. */
import "reflect-metadata";
import { spawnSync } from "node:child_process";
import { createHash, webcrypto, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { connect, createServer, type TLSSocket } from "node:tls";
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import { beforeEach, describe, expect, test } from "vitest";
import { openAuthority } from "../../broker/authority.ts";
import { readCsr } from "../../broker/authority-certificates.ts";
import { createCa, issueServer } from "../wire/certificates.ts";
import { needsProgram } from "./programs.ts";
import { createAgentKey, failure, openScratch } from "./registry-fixture.ts";

const DAY = 86_400;
const scratch = openScratch();
let now: number;
const clock = () => now;
beforeEach(() => {
  now = Math.floor(Date.now() / 1000);
});

const plain = { tls: { names: ["printers.example", "192.0.2.7"] }, address: "broker.example:8884" };

test("files are for the owner only, and opening again changes nothing", async () => {
  const dir = scratch.folder();
  const first = await openAuthority(dir, plain, clock);
  const second = await openAuthority(dir, plain, clock);
  expect(second.caPem).toBe(first.caPem);
  expect(second.serverTls()).toEqual(first.serverTls());
  expect(statSync(join(dir, "ca")).mode & 0o777).toBe(0o700);
  for (const file of readdirSync(join(dir, "ca"))) {
    expect(statSync(join(dir, "ca", file)).mode & 0o777, file).toBe(0o600);
  }
});

test("the server's certificate is good for every name, and for a name that is added later", async () => {
  const dir = scratch.folder();
  const first = await openAuthority(dir, plain, clock);
  const leaf = new X509Certificate(first.serverTls().cert);
  for (const name of ["localhost", "printers.example", "broker.example"])
    expect(leaf.checkHost(name)).toBe(name);
  for (const ip of ["127.0.0.1", "::1", "192.0.2.7"]) expect(leaf.checkIP(ip)).toBe(ip);
  expect(leaf.checkHost("elsewhere.example")).toBeUndefined();
  const more = await openAuthority(dir, { ...plain, tls: { names: ["new.example"] } }, clock);
  expect(new X509Certificate(more.serverTls().cert).checkHost("new.example")).toBe("new.example");
  expect(more.caPem).toBe(first.caPem);
});

test("it renews the server's certificate well before the end, tells the listener, and keeps the CA", async () => {
  const authority = await openAuthority(scratch.folder(), plain, clock);
  const before = authority.serverTls();
  let changes = 0;
  authority.onChange(() => changes++);
  now += 200 * DAY;
  await authority.maintain();
  expect(changes).toBe(0);
  now += 50 * DAY;
  await authority.maintain();
  expect(changes).toBe(1);
  expect(authority.serverTls().cert).not.toBe(before.cert);
  expect(authority.warnings()).toEqual([]);
  expect(authority.serverTls().cert.endsWith(authority.caPem)).toBe(true);
});

test("OpenSSL verifies server and agent certificates, each for its purpose only", async ({ skip }) => {
  needsProgram("openssl", skip);
  const dir = scratch.folder();
  const authority = await openAuthority(dir, plain, clock);
  const agent = await authority.issueAgent("lobby", await readCsr((await createAgentKey()).csr));
  writeFileSync(join(dir, "agent.pem"), agent.pem);
  writeFileSync(join(dir, "server.pem"), authority.serverTls().cert);
  const verify = (file: string, purpose: string) =>
    spawnSync("openssl", ["verify", "-x509_strict", "-CAfile", "ca/ca.pem", "-purpose", purpose, file], {
      cwd: dir,
    }).status;
  expect(verify("server.pem", "sslserver")).toBe(0);
  expect(verify("server.pem", "sslclient")).not.toBe(0);
  expect(verify("agent.pem", "sslclient")).toBe(0);
  expect(verify("agent.pem", "sslserver")).not.toBe(0);
  const text = spawnSync("openssl", ["x509", "-in", "agent.pem", "-noout", "-text"], {
    cwd: dir,
    encoding: "utf8",
  });
  expect(text.stdout).toMatch(/Subject: CN = lobby\n/);
  expect(text.stdout).toContain("TLS Web Client Authentication");
  expect(text.stdout).toContain("CA:FALSE");
  expect(text.stdout.replace(/[^0-9a-f]/g, "")).toContain(agent.serial);
});

test("a TLS 1.3 handshake with both certificates; Node tells the agent's name and serial", async () => {
  const authority = await openAuthority(scratch.folder(), plain, clock);
  const key = await createAgentKey();
  const issued = await authority.issueAgent("lobby", await readCsr(key.csr));
  const server = createServer({
    ...authority.serverTls(),
    ca: authority.agentCaPem,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.3",
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "secureConnection") as Promise<[TLSSocket]>;
  const client = connect({
    port: (server.address() as AddressInfo).port,
    host: "127.0.0.1",
    ca: authority.caPem,
    cert: issued.pem,
    key: key.keyPem,
  });
  const [peer] = await accepted;
  const certificate = peer.getPeerCertificate();
  expect(certificate.subject.CN).toBe("lobby");
  expect(certificate.serialNumber.toLowerCase()).toBe(issued.serial);
  client.destroy();
  server.close();
});

describe("certificate requests", () => {
  test("the name asked for is not the name given", async () => {
    const authority = await openAuthority(scratch.folder(), plain, clock);
    const { csr } = await createAgentKey("CN=admin, O=root");
    const issued = await authority.issueAgent("lobby", await readCsr(csr));
    expect(new X509Certificate(issued.pem).subject).toBe("CN=lobby");
  });

  test.each([
    "",
    "rubbish",
    "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
    "\0\x1b[2J",
  ])("rubbish is refused: %j", async (pem) => {
    expect((await failure(readCsr(pem))).code).toBe("csr-refused");
  });

  test("a request whose signature was changed is refused", async () => {
    const { csr } = await createAgentKey();
    const der = Buffer.from(csr.replace(/-----[^-]+-----/g, ""), "base64");
    for (const at of [der.length - 1, der.length - 40]) {
      const bent = Buffer.from(der);
      bent[at] = (bent[at] as number) ^ 1;
      const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${bent.toString("base64")}\n-----END CERTIFICATE REQUEST-----`;
      expect((await failure(readCsr(pem))).code).toBe("csr-refused");
    }
  });

  test("keys other than P-256 are refused", async () => {
    const algorithm = { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" };
    const keys = (await webcrypto.subtle.generateKey(algorithm, true, [
      "sign",
      "verify",
    ])) as webcrypto.CryptoKeyPair;
    const request = await Pkcs10CertificateRequestGenerator.create({
      name: "CN=x",
      keys: keys as CryptoKeyPair,
      signingAlgorithm: algorithm,
    });
    expect((await failure(readCsr(request.toString("pem")))).code).toBe("csr-refused");
  });
});

describe("damage", () => {
  test.each([
    ["the key is gone", (dir: string) => rmSync(join(dir, "ca/ca.key"))],
    ["the key is another's", (dir: string) => copyCaKey(dir)],
    ["the certificate is cut", (dir: string) => writeFileSync(join(dir, "ca/ca.pem"), "-----BEGIN CERT")],
  ])("nothing starts when %s, and no new CA is made", async (_, damage) => {
    const dir = scratch.folder();
    await openAuthority(dir, plain, clock);
    await damage(dir);
    expect((await failure(openAuthority(dir, plain, clock))).code).toBe("authority-damaged");
  });

  test("a damaged server certificate is simply made again", async () => {
    const dir = scratch.folder();
    const { caPem } = await openAuthority(dir, plain, clock);
    writeFileSync(join(dir, "ca/server.pem"), "rubbish");
    const again = await openAuthority(dir, plain, clock);
    expect(again.caPem).toBe(caPem);
    expect(new X509Certificate(again.serverTls().cert).verify(new X509Certificate(caPem).publicKey)).toBe(
      true,
    );
  });

  async function copyCaKey(dir: string) {
    const other = scratch.folder();
    await openAuthority(other, plain, clock);
    writeFileSync(join(dir, "ca/ca.key"), readFileSync(join(other, "ca/ca.key")));
  }
});

describe("a certificate of one's own", () => {
  async function writeOwn(dir: string, name = "CN=House CA") {
    const ca = await createCa(name);
    const issued = await issueServer(ca, { dns: ["house.example"] });
    writeFileSync(join(dir, "own.pem"), issued.cert);
    writeFileSync(join(dir, "own.key"), issued.key);
    return { ca, tls: { names: [], cert: join(dir, "own.pem"), key: join(dir, "own.key") } };
  }

  test("it is served, its CA is pinned, agents still hang on ours", async () => {
    const dir = scratch.folder();
    const { ca, tls } = await writeOwn(dir);
    const authority = await openAuthority(dir, { tls }, clock);
    expect(new X509Certificate(authority.serverTls().cert).checkHost("house.example")).toBe("house.example");
    expect(Buffer.from(authority.caFingerprint)).toEqual(createHash("sha256").update(ca.der).digest());
    expect(authority.agentCaPem).not.toBe(authority.caPem);
  });

  test("a changed file is taken within the hour, a bad one is not, and the end is told in time", async () => {
    const dir = scratch.folder();
    const { tls } = await writeOwn(dir);
    const authority = await openAuthority(dir, { tls }, clock);
    let changes = 0;
    authority.onChange(() => changes++);
    const { cert } = authority.serverTls();
    writeFileSync(tls.cert, "rubbish");
    await authority.maintain();
    expect(authority.serverTls().cert).toBe(cert);
    expect(authority.warnings()[0]?.kind).toBe("certificate-failed");
    await writeOwn(dir);
    await authority.maintain();
    expect(changes).toBe(1);
    expect(authority.warnings()).toEqual([]);
    now += 75 * DAY;
    expect(authority.warnings()[0]?.kind).toBe("certificate-ending");
  });

  test.each([
    ["without a key", (tls: { cert: string; key: string }) => ({ names: [], cert: tls.cert }), "go together"],
    [
      "the key of another",
      (tls: { cert: string; key: string }, dir: string) => swapKey(tls, dir),
      "another certificate",
    ],
    [
      "a file that is not there",
      (tls: { cert: string; key: string }) => ({ ...tls, names: [], cert: "/nowhere" }),
      "ENOENT",
    ],
    ["a chain without its top", (tls: { cert: string; key: string }) => cutTop(tls), "tls.ca"],
  ])("%s is refused with what to mend", async (_, change, sentence) => {
    const dir = scratch.folder();
    const { tls } = await writeOwn(dir);
    const error = await failure(openAuthority(dir, { tls: await change(tls, dir) }, clock));
    expect(error.code).toBe("certificate-unusable");
    expect(error.message).toContain(sentence);
  });

  async function swapKey(tls: { cert: string; key: string }, dir: string) {
    const other = scratch.folder();
    const { tls: others } = await writeOwn(other);
    writeFileSync(join(dir, "own.key"), readFileSync(others.key));
    return { ...tls, names: [] };
  }
  function cutTop(tls: { cert: string; key: string }) {
    const [leaf] = readFileSync(tls.cert, "utf8").split(/(?<=-----END CERTIFICATE-----)/);
    writeFileSync(tls.cert, `${leaf}\n`);
    chmodSync(tls.cert, 0o600);
    return { ...tls, names: [] };
  }
});
