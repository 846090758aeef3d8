/** One sealed job, brought to the broker until it says `stored`: over lost connections, with what was missing sent again. */
import { PlatenError } from "../wire/error.ts";
import { PART_BYTES } from "../wire/limits.ts";
import { sendTopic, statusTopic } from "../wire/topic.ts";
import type { Connection, MessageHandler } from "./connection.ts";
import type { SealedSource } from "./sealed-source.ts";
import { SendWindow } from "./send-window.ts";
import type { Session } from "./session.ts";
import { StatusWatch } from "./status-watch.ts";
import { type JobAddress, type OnProgress, Upload } from "./upload.ts";

export interface SubmitOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Parts under way, sent and not yet acknowledged. */
  readonly window?: number | undefined;
  readonly partBytes?: number | undefined;
  readonly expires?: number | undefined;
  /** How long the broker may say nothing after all was sent. */
  readonly storedTimeoutMs?: number | undefined;
  /** How often `end` is said again meanwhile: a PUBACK promises nothing. */
  readonly endEveryMs?: number | undefined;
}

const WINDOW_PARTS = 16;
const STORED_TIMEOUT_MS = 60_000;
const END_EVERY_MS = 5_000;
const CANCEL_MS = 3_000;
/** Rounds in which what is missing did not become less. */
const FRUITLESS_MAX = 10;

/**
 * Settles when the broker confirmed `stored`. When it is given up after it began, the job is cancelled at the broker,
 * as far as that can be reached. Does not close `source`.
 * @throws PlatenError `job-rejected`, `not-stored`, `document-changed`, `already-there`, `broker-unreachable`, ...; the
 * signal's reason when aborted
 */
export async function submitJob(
  session: Session,
  address: JobAddress,
  source: SealedSource,
  options: SubmitOptions = {},
): Promise<void> {
  const { onProgress, expires, partBytes = PART_BYTES } = options;
  const upload = new Upload(address, source, { partBytes, expires, onProgress });
  let isFirst = true;
  try {
    await session.run((connection) => {
      const attempt = tryOnce(connection, address, upload, isFirst, options);
      isFirst = false;
      return attempt;
    }, options.signal);
    // `stored` may overtake the last acknowledgement.
    if (source.size !== null) onProgress?.(source.size, source.size);
  } catch (error) {
    if (mayLinger(error)) await cancelQuietly(session, address);
    throw error;
  }
}

async function tryOnce(
  connection: Connection,
  address: JobAddress,
  upload: Upload,
  isFirst: boolean,
  options: SubmitOptions,
): Promise<void> {
  const { signal } = options;
  signal?.throwIfAborted();
  const window = new SendWindow(options.window ?? WINDOW_PARTS);
  const watch = new StatusWatch();
  const topic = statusTopic(address);
  const take: MessageHandler = (_, payload, retained) => {
    if (isFirst && retained && payload.length > 0) watch.fail(usedBefore(address));
    else watch.push(payload);
  };
  const abort = () => watch.fail(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  void connection.lost.then((error) => watch.fail(error));
  try {
    await connection.subscribe(topic, take);
    await Promise.race([watch.decided, sendUntilStored(connection, upload, window, watch, options)]);
  } finally {
    signal?.removeEventListener("abort", abort);
    // Stops whatever of this attempt is still under way.
    window.fail(new PlatenError("internal", { what: "the attempt is over" }));
    void connection.unsubscribe(topic, take).catch(() => {});
  }
}

/** Rejects when the broker stays silent; it is `watch` that knows of success. */
async function sendUntilStored(
  connection: Connection,
  upload: Upload,
  window: SendWindow,
  watch: StatusWatch,
  options: SubmitOptions,
): Promise<void> {
  const { storedTimeoutMs = STORED_TIMEOUT_MS, endEveryMs = END_EVERY_MS } = options;
  await upload.send(connection, window);
  let silentMs = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let fruitless = 0; fruitless < FRUITLESS_MAX; ) {
    // What was missing before everything was sent is no news.
    watch.forget();
    await upload.finish(connection, window);
    const missing = await window.guard(watch.missing(endEveryMs));
    if (missing.length > 0) {
      const count = missing.reduce((sum, [first, last]) => sum + last - first + 1, 0);
      fruitless = count < least ? 0 : fruitless + 1;
      least = Math.min(least, count);
      await upload.resend(connection, window, missing);
      silentMs = 0;
    } else {
      silentMs += endEveryMs;
      if (silentMs >= storedTimeoutMs) break;
    }
  }
  throw new PlatenError("not-stored", { seconds: Math.round(storedTimeoutMs / 1000) });
}

/** A job id of ours that the broker knew before we sent anything. */
function usedBefore({ job }: JobAddress): PlatenError {
  return new PlatenError("already-there", {
    what: `A job “${job}”`,
    hint: "Send the document under another job id.",
  });
}

/** False where the broker has nothing of it, or must be left what it has. */
function mayLinger(error: unknown): boolean {
  if (!(error instanceof PlatenError)) return true;
  return !["job-rejected", "already-there", "not-stored", "broker-unreachable"].includes(error.code);
}

/** Asks the broker to forget a job, without waiting longer than 3 s and without an error. */
export async function cancelQuietly(session: Session, address: JobAddress): Promise<void> {
  const connection = session.live;
  if (!connection) return;
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, CANCEL_MS);
  const cancel = connection.publish(sendTopic(address, address.target, "cancel"), new Uint8Array(0));
  await Promise.race([cancel.catch(() => {}), late.promise]);
  clearTimeout(timer);
}
