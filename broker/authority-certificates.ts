/** The certificates of the broker's own authority, as bytes: P-256 throughout, nothing taken over from a request but its key. */
import "reflect-metadata";
import { createHash, randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { PlatenError } from "../wire/error.ts";

cryptoProvider.set(webcrypto as Crypto);

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
const CA_YEARS = 30;
const DAY_MS = 86_400_000;
/** SubjectPublicKeyInfo of an uncompressed P-256 point (RFC 5480), up to the point itself. */
const P256_SPKI = Buffer.from("3059301306072a8648ce3d020106082a8648ce3d030107034200", "hex");
/**
 * A machine that starts at 1970 must be able to reach us to learn the time, and we must know our agents where our own
 * clock is behind, or was ahead when we issued; before we existed nobody had these keys.
 */
const EVER = new Date(0);

/** A certificate authority with its secret half. */
export interface CertificateAuthority {
  readonly certificate: X509Certificate;
  readonly privateKey: CryptoKey;
}

export interface IssuedCertificate {
  readonly pem: string;
  /** Lower-case hex, 32 digits. */
  readonly serial: string;
  /** Unix seconds. */
  readonly notAfter: number;
}

export async function createCa(now: number): Promise<CertificateAuthority & { keyPem: string }> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: drawSerial(),
    // A part of its own in the name, so that two brokers' authorities are told apart in logs.
    name: `CN=Platen authority ${randomBytes(4).toString("hex")}`,
    notBefore: EVER,
    notAfter: new Date((now + CA_YEARS * 365.25 * 86_400) * 1000),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, privateKey: keys.privateKey, keyPem: await exportKey(keys.privateKey) };
}

/** @throws whatever the parser says; the caller knows which file it was. */
export async function loadCa(certificatePem: string, keyPem: string): Promise<CertificateAuthority> {
  const privateKey = await webcrypto.subtle.importKey(
    "pkcs8",
    PemConverter.decodeFirst(keyPem),
    ALGORITHM,
    false,
    ["sign"],
  );
  return { certificate: new X509Certificate(certificatePem), privateKey: privateKey as CryptoKey };
}

/** A server certificate with a fresh key, good for these DNS names and IP addresses. */
export async function issueServer(
  ca: CertificateAuthority,
  names: readonly string[],
  now: number,
  days: number,
): Promise<IssuedCertificate & { keyPem: string }> {
  const keys = await generateKeys();
  const alternatives = names.map((value) => ({
    type: isIP(value) ? ("ip" as const) : ("dns" as const),
    value,
  }));
  const issued = await issue(ca, keys.publicKey, "CN=Platen broker", {
    notBefore: EVER,
    notAfter: new Date(now * 1000 + days * DAY_MS),
    extensions: [
      new ExtendedKeyUsageExtension([SERVER_AUTH]),
      new SubjectAlternativeNameExtension(alternatives),
    ],
  });
  return { ...issued, keyPem: await exportKey(keys.privateKey) };
}

/** A client certificate for `agent`; the name is ours to say, so the request's subject is not even read. */
export async function issueAgent(
  ca: CertificateAuthority,
  agent: string,
  request: AgentKey,
  now: number,
  days: number,
): Promise<IssuedCertificate> {
  return issue(ca, request.publicKey, `CN=${agent}`, {
    notBefore: EVER,
    notAfter: new Date(now * 1000 + days * DAY_MS),
    extensions: [new ExtendedKeyUsageExtension([CLIENT_AUTH])],
  });
}

async function issue(
  ca: CertificateAuthority,
  publicKey: CryptoKey,
  subject: string,
  terms: { notBefore: Date; notAfter: Date; extensions: Extension[] },
): Promise<IssuedCertificate> {
  const serial = drawSerial();
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial,
    subject,
    issuer: ca.certificate.subjectName,
    notBefore: terms.notBefore,
    notAfter: terms.notAfter,
    signingAlgorithm: ALGORITHM,
    publicKey,
    signingKey: ca.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      ...terms.extensions,
      await SubjectKeyIdentifierExtension.create(publicKey),
      await AuthorityKeyIdentifierExtension.create(ca.certificate),
    ],
  });
  const notAfter = Math.floor(certificate.notAfter.getTime() / 1000);
  return { pem: `${certificate.toString("pem")}\n`, serial, notAfter };
}

/** The public key of a request, proven to be the requester's own. */
export interface AgentKey {
  readonly publicKey: CryptoKey;
  /** SHA-256 of its SubjectPublicKeyInfo. */
  readonly hash: Uint8Array;
}

/**
 * Reads a PKCS #10 request (PEM). Only its key counts, and the signature that proves the key is there.
 * @throws PlatenError `csr-refused`
 */
export async function readCsr(pem: string): Promise<AgentKey> {
  const refused = (why: string, cause?: unknown) => new PlatenError("csr-refused", { why }, cause);
  let spki: Uint8Array<ArrayBuffer>;
  try {
    const request = new Pkcs10CertificateRequest(pem);
    spki = new Uint8Array(request.publicKey.rawData);
    const point = spki.subarray(0, P256_SPKI.length);
    if (spki.length !== P256_SPKI.length + 65 || !P256_SPKI.equals(point)) throw refused("no P-256 key");
    if (!(await request.verify())) throw refused("its signature does not fit its key");
  } catch (error) {
    throw error instanceof PlatenError ? error : refused("it is damaged", error);
  }
  const publicKey = await webcrypto.subtle.importKey("spki", spki, ALGORITHM, true, ["verify"]);
  return { publicKey: publicKey as CryptoKey, hash: createHash("sha256").update(spki).digest() };
}

async function generateKeys(): Promise<CryptoKeyPair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  return keys as CryptoKeyPair;
}

async function exportKey(key: CryptoKey): Promise<string> {
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", key as webcrypto.CryptoKey);
  return `${PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`;
}

/** 16 bytes whose first bits are 01: positive, and of one length in every program's notation (RFC 5280, 4.1.2.2). */
function drawSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = 0x40 | ((bytes[0] as number) & 0x3f);
  return bytes.toString("hex");
}
