/** What the registry's tests share: scratch folders, and an agent's keys as the agent makes them. */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cryptoProvider, PemConverter, Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterAll } from "vitest";
import { PlatenError } from "../../wire/error.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
cryptoProvider.set(webcrypto as Crypto);

/** Folders that are gone after the file's tests. */
export function openScratch(): { folder: () => string } {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  return {
    folder: () => {
      const folder = mkdtempSync(join(tmpdir(), "platen-broker-"));
      folders.push(folder);
      return folder;
    },
  };
}

export interface AgentKeys {
  readonly keyPem: string;
  readonly csr: string;
}

export async function createAgentKey(subject = "CN=platen-agent"): Promise<AgentKeys> {
  const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"])) as CryptoKeyPair;
  return { keyPem: await exportKey(keys.privateKey), csr: await createCsr(keys, subject) };
}

/** Another request for the same key: ECDSA signatures differ each time. */
export async function createCsr(keys: CryptoKeyPair, subject = "CN=platen-agent"): Promise<string> {
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: subject,
    keys,
    signingAlgorithm: ALGORITHM,
  });
  return request.toString("pem");
}

export async function createRecipient(): Promise<string> {
  return identityToRecipient(await generateX25519Identity());
}

async function exportKey(key: CryptoKey): Promise<string> {
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", key as webcrypto.CryptoKey);
  return PemConverter.encode(pkcs8, "PRIVATE KEY");
}

/** The error of something that must fail with one of ours. */
export async function failure(work: Promise<unknown> | (() => unknown)): Promise<PlatenError> {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    if (error instanceof PlatenError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}
