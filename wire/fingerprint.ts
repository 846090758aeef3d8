/** What two people compare before the fleet key signs a printer: the agent shows it when it enrols, the broker when it asks. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** SHA-256 of the age recipient (`age1...`), its first 32 hex digits in groups of 4: `91ab 03f2 ...`. 128 bits withstand a forger. */
export function fingerprintRecipient(recipient: string): string {
  const hex = bytesToHex(sha256(utf8ToBytes(recipient)));
  return hex.slice(0, 32).replace(/(.{4})(?=.)/g, "$1 ");
}
