/** What must not be found, in every form a careless program could have left it in. */

/** Where something was taken from. */
export type Place = "card" | "broker" | "relayed" | "capture" | "crash";

export interface Secret {
  /** `document`, `name`, `otp`, `password` ... for the report; never the value. */
  readonly what: string;
  /** A text is also sought as a text: UTF-16, JSON, percent-encoded. */
  readonly value: string | Uint8Array;
  /** Where it lies in earnest, as docs/architecture.md says. */
  readonly mayBe: readonly Place[];
}

export interface Needle {
  readonly what: string;
  readonly how: string;
  readonly bytes: Buffer;
}

const SLICE_BYTES = 32;
/** A slice with fewer different bytes is padding. */
const DISTINCT_MIN = 12;
/** Of a long document so many slices, evenly spread, are sought in the longer forms as well. */
const ENCODED_SLICES = 12;
/** Shorter needles turn up by chance. */
const NEEDLE_BYTES_MIN = 8;

/** Every form of a text or of bytes. */
export function makeNeedles({ what, value }: Pick<Secret, "what" | "value">): Needle[] {
  const plain = Buffer.from(value);
  const forms: [string, Buffer][] = [["plain", plain], ...encodeBytes(plain)];
  if (typeof value === "string") forms.push(...encodeText(value));
  const seen = new Set<string>();
  return forms
    .filter(([, bytes]) => bytes.length >= NEEDLE_BYTES_MIN)
    .filter(([, bytes]) => !seen.has(bytes.toString("latin1")) && seen.add(bytes.toString("latin1")))
    .map(([how, bytes]) => ({ what, how, bytes }));
}

/** Slices that lie side by side, so that any run of 63 bytes of the document holds a whole one. */
export function sliceNeedles(what: string, document: Uint8Array): Needle[] {
  const slices: Uint8Array[] = [];
  for (let at = 0; at + SLICE_BYTES <= document.length; at += SLICE_BYTES) {
    const slice = document.subarray(at, at + SLICE_BYTES);
    if (new Set(slice).size >= DISTINCT_MIN) slices.push(slice);
  }
  const step = Math.max(1, Math.floor(slices.length / ENCODED_SLICES));
  return slices.flatMap((slice, i) =>
    i % step === 0
      ? makeNeedles({ what, value: slice })
      : [{ what, how: "plain", bytes: Buffer.from(slice) }],
  );
}

/** An OTP also as people read it and as key codes. */
export function otpNeedles(otp: string): Needle[] {
  const grouped = [3, 4].map((size) => otp.replace(new RegExp(`(.{${size}})(?=.)`, "g"), "$1 "));
  return [
    ...makeNeedles({ what: "otp", value: otp }),
    ...grouped.flatMap((text) => makeNeedles({ what: "otp", value: text })),
    { what: "otp", how: "digits as bytes", bytes: Buffer.from([...otp].map(Number)) },
  ];
}

function encodeBytes(plain: Buffer): [string, Buffer][] {
  const hex = plain.toString("hex");
  const latin = plain.toString("latin1");
  return [
    ["hex", Buffer.from(hex)],
    ["HEX", Buffer.from(hex.toUpperCase())],
    ["hex, spaced", Buffer.from(hex.replace(/(..)(?=.)/g, "$1 "))],
    ["decimal list", Buffer.from([...plain].join(","))],
    ["bytes taken for Latin-1", Buffer.from(latin, "utf8")],
    ["JSON of Latin-1", Buffer.from(escapeJson(latin))],
    ...[0, 1, 2].flatMap((shift): [string, Buffer][] => {
      const text = cutBase64(plain, shift);
      const url = text.replaceAll("+", "-").replaceAll("/", "_");
      return [
        [`base64 at ${shift}`, Buffer.from(text)],
        [`base64url at ${shift}`, Buffer.from(url)],
      ];
    }),
  ];
}

function encodeText(text: string): [string, Buffer][] {
  const little = Buffer.from(text, "utf16le");
  const escaped = escapeJson(text);
  const ascii = escaped.replace(
    /[\u0080-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return [
    ["UTF-16LE", little],
    ["UTF-16BE", Buffer.from(little).swap16()],
    ["JSON", Buffer.from(escaped)],
    ["JSON in ASCII", Buffer.from(ascii)],
    ["JSON in JSON", Buffer.from(escapeJson(escaped))],
    ["percent", Buffer.from(encodeURIComponent(text))],
    ["SQL", Buffer.from(text.replaceAll("'", "''"))],
  ];
}

function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** What is the bytes' alone where they stand `shift` bytes into a group of three. */
function cutBase64(plain: Buffer, shift: number): string {
  const whole = Buffer.concat([Buffer.alloc(shift), plain])
    .toString("base64")
    .replace(/=+$/, "");
  return whole.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + plain.length) * 8) / 6));
}
