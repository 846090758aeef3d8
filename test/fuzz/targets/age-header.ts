/** The age header and the payload behind it: bounded, opened by its identity alone, the same however it is cut. */
import * as vectors from "cctv-age";
import { createHeader, HeaderReader, openHeader } from "../../../wire/age-header.ts";
import {
  derivePayloadKey,
  PAYLOAD_NONCE_BYTES,
  PayloadOpener,
  PayloadSealer,
} from "../../../wire/age-payload.ts";
import { nodeCipher } from "../../../wire/cipher-node.ts";
import { isPlatenError } from "../../../wire/error.ts";
import { HEADER_BYTES_MAX } from "../../../wire/limits.ts";
import { bytesOf, choose, claim, claimSame, cutUp, type FuzzTarget, tolerate } from "../target.ts";

/** Nobody's; it must be the same in every run. */
const IDENTITY = "AGE-SECRET-KEY-1Q76JXWDGND5W9066WUK85PHW0XSWM8EVMTJ6AEWGMS7UY89Z92RQX504CY";
const RECIPIENT = "age1f6dk6n7jmwg57lykpka92atsdg9xlrysd83fthfht9hfwvxd7ehsy3x5lp";
const BODY = bytesOf("the document of the fuzzer");
const KNOWN = ["seal-header", "seal-recipient", "seal-payload"] as const;

function isKnown(error: unknown): boolean {
  return KNOWN.some((code) => isPlatenError(error, code));
}

function readHeader(pieces: Iterable<Uint8Array>) {
  const reader = new HeaderReader();
  let found: { header: Buffer; rest: Buffer } | null = null;
  for (const piece of pieces) {
    if (found) found.rest = Buffer.concat([found.rest, piece]);
    else {
      const split = reader.push(piece);
      if (split) found = { header: Buffer.from(split.header), rest: Buffer.from(split.rest) };
    }
  }
  return found;
}

function openPayload(key: Uint8Array, pieces: Iterable<Uint8Array>): Buffer {
  const opener = new PayloadOpener(nodeCipher, key);
  const plain: Uint8Array[] = [];
  for (const piece of pieces) for (const chunk of opener.push(piece)) plain.push(Uint8Array.from(chunk));
  plain.push(Uint8Array.from(opener.end()));
  return Buffer.concat(plain);
}

export const target: FuzzTarget = {
  about: "the age header, its opening, and the payload's chunks",
  maxBytes: 4096,
  words: [
    "age-encryption.org/v1\n",
    "\n--- ",
    "-> X25519 ",
    "-> scrypt ",
    "-> mlkem768x25519 ",
    "-> grease\n",
  ],
  async seeds() {
    const { header, fileKey } = await createHeader([RECIPIENT]);
    const nonce = new Uint8Array(PAYLOAD_NONCE_BYTES);
    const sealer = new PayloadSealer(nodeCipher, derivePayloadKey(fileKey, nonce));
    const sealed = Buffer.concat([header, nonce, ...sealer.push(BODY), sealer.end()]);
    const others = Object.values(vectors as Record<string, unknown>)
      .filter((vector) => vector instanceof Uint8Array)
      .map((vector) => Buffer.from(vector))
      .map((vector) => vector.subarray(Math.max(0, vector.indexOf("age-encryption.org/"))))
      .filter(({ length }) => length < 2000);
    return [sealed, ...others].map((seed, at) => choose(at * 7, seed));
  },
  async run(data) {
    const whole = Buffer.from(data.subarray(1));
    const once = tolerate(isKnown, () => readHeader([whole]));
    const cut = tolerate(isKnown, () => readHeader(cutUp(data)));
    claimSame(cut, once, "cuts change nothing");
    if (!once) return;
    claim(once.header.length <= HEADER_BYTES_MAX, "a header is bounded");
    claim(Buffer.concat([once.header, once.rest]).equals(whole), "header and rest are the input");
    let fileKey: Uint8Array;
    try {
      fileKey = await openHeader(once.header, IDENTITY);
    } catch (error) {
      if (isKnown(error)) return;
      throw error;
    }
    claim(fileKey.length === 16, "a file key has 16 bytes");
    const key = derivePayloadKey(fileKey, once.rest.subarray(0, PAYLOAD_NONCE_BYTES));
    const payload = once.rest.subarray(PAYLOAD_NONCE_BYTES);
    const opened = tolerate(isKnown, () => openPayload(key, [payload]));
    const pieces = tolerate(isKnown, () => openPayload(key, cutUp(choose(data[0] ?? 0, payload))));
    claimSame(opened, pieces, "cuts of the payload change nothing");
    claim(opened === null || opened.equals(BODY) || opened.length === 0, "nothing opens that was not sealed");
  },
};
