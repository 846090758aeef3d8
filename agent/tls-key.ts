/** The agent's TLS key (P-256) and the requests that get it certified. Loaded only to enrol and to renew. */
import "reflect-metadata";
import { createPrivateKey, createPublicKey, type KeyObject, webcrypto, X509Certificate } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { isPlatenError, PlatenError } from "../wire/error.ts";
import { sameSecret } from "./identity.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A fresh key as PKCS #8 PEM. */
export async function generateTlsKey(): Promise<string> {
  const pair = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", pair.privateKey);
  return x509.PemConverter.encode(pkcs8, "PRIVATE KEY");
}

/** A certificate request (PEM) for the key; the broker alone decides the name in the certificate. */
export async function createCsr(keyPem: string, commonName: string): Promise<string> {
  x509.cryptoProvider.set(webcrypto as Crypto);
  const privateKey = createPrivateKey(keyPem);
  const publicKey = createPublicKey(privateKey);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=${commonName}`,
    keys: {
      privateKey: (await importKey(privateKey, "pkcs8", ["sign"])) as CryptoKey,
      publicKey: (await importKey(publicKey, "spki", ["verify"])) as CryptoKey,
    },
    signingAlgorithm: ALGORITHM,
  });
  return request.toString("pem");
}

function importKey(key: KeyObject, format: "pkcs8" | "spki", usages: ("sign" | "verify")[]) {
  return webcrypto.subtle.importKey(
    format,
    key.export({ format: "der", type: format }),
    ALGORITHM,
    true,
    usages,
  );
}

/**
 * Refuses what is no certificate for our key: stored, it would shut this agent out for good. Who signed it is the
 * broker's to judge; it may use another authority for agents than the one its own certificate hangs on.
 * @throws PlatenError `broker-untrusted`
 */
export function checkCertificate(certificatePem: string, keyPem: string, address: string): void {
  const refuse = (why: string, cause?: unknown) =>
    new PlatenError("broker-untrusted", { address, what: "agent", why }, cause);
  try {
    const certificate = new X509Certificate(certificatePem);
    const ours = createPublicKey(keyPem).export({ format: "der", type: "spki" });
    const certified = certificate.publicKey.export({ format: "der", type: "spki" });
    if (!sameSecret(ours, certified)) throw refuse("its certificate is for another key");
  } catch (cause) {
    if (isPlatenError(cause)) throw cause;
    throw refuse("it sent something that is no certificate", cause);
  }
}
