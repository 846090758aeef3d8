/** A certificate of one's own for the broker (`[tls]` in broker.toml), read whole and checked before it is used. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { PlatenError } from "../wire/error.ts";

interface OwnCertificateFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string | undefined;
}

export interface OwnCertificate {
  /** The chain, from the broker's certificate to its top. */
  readonly cert: string;
  readonly key: string;
  /** The self-signed top that codes pin. */
  readonly caPem: string;
  /** Unix seconds: when the first certificate of the chain ends. */
  readonly notAfter: number;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const CHAIN_MAX = 8;

/** @throws PlatenError `certificate-unusable` with the sentence that says what is wrong with which file */
export function readOwnCertificate(files: OwnCertificateFiles, now: number): OwnCertificate {
  const chain = readCertificates(files.cert);
  const top = files.ca === undefined ? chain.at(-1) : readCertificates(files.ca)[0];
  const [leaf] = chain;
  if (!leaf || !top) throw unusable(`${files.ca ?? files.cert} holds no certificate.`);
  if (!top.checkIssued(top) || !top.verify(top.publicKey)) {
    throw unusable(`${top.subject} is no CA that ends the chain; name the file of the CA in tls.ca.`);
  }
  if (!chain.some((certificate) => certificate.fingerprint256 === top.fingerprint256)) chain.push(top);
  checkChain(chain, files.cert);
  const key = readText(files.key);
  checkKey(leaf, key, files.key);
  const notAfter = Math.min(
    ...chain.map((certificate) => Math.floor(Date.parse(certificate.validTo) / 1000)),
  );
  if (notAfter <= now) throw unusable(`${files.cert} ended on ${leaf.validTo}.`);
  return { cert: chain.map(String).join(""), key, caPem: top.toString(), notAfter };
}

function readCertificates(file: string): X509Certificate[] {
  const blocks = readText(file).match(CERTIFICATE) ?? [];
  if (blocks.length > CHAIN_MAX) throw unusable(`${file} holds more than ${CHAIN_MAX} certificates.`);
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw unusable(`${file} is damaged.`, cause);
  }
}

function checkChain(chain: readonly X509Certificate[], file: string): void {
  for (const [i, certificate] of chain.entries()) {
    const issuer = chain[i + 1] ?? certificate;
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) {
      throw unusable(`in ${file}, ${certificate.subject} is not signed by ${issuer.subject}.`);
    }
  }
}

function checkKey(leaf: X509Certificate, keyPem: string, file: string): void {
  let fits: boolean;
  try {
    fits = leaf.checkPrivateKey(createPrivateKey(keyPem));
  } catch (cause) {
    throw unusable(`${file} is no private key without a password.`, cause);
  }
  if (!fits) throw unusable(`${file} is the key of another certificate.`);
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw unusable(`${file} cannot be read (${(cause as NodeJS.ErrnoException).code ?? "unknown"}).`, cause);
  }
}

function unusable(why: string, cause?: unknown): PlatenError {
  return new PlatenError("certificate-unusable", { why }, cause);
}
