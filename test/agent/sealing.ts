/** Sealed files for tests of the keeping, made by the contract's own parts, and spoiled on demand. */
import { randomBytes } from "node:crypto";
import { generateIdentity, identityToRecipient } from "age-encryption";
import { createHeader } from "../../wire/age-header.ts";
import { derivePayloadKey, PayloadSealer } from "../../wire/age-payload.ts";
import { nodeCipher } from "../../wire/cipher-node.ts";

export interface KeyPair {
  readonly identity: string;
  readonly recipient: string;
}

export async function makeKeyPair(): Promise<KeyPair> {
  const identity = await generateIdentity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/** A sealed file whose plaintext is `line` (written as it is) and `document`. */
export async function sealPlain(
  recipient: string,
  line: string | Uint8Array,
  document: Uint8Array,
): Promise<Buffer> {
  const { header, fileKey } = await createHeader([recipient]);
  const nonce = randomBytes(16);
  const sealer = new PayloadSealer(nodeCipher, derivePayloadKey(fileKey, nonce));
  const chunks: Uint8Array[] = [header, nonce];
  for (const plain of [typeof line === "string" ? Buffer.from(line) : line, document]) {
    for (const chunk of sealer.push(plain)) chunks.push(Buffer.from(chunk));
  }
  chunks.push(sealer.end());
  return Buffer.concat(chunks);
}

export function sealJob(recipient: string, manifest: object, document: Uint8Array): Promise<Buffer> {
  return sealPlain(recipient, `${JSON.stringify({ v: 1, ...manifest })}\n`, document);
}
