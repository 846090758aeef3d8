/** What each reason means to the person who reads it: what happened, and what to do. */
import type { Reason } from "./reason.ts";

export const REASON_SENTENCES: Readonly<Record<Reason, string>> = {
  malformed: "The job is not as the protocol says. Check the sending program.",
  incomplete: "Parts of the document never came, or their count was wrong. Send it again.",
  "too-large": "The document is larger than this broker takes. Print it in pieces.",
  quota: "There are too many jobs of yours waiting, or too many in this hour. Print or cancel some, or wait.",
  duplicate: "This job id was used before. Send the document under a new one.",
  replayed: "This very sealed file was sent before. Seal the document anew to print it again.",
  "unknown-target": "There is no such printer or group. Check the name.",
  "not-sealed-to-us":
    "The document is not sealed to this printer. Fetch the recipients list again and send anew.",
  damaged: "The sealed document is damaged or cut short. Send it again.",
  mismatch: "The seal names another user, job or target than the topic. Check the sending program.",
  "otp-policy": "The one-time password has not the length this target asks for. Send it again.",
  "expiry-policy": "The time of expiry is past, or more than 7 days ahead. Send it again with another.",
  language: "The printer does not understand this kind of document. Convert it, or send it as raw.",
  expired: "Nobody printed it in time. It was destroyed; send it again if it is still wanted.",
  "by-sender": "The sender withdrew it.",
  "by-administrator": "The administrator withdrew it.",
  "otp-collision":
    "By chance another sender drew the same one-time password. Nothing was printed; send it again.",
  "printed-elsewhere": "Another printer of the group printed it.",
  paper: "The printer is out of paper. Refill it and type the one-time password again.",
  cover: "The printer's cover is open. Close it and type the one-time password again.",
  jam: "Paper is jammed in the printer. Clear it and type the one-time password again.",
  offline: "The printer does not answer. Check that it is on, and type the one-time password again.",
  stalled: "The printer stopped taking data. Look at the printer, then type the one-time password again.",
  cable: "The connection to the printer broke. Check the cable, then type the one-time password again.",
  device: "The printer reported a fault. Look at the printer, then type the one-time password again.",
  power:
    "The printer's computer stopped in the middle. Type the one-time password again to print a second copy.",
  "disk-full": "There is no room for the document at the moment. Try again later; tell the administrator.",
  lost: "The document was lost at the printer's computer. Send it again.",
  revoked: "The printer was withdrawn by the administrator. Send the document to another.",
  internal: "Something unexpected happened. Send it again; tell the administrator.",
};
