/** The line of JSON before the document, however the stream is cut. */
import { MANIFEST_BYTES_MAX } from "../../../wire/limits.ts";
import { encodeManifest, type Manifest, ManifestReader, parseManifest } from "../../../wire/manifest.ts";
import { bytesOf, claim, claimSame, cutUp, type FuzzTarget } from "../target.ts";

function read(pieces: Iterable<Uint8Array>) {
  const reader = new ManifestReader();
  const document: Uint8Array[] = [];
  let taken = 0;
  for (const piece of pieces) {
    document.push(Uint8Array.from(reader.push(Uint8Array.from(piece))));
    taken += piece.length;
    if (taken >= MANIFEST_BYTES_MAX) claim(reader.result !== null, "decided within 8 KiB");
  }
  return { result: reader.end(), document: Buffer.concat(document) };
}

const full: Manifest = {
  v: 1,
  otp: "48213907",
  expires: 1_795_000_000,
  name: "Märchen.pdf",
  type: "application/pdf",
  copies: 3,
  user: "alice",
  job: "0000-aaaa",
  to: "lobby",
  sha256: "ab".repeat(32),
  set: "set-0000",
  seq: 1,
  of: 2,
  raw: true,
};

export const target: FuzzTarget = {
  about: "the manifest and where the document begins",
  maxBytes: 9000,
  words: [
    '{"v":1,"otp":"',
    '"}\n',
    ...Object.keys(full).map((field) => `"${field}":`),
    "\\u0000",
    "__proto__",
  ],
  seeds: () => [
    Buffer.concat([Buffer.of(7), encodeManifest(full), bytesOf("%PDF-1.7\n")]),
    bytesOf('\x01{"v":1,"otp":"48213907"}\nHello\n'),
    bytesOf('?{"v":1,"otp":"0123456789","more":{"a":[1,2,3]}}\n\x1b@'),
  ],
  run(data) {
    const whole = Buffer.from(data.subarray(1));
    const cut = read(cutUp(data));
    const once = read([whole]);
    claimSame(cut, once, "cuts change nothing");
    const { result, document } = once;
    const line = whole.indexOf(0x0a);
    if (!result.ok) {
      claim(document.length === 0, "a bad manifest lets no byte through");
      return;
    }
    claim(line >= 0 && line < MANIFEST_BYTES_MAX, "the line is bounded");
    claim(document.equals(whole.subarray(line + 1)), "the document begins right after the line");
    claim(/^[0-9]{6,12}$/.test(result.manifest.otp), "an OTP is digits");
    const again = parseManifest(encodeManifest(result.manifest).subarray(0, -1));
    claimSame(again, result, "what was read can be written and read again");
  },
};
