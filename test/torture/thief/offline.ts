/** Whether a guess can be tested with what was stolen: attempted with the right OTP in hand, which must make no difference. */

import { readFileSync } from "node:fs";
import { listFiles } from "./hunt.ts";
import {
  type Attempts,
  type Card,
  type CardJob,
  type EscrowLoot,
  openIdentity,
  openJob,
  readCard,
  stretch,
  tagOf,
  tryEveryKey,
} from "./loot.ts";

/** Records are tried by the handful: each costs a key derivation for each 32 bytes of the card. */
const RECORDS = 3;

export interface KnownOtp {
  readonly user: string;
  readonly job: string;
  readonly otp: string;
}

/** @throws Error where something opened that must not, or did not open that must: then the attempt proves nothing */
export function testGuessesOffline(
  cardDir: string,
  bootShare: Buffer,
  escrow: readonly EscrowLoot[],
  known: readonly KnownOtp[],
  windowsMax: number,
): { readonly identity: Attempts; readonly records: Attempts } {
  const card = readCard(cardDir);
  // With the card alone: its identity is behind the boot share, and scrypt's salt with it.
  const identity = tryEveryKey(card, windowsMax, (key) => openIdentity(card.sealed, key) !== null);
  if (identity.opened > 0) throw new Error("the card's identity opens with what lies on the card");
  const opened = openIdentity(card.sealed, bootShare);
  if (!opened) throw new Error("the boot share does not open the identity: the attempt proves nothing");
  // Given even that and the right OTP, there is nothing on the card to hold it against.
  let records: Attempts = { tried: 0, opened: 0 };
  for (const { job, otp } of pairs(card, known).slice(0, RECORDS)) {
    const st = stretch(otp, opened.salt);
    const tag = tagOf(opened.secret, st, job);
    if (card.files.some((file) => file.includes(tag))) throw new Error("the card holds a tag");
    const tries = tryEveryKey(card, windowsMax, (key) => openJob(job, key, st) !== null);
    if (tries.opened > 0) throw new Error("a record opens with what lies on the card");
    records = { tried: records.tried + tries.tried, opened: 0 };
    checkControl(job, otp, st, tag, escrow, opened.salt);
  }
  if (records.tried === 0) throw new Error("no record was there to be tried");
  return { identity, records };
}

/** With the escrow's share the right OTP opens it and a wrong one does not: now a guess can be tested. */
function checkControl(
  job: CardJob,
  otp: string,
  st: Buffer,
  tag: Buffer,
  escrow: readonly EscrowLoot[],
  salt: Buffer,
): void {
  const share = escrow.find((each) => each.user === job.user && each.job === job.job && each.tag.equals(tag));
  if (!share || !openJob(job, share.share, st))
    throw new Error("with card and escrow the right OTP opens nothing");
  const wrong = stretch(
    otp.replace(/.$/, (digit) => String((Number(digit) + 1) % 10)),
    salt,
  );
  if (openJob(job, share.share, wrong)) throw new Error("a wrong OTP opens a record");
}

/**
 * After the end: records of a card that was stolen before it, all OTPs, the boot share, and every byte of the broker's
 * last state. @throws Error where one opens
 */
export function testGuessesAfterEnd(
  cardDir: string,
  brokerDir: string,
  bootShare: Buffer,
  known: readonly KnownOtp[],
  windowsMax: number,
): Attempts {
  const card = readCard(cardDir);
  const opened = openIdentity(card.sealed, bootShare);
  if (!opened) throw new Error("the boot share does not open the identity: the attempt proves nothing");
  const broker: Card = { ...card, files: listFiles(brokerDir).map((file) => readFileSync(file)) };
  let tried = 0;
  for (const { job, otp } of pairs(card, known).slice(0, RECORDS)) {
    const st = stretch(otp, opened.salt);
    const tries = tryEveryKey(broker, windowsMax, (key) => openJob(job, key, st) !== null);
    if (tries.opened > 0) throw new Error(`${job.user}'s ${job.job} opens after its end`);
    tried += tries.tried;
  }
  return { tried, opened: 0 };
}

function pairs(card: Card, known: readonly KnownOtp[]): { job: CardJob; otp: string }[] {
  return card.jobs.flatMap((job) => {
    const otp = known.find((each) => each.user === job.user && each.job === job.job)?.otp;
    return otp === undefined ? [] : [{ job, otp }];
  });
}
