/** What a sender hands in: a file, or a stream that can be read once. */
import { createHash } from "node:crypto";
import { PlatenError } from "../wire/error.ts";
import type { Manifest } from "../wire/manifest.ts";
import { createEnvelope } from "./seal.ts";
import { type OpenDocument, openDocument, SealedFile } from "./sealed-file.ts";
import type { SealedSource } from "./sealed-source.ts";
import { openSealedSpool } from "./sealed-spool.ts";

interface Described {
  /** Shown at the printer and nowhere else. */
  readonly name?: string | undefined;
  /** A media type; a hint. */
  readonly type?: string | undefined;
  /** As in the list's languages, where the caller knows: refused early if the target does not print it. */
  readonly language?: string | undefined;
}

export type DocumentInput = Described &
  ({ readonly file: string } | { readonly stream: AsyncIterable<Uint8Array> });

export type OpenInput = { readonly described: Described } & (
  | { readonly kind: "file"; readonly document: OpenDocument }
  | { readonly kind: "stream"; readonly stream: AsyncIterable<Uint8Array> }
);

/** Opens every file before anything is sent. @throws PlatenError `no-input`, an empty file included */
export async function openInputs(documents: readonly DocumentInput[]): Promise<OpenInput[]> {
  const inputs: OpenInput[] = [];
  try {
    for (const input of documents) {
      if ("stream" in input) {
        inputs.push({ kind: "stream", stream: input.stream, described: input });
        continue;
      }
      const document = await openDocument(input.file);
      inputs.push({ kind: "file", document, described: input });
      if (document.bytes === 0) throw new PlatenError("no-input", { file: input.file, why: "it is empty" });
    }
    return inputs;
  } catch (error) {
    await closeAll(inputs);
    throw error;
  }
}

export async function closeAll(inputs: readonly OpenInput[]): Promise<void> {
  // Closing twice is harmless: a handle that was closed says so by its descriptor.
  for (const input of inputs) {
    if (input.kind === "file" && input.document.handle.fd !== -1) await input.document.handle.close();
  }
}

/** Seals under an envelope of its own; the source closes what it reads from. */
export async function sealInput(
  input: OpenInput,
  recipients: readonly string[],
  manifest: Manifest,
): Promise<SealedSource> {
  const envelope = await createEnvelope(recipients, manifest);
  return input.kind === "file"
    ? new SealedFile(input.document, envelope)
    : openSealedSpool(input.stream, envelope);
}

/** SHA-256 in hex; leaves the handle's position alone. */
export async function digestFile({ handle, bytes }: OpenDocument): Promise<string> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafeSlow(Math.min(1 << 19, bytes));
  for (let at = 0; at < bytes; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, bytes - at), at);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash.digest("hex");
}
