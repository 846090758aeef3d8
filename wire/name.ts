/** Names and job ids: the only strings from outside that may become part of a topic, a path or a key. */

const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;
const JOB_ID = /^[A-Za-z0-9-]{8,64}$/;
const PART_NUMBER = /^(?:0|[1-9][0-9]{0,6})$/;

/** A user, printer, group, target or agent name: `[a-z0-9][a-z0-9-]{0,31}`. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/** A job id, chosen by the sender, unique per user: 8 to 64 of `[A-Za-z0-9-]`. */
export function isJobId(text: string): boolean {
  return JOB_ID.test(text);
}

/** A part number without leading zeros, or null. At most 7 digits: 10 million parts. */
export function parsePartNumber(text: string): number | null {
  return PART_NUMBER.test(text) ? Number(text) : null;
}

/** A job is named by the pair, never by the job id alone: two users may choose the same id. */
export interface JobRef {
  readonly user: string;
  readonly job: string;
}

/** The pair as one string, length-prefixed so that no two pairs share it: `5.alice.job-id`. Safe as a file name. */
export function jobKey(ref: JobRef): string {
  return `${ref.user.length}.${ref.user}.${ref.job}`;
}

/** {@link jobKey} as bytes, for AAD, salts and tags. */
export function jobKeyBytes(ref: JobRef): Uint8Array {
  return new TextEncoder().encode(jobKey(ref));
}
