/**
 * One sealed file as it streams in: header in memory only, payload to the spool and, in the same pass, opened,
 * authenticated, digested. What it finds out is judged by the arrival.
 */
import { createHash, type Hash } from "node:crypto";
import { HeaderReader, openHeader } from "../wire/age-header.ts";
import { derivePayloadKey, PAYLOAD_NONCE_BYTES, PayloadOpener } from "../wire/age-payload.ts";
import { nodeCipher } from "../wire/cipher-node.ts";
import { isPlatenError } from "../wire/error.ts";
import { type Manifest, ManifestReader, type ManifestResult } from "../wire/manifest.ts";
import type { Reason } from "../wire/reason.ts";
import { SNIFF_BYTES } from "./language.ts";
import { shredPlaintext } from "./plaintext.ts";
import type { SpoolWriter } from "./spool-writer.ts";

/** The sender's fault: the job is refused for `reason`. */
export class Refusal extends Error {
  readonly reason: Reason;

  constructor(reason: Reason) {
    super(`refused: ${reason}`);
    this.name = "Refusal";
    this.reason = reason;
  }
}

/** What is known once the whole file was seen. The keys are the caller's to wipe. */
export interface Found {
  readonly fileKey: Uint8Array;
  readonly payloadNonce: Uint8Array;
  readonly manifest: ManifestResult;
  /** The document's first bytes: they tell its language. */
  readonly head: Uint8Array;
  readonly documentBytes: number;
  /** Hex, where the manifest gives one to compare with. */
  readonly sha256: string | null;
}

export class Intake {
  readonly #identity: string;
  readonly #writer: SpoolWriter;
  readonly #headerReader = new HeaderReader();
  readonly #manifest = new ManifestReader();
  readonly #nonce = new Uint8Array(PAYLOAD_NONCE_BYTES);
  readonly #head = Buffer.alloc(SNIFF_BYTES);
  #fileKey: Uint8Array | null = null;
  #nonceFilled = 0;
  #opener: PayloadOpener | null = null;
  #payloadKey: Uint8Array | null = null;
  #hash: Hash | null = null;
  #documentBytes = 0;
  received = 0;

  constructor(identity: string, writer: SpoolWriter) {
    this.#identity = identity;
    this.#writer = writer;
  }

  /** The manifest as soon as it was read and is one; it proves nothing before {@link end}. */
  get manifest(): Manifest | null {
    const { result } = this.#manifest;
    return result?.ok ? result.manifest : null;
  }

  /** The next bytes. Rejects with {@link Refusal}, or PlatenError when the disk failed. */
  async push(bytes: Uint8Array): Promise<void> {
    this.received += bytes.length;
    const payload = this.#takeNonce(await this.#takeHeader(bytes));
    if (payload.length === 0) return;
    await this.#writer.write(payload);
    for (const chunk of this.#open(payload)) this.#read(chunk);
  }

  /** All bytes were pushed: proves that nothing was cut off. Throws {@link Refusal}. */
  end(): Found {
    if (!this.#fileKey) throw new Refusal("malformed");
    if (!this.#opener) throw new Refusal("damaged");
    try {
      this.#read(this.#opener.end());
    } catch (cause) {
      throw refusalOf(cause);
    }
    const manifest = this.#manifest.end();
    return {
      fileKey: this.#fileKey,
      payloadNonce: this.#nonce,
      manifest,
      head: this.#head.subarray(0, Math.min(SNIFF_BYTES, this.#documentBytes)),
      documentBytes: this.#documentBytes,
      sha256: this.#hash?.digest("hex") ?? null,
    };
  }

  /** Wipes keys and what was read of the document. */
  wipe(): void {
    this.#fileKey?.fill(0);
    this.#payloadKey?.fill(0);
    this.#nonce.fill(0);
    this.#head.fill(0);
  }

  async #takeHeader(bytes: Uint8Array): Promise<Uint8Array> {
    if (this.#fileKey) return bytes;
    const found = this.#readHeader(bytes);
    if (!found) return new Uint8Array(0);
    try {
      this.#fileKey = await openHeader(found.header, this.#identity);
      return found.rest;
    } catch (cause) {
      throw refusalOf(cause);
    }
  }

  /** What does not even look like an age header is no damaged one: it was never sealed. */
  #readHeader(bytes: Uint8Array): { header: Uint8Array; rest: Uint8Array } | null {
    try {
      return this.#headerReader.push(bytes);
    } catch (cause) {
      throw isPlatenError(cause, "seal-header") ? new Refusal("malformed") : cause;
    }
  }

  #takeNonce(bytes: Uint8Array): Uint8Array {
    if (this.#opener || !this.#fileKey) return bytes;
    const take = Math.min(PAYLOAD_NONCE_BYTES - this.#nonceFilled, bytes.length);
    this.#nonce.set(bytes.subarray(0, take), this.#nonceFilled);
    this.#nonceFilled += take;
    if (this.#nonceFilled === PAYLOAD_NONCE_BYTES) {
      this.#payloadKey = derivePayloadKey(this.#fileKey, this.#nonce);
      this.#opener = new PayloadOpener(nodeCipher, this.#payloadKey);
    }
    return bytes.subarray(take);
  }

  *#open(payload: Uint8Array): Generator<Uint8Array> {
    try {
      if (this.#opener) yield* this.#opener.push(payload);
    } catch (cause) {
      throw refusalOf(cause);
    }
  }

  #read(chunk: Uint8Array): void {
    const known = this.#manifest.result !== null;
    const document = this.#manifest.push(chunk);
    const result = this.#manifest.result;
    if (!known && result?.ok && result.manifest.sha256) this.#hash = createHash("sha256");
    if (result && !result.ok) throw new Refusal("malformed");
    this.#hash?.update(document);
    if (this.#documentBytes < SNIFF_BYTES)
      this.#head.set(document.subarray(0, SNIFF_BYTES - this.#documentBytes), this.#documentBytes);
    this.#documentBytes += document.length;
    shredPlaintext(chunk);
  }
}

function refusalOf(cause: unknown): unknown {
  if (isPlatenError(cause, "seal-recipient")) return new Refusal("not-sealed-to-us");
  if (isPlatenError(cause, "seal-header") || isPlatenError(cause, "seal-payload"))
    return new Refusal("damaged");
  return cause;
}
