/** Fetching the signed list of a target, and refusing what the fleet key does not vouch for. */
import { setTimeout as delay } from "node:timers/promises";
import { isPlatenError, PlatenError } from "../wire/error.ts";
import { parsePublicKey } from "../wire/minisign.ts";
import { isName } from "../wire/name.ts";
import { type RecipientsList, verifyList } from "../wire/recipients.ts";
import { recipientsTopic, signatureTopic } from "../wire/topic.ts";
import type { Connection, MessageHandler } from "./connection.ts";
import { type Profile, readSeenSerial, rememberSerial } from "./profile.ts";

/** Retained topics come right behind the subscription's acknowledgement. */
const ANSWER_MS = 1_000;
/** A broker with much to do lets them wait; but one that acknowledges the next question had the time to answer the last. */
const ASKS = 3;
/** List and signature are two messages: while the broker renews them they may not fit for a moment. */
const DOUBT_MS = 1_000;

export interface FetchOptions {
  readonly answerMs?: number;
  readonly doubtMs?: number;
  /** Unix seconds. */
  readonly now?: () => number;
}

/**
 * The list of `target`, verified, its serial noted in `dir`.
 * @throws PlatenError `bad-name`, `list-missing`, `list-unsigned`, `list-wrong-target`, `list-expired`, `list-older`,
 * `list-malformed`, `broker-unreachable`
 */
export async function fetchRecipients(
  connection: Connection,
  profile: Profile,
  dir: string,
  target: string,
  options: FetchOptions = {},
): Promise<RecipientsList> {
  if (!isName(target)) throw new PlatenError("bad-name", { name: target });
  const fleet = parsePublicKey(profile.fleet);
  if (!fleet) throw new PlatenError("config-invalid", { file: "profile.json", what: "It has no fleet key." });
  const seen = await readSeenSerial(dir, target);
  const now = options.now ?? (() => Math.floor(Date.now() / 1000));
  const list = await untilVerified(connection, target, options, (offered) =>
    verifyList(fleet, { target, ...offered }, seen, now()),
  );
  await rememberSerial(dir, target, list.serial);
  return list;
}

type Verify = (offered: { list: Uint8Array; minisig: Uint8Array }) => RecipientsList;

async function untilVerified(
  connection: Connection,
  target: string,
  { answerMs = ANSWER_MS, doubtMs = DOUBT_MS }: FetchOptions,
  verify: Verify,
): Promise<RecipientsList> {
  const { promise, resolve, reject } = Promise.withResolvers<RecipientsList>();
  let list: Uint8Array | null = null;
  let minisig: Uint8Array | null = null;
  let timer: NodeJS.Timeout | undefined;
  const judge = () => {
    if (!list || !minisig) return;
    try {
      resolve(verify({ list, minisig }));
    } catch (error) {
      clearTimeout(timer);
      timer = setTimeout(() => reject(error), isPlatenError(error, "list-unsigned") ? doubtMs : 0);
    }
  };
  void connection.lost.then(reject);
  const takeList: MessageHandler = (_, payload) => {
    list = payload.length > 0 ? payload : null;
    judge();
  };
  const takeSignature: MessageHandler = (_, payload) => {
    minisig = payload.length > 0 ? payload : null;
    judge();
  };
  const wanted = [
    [recipientsTopic(target), takeList],
    [signatureTopic(target), takeSignature],
  ] as const;
  try {
    for (let asks = 0; asks < ASKS; asks++) {
      const answers = await Promise.all(wanted.map(([topic, take]) => connection.subscribe(topic, take)));
      if (answers.includes("refused")) break;
      // With both halves there it is judged, and settles by itself.
      const found = await Promise.race([promise, delay(answerMs, null, { ref: false })]);
      if (found) return found;
      if (list && minisig) return await promise;
    }
    throw new PlatenError("list-missing", { target });
  } finally {
    clearTimeout(timer);
    promise.catch(() => {});
    for (const [topic, take] of wanted) void connection.unsubscribe(topic, take).catch(() => {});
  }
}
