/** Keys, signed lists, codes: what a first contact and a sender must not be deceived by. */
import { readBundle, readSigned } from "../../../broker/fleet-bundle.ts";
import { decodeBase64, decodeBase64Url, encodeBase64, encodeBase64Url } from "../../../wire/base64.ts";
import { formatCode, parseAddress, parseCode } from "../../../wire/code.ts";
import { isPlatenError } from "../../../wire/error.ts";
import {
  decodePublicKey,
  type FleetKey,
  formatPublicKey,
  formatPublicKeyFile,
  formatSecretKeyFile,
  parsePublicKey,
  parseSecretKeyFile,
  verifyMessage,
} from "../../../wire/minisign.ts";
import {
  formatList,
  formatTerms,
  type ListTerms,
  parseTerms,
  signList,
  verifyList,
} from "../../../wire/recipients.ts";
import { bytesOf, choose, claim, claimSame, type FuzzTarget, tolerate } from "../target.ts";

/** A key for tests: everybody knows its seed. */
const KEY: FleetKey = {
  id: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
  key: Buffer.from("ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c", "hex"),
  seed: new Uint8Array(32).fill(7),
};
const NOW = 1_700_000_000;
const TERMS: ListTerms = {
  target: "lobby",
  serial: 3,
  expires: 1_795_000_000,
  otp: 8,
  languages: ["pdf", "pcl"],
};
const LIST = formatList("lobby", [{ printer: "lobby", recipient: `age1${"q".repeat(58)}` }]);
const MINISIG = signList(KEY, LIST, TERMS);
const LIST_CODES = [
  "list-malformed",
  "list-unsigned",
  "list-wrong-target",
  "list-expired",
  "list-older",
  "lists-refused",
] as const;

function isTold(error: unknown): boolean {
  return LIST_CODES.some((code) => isPlatenError(error, code));
}

/** The genuine signature over the genuine list is the only one there is. */
function judgeList(data: Uint8Array): void {
  const at = Buffer.from(data).indexOf("\0");
  if (at < 0) return;
  const offered = { target: "lobby", list: data.subarray(0, at), minisig: data.subarray(at + 1) };
  const list = tolerate(isTold, () => verifyList(KEY, offered, 0, NOW));
  const comment = verifyMessage(KEY, offered.list, new TextDecoder().decode(offered.minisig));
  claim(list === null || comment !== null, "a list that is taken was signed");
  if (comment === null) return;
  claim(Buffer.from(offered.list).equals(bytesOf(LIST)), "no other list passes");
  claim(comment === formatTerms(TERMS), "nor other terms");
}

function judgeKeys(text: string): void {
  const key = parsePublicKey(text);
  if (key) claimSame(parsePublicKey(formatPublicKeyFile(key)), key, "a key can be written again");
  const secret = parseSecretKeyFile(text);
  if (secret) claimSame(parseSecretKeyFile(formatSecretKeyFile(secret)), secret, "a secret key too");
  const terms = parseTerms(text);
  if (terms) {
    claim(/^[a-z0-9-]{1,32}$/.test(terms.target), "terms name a target");
    claimSame(parseTerms(formatTerms(terms)), terms, "terms can be written again");
  }
  const [plain, url] = [decodeBase64(text), decodeBase64Url(text)];
  if (plain) claim(encodeBase64(plain) === text, "base64 has one text");
  if (url) claim(encodeBase64Url(url) === text, "base64url too");
}

function judgeCodes(text: string): void {
  for (const kind of ["claim", "invite"] as const) {
    const code = parseCode(kind, text);
    if (code) claim(formatCode(code) === text.replace(/\s+/g, ""), "a code has one text");
  }
  const address = parseAddress(text);
  if (address) claim(address.port > 0 && address.port < 65_536 && !/\s/.test(address.host), "an address");
}

function judgeBundles(text: string): void {
  const shown = tolerate(isTold, () => readBundle(text)) ?? [];
  for (const { printers, fingerprints } of shown)
    claim(printers.length === fingerprints.length, "each recipient has its fingerprint");
  tolerate(isTold, () => readSigned(text));
}

const contact = {
  address: "broker.example:8883",
  caFingerprint: new Uint8Array(32).fill(9),
  fleet: KEY,
  id: "0123456789abcdef",
  secret: new Uint8Array(16).fill(3),
};
const pending = {
  ...TERMS,
  printers: [{ printer: "lobby", recipient: `age1${"q".repeat(58)}`, fresh: true }],
};

export const target: FuzzTarget = {
  about: "fleet keys, signed lists and their bundles, claim codes and invites, addresses, base64",
  maxBytes: 2048,
  words: [
    ...[
      "untrusted comment: ",
      "trusted comment: ",
      "platen target=",
      " serial=",
      " expires=",
      " otp=",
      " languages=",
    ],
    ...["platen-claim-", "platen-invite-", "age1", "# ", '"lists":[', '"minisig":', "\r\n"],
  ],
  seeds: () => [
    choose(0, bytesOf(`${LIST}\0${MINISIG}`)),
    choose(0, bytesOf(`${LIST}\0${MINISIG.replace("serial=3", "serial=4")}`)),
    choose(0, bytesOf(`${LIST}#\n\0${MINISIG}`)),
    choose(1, bytesOf(formatPublicKeyFile(KEY))),
    choose(1, bytesOf(formatSecretKeyFile(KEY))),
    choose(1, bytesOf(formatTerms(TERMS))),
    ...["QQ==", "QUI=", "QUJD", "QQ", "-_8"].map((text) => choose(1, bytesOf(text))),
    choose(2, bytesOf(formatCode({ kind: "claim", ...contact }))),
    choose(2, bytesOf(formatCode({ kind: "invite", ...contact }))),
    choose(2, bytesOf("[2001:db8::1]:8883")),
    choose(3, bytesOf(JSON.stringify({ v: 1, fleet: formatPublicKey(KEY), lists: [pending] }))),
    choose(3, bytesOf(JSON.stringify({ v: 1, lists: [{ target: "lobby", minisig: MINISIG }] }))),
  ],
  run(data) {
    const rest = data.subarray(1);
    const choice = (data[0] ?? 0) & 3;
    decodePublicKey(rest);
    if (choice === 0) return judgeList(rest);
    const text = Buffer.from(rest).toString("utf8");
    [judgeKeys, judgeKeys, judgeCodes, judgeBundles][choice]?.(text);
  },
};
