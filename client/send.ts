/** Sending: the list checked, the OTP drawn, each document sealed and brought to the broker. The client's main path. */
import { randomUUID } from "node:crypto";
import { PlatenError } from "../wire/error.ts";
import { EXPIRES_MAX_S } from "../wire/limits.ts";
import type { Manifest } from "../wire/manifest.ts";
import { isJobId } from "../wire/name.ts";
import { drawOtp } from "../wire/otp.ts";
import type { RecipientsList } from "../wire/recipients.ts";
import {
  closeAll,
  type DocumentInput,
  digestFile,
  type OpenInput,
  openInputs,
  sealInput,
} from "./document.ts";
import { fetchRecipients } from "./recipients.ts";
import type { Session } from "./session.ts";
import { cancelQuietly, type SubmitOptions, submitJob } from "./submission.ts";
import type { JobAddress } from "./upload.ts";

export interface Order {
  readonly target: string;
  /** More than one share an OTP and are released together; at most 99. */
  readonly documents: readonly DocumentInput[];
  readonly copies?: number | undefined;
  /** Unix seconds, at most 7 days ahead; the target's policy where absent. */
  readonly expires?: number | undefined;
  /** Print even in a language the printer does not name. */
  readonly raw?: boolean | undefined;
  /** Computes the digest first, which reads each file twice. */
  readonly digest?: boolean | undefined;
  /** Of one's own choosing, for a single document. */
  readonly job?: string | undefined;
}

export interface SendOptions extends Omit<SubmitOptions, "onProgress" | "expires"> {
  /** `document` counts from 0; bytes as in OnProgress. */
  readonly onProgress?: ((document: number, bytes: number, total: number | null) => void) | undefined;
  /** Unix seconds. */
  readonly now?: (() => number) | undefined;
}

export interface Receipt {
  readonly target: string;
  /** Only the sender ever sees it in the clear. */
  readonly otp: string;
  readonly expires: number | null;
  /** In the order of the documents; `bytes` of the sealed job. */
  readonly jobs: readonly { readonly job: string; readonly bytes: number }[];
}

/**
 * Sends `order` and settles when the broker confirmed all of it. If one document fails, those before it are cancelled.
 * @param dir the profile's folder, where list serials are noted
 * @throws PlatenError whatever fetchRecipients and submitJob throw; `language-refused`, `no-input`, `usage`
 */
export async function sendDocuments(
  session: Session,
  dir: string,
  order: Order,
  options: SendOptions = {},
): Promise<Receipt> {
  const now = options.now ?? (() => Math.floor(Date.now() / 1000));
  checkOrder(order, now());
  const inputs = await openInputs(order.documents);
  try {
    const list = await session.run(
      (connection) => fetchRecipients(connection, session.profile, dir, order.target, { now }),
      options.signal,
    );
    checkLanguages(order, list);
    return await sendAll(session, order, list, inputs, options);
  } finally {
    await closeAll(inputs);
  }
}

async function sendAll(
  session: Session,
  order: Order,
  list: RecipientsList,
  inputs: readonly OpenInput[],
  options: SendOptions,
): Promise<Receipt> {
  const { target, expires } = order;
  const otp = drawOtp(list.otp);
  const set = inputs.length > 1 ? randomUUID() : null;
  const sent: { address: JobAddress; bytes: number }[] = [];
  const { onProgress, now: _, ...submitOptions } = options;
  try {
    for (const [index, input] of inputs.entries()) {
      const address = { user: session.profile.user, target, job: order.job ?? randomUUID() };
      const manifest = await describe(order, input, { otp, set, seq: index + 1, of: inputs.length }, address);
      const source = await sealInput(input, list.recipients, manifest);
      try {
        const report =
          onProgress && ((bytes: number, total: number | null) => onProgress(index, bytes, total));
        await submitJob(session, address, source, { ...submitOptions, expires, onProgress: report });
        sent.push({ address, bytes: source.size ?? 0 });
      } finally {
        await source.close();
      }
    }
  } catch (error) {
    // A set is whole or nothing: without the rest none of it would ever print.
    for (const { address } of sent) await cancelQuietly(session, address);
    throw error;
  }
  const jobs = sent.map(({ address, bytes }) => ({ job: address.job, bytes }));
  return { target, otp, expires: expires ?? null, jobs };
}

async function describe(
  order: Order,
  input: OpenInput,
  { otp, set, seq, of }: { otp: string; set: string | null; seq: number; of: number },
  { user, job, target }: JobAddress,
): Promise<Manifest> {
  const { name, type } = input.described;
  return {
    v: 1,
    otp,
    user,
    job,
    to: target,
    ...(order.expires !== undefined && { expires: order.expires }),
    ...(name !== undefined && { name }),
    ...(type !== undefined && { type }),
    ...(order.copies !== undefined && { copies: order.copies }),
    ...(order.digest && input.kind === "file" && { sha256: await digestFile(input.document) }),
    ...(set !== null && { set, seq, of }),
    ...(order.raw && { raw: true }),
  };
}

/** Everything that can be refused before anyone is asked. */
function checkOrder({ documents, copies = 1, expires, job }: Order, now: number): void {
  const refuse = (what: string) => new PlatenError("usage", { what: `${what} Nothing was sent.` });
  if (documents.length < 1 || documents.length > 99) throw refuse("Send 1 to 99 documents at once.");
  if (!Number.isInteger(copies) || copies < 1 || copies > 99) throw refuse("Copies are 1 to 99.");
  if (expires !== undefined && !Number.isInteger(expires)) throw refuse("The expiry is no time.");
  if (expires !== undefined && expires <= now) throw refuse("The expiry is past.");
  if (expires !== undefined && expires > now + EXPIRES_MAX_S) {
    throw refuse("A document waits at most 7 days.");
  }
  if (job !== undefined && (!isJobId(job) || documents.length > 1)) {
    throw refuse("A job id is 8 to 64 of letters, digits and -, for a single document.");
  }
}

function checkLanguages({ target, documents, raw }: Order, { languages }: RecipientsList): void {
  if (raw) return;
  for (const { language } of documents) {
    if (language === undefined || languages.includes(language)) continue;
    const prints = languages.length > 0 ? languages.join(", ") : "nothing its printers agree on";
    throw new PlatenError("language-refused", { target, languages: prints, language });
  }
}
