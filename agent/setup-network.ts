/** The part of a set-up file that puts the machine on a network: what may stand there, checked before anything tries it. */
import { isIP } from "node:net";
import { z } from "zod";
import { straightenSingle } from "../wire/config-file.ts";

const WIFI_NAME_BYTES_MAX = 32;
const host = z
  .string()
  .regex(/^[A-Za-z0-9.:-]{1,253}$/, 'is no name or address of a machine, as in "time.example.org"');

const NO_COUNTRY =
  'Wi-Fi needs the country where this machine stands, as in country = "DE": radio rules differ, and nobody can guess it.';
const countries = new Intl.DisplayNames("en", { type: "region", fallback: "none" });

export const wifi = z.strictObject({
  name: z.string().refine((name) => name !== "" && Buffer.byteLength(name) <= WIFI_NAME_BYTES_MAX, {
    error: `“name” is the Wi-Fi's name, 1 to ${WIFI_NAME_BYTES_MAX} bytes long.`,
  }),
  /** Absent: an open network. 64 hexadecimal digits are the key itself (`wpa_passphrase`). */
  password: z
    .string()
    // An editor's: no Wi-Fi password has one.
    .overwrite(straightenSingle)
    .refine(isPassword, { error: ({ input }) => describePassword(String(input)) })
    .optional(),
  /** ISO 3166: radio rules differ from country to country. */
  country: z
    .string({ error: ({ input }) => (input === undefined ? NO_COUNTRY : undefined) })
    .refine(isCountry, { error: ({ input }) => describeCountry(String(input)) }),
  /** It does not announce its name. */
  hidden: z.boolean().default(false),
});

export const network = z
  .strictObject({
    address: z.string().refine((text) => splitPrefix(text) !== null, {
      error: 'The address needs the length of its network behind it, as in address = "192.168.1.20/24".',
    }),
    gateway: z
      .string()
      .refine((text) => isIP(text) !== 0, { error: "“gateway” is no address, as in 192.168.1.1." }),
    dns: z
      .array(z.string().refine((text) => isIP(text) !== 0, "is no address, as in 192.168.1.1"))
      .default([]),
  })
  .refine(({ address, gateway }) => sharesNetwork(address, gateway), {
    path: ["gateway"],
    error: "The gateway is not in the network of the address: nothing beyond it could be reached.",
  });

export const time = z.strictObject({
  /** Asked instead of Debian's servers, or those the network names itself. */
  ntp: z.array(host).min(1).max(8),
});

export const ssh = z.strictObject({
  /** Whoever has the other half may come in as root. Without it nothing listens. */
  key: z.string().refine(isPublicKey, { error: ({ input }) => describeKey(String(input)) }),
});

export type Wifi = z.infer<typeof wifi>;
export type Network = z.infer<typeof network>;

function isPassword(text: string): boolean {
  return /^[ -~]{8,63}$/.test(text) || /^[0-9a-fA-F]{64}$/.test(text);
}

function describePassword(text: string): string {
  if (text === "") return "The Wi-Fi password is empty. For an open Wi-Fi take the line away.";
  if (/[^ -~]/.test(text))
    return "The Wi-Fi password has a character that no Wi-Fi password may have. Type it by hand; with a \\ in it, put it in single quotes.";
  return `A Wi-Fi password has 8 to 63 characters; this one has ${text.length}.`;
}

function isCountry(text: string): boolean {
  if (!/^[A-Z]{2}$/.test(text) || text === "UK") return false;
  const name = countries.of(text);
  return name !== undefined && name !== "Unknown Region";
}

function describeCountry(text: string): string {
  if (/^uk$/i.test(text)) return 'The United Kingdom is country = "GB".';
  if (isCountry(text.toUpperCase()))
    return `Write the country in capitals: country = "${text.toUpperCase()}"`;
  return 'The country is two capital letters, as in country = "DE" for Germany or "US" for the United States.';
}

function splitPrefix(text: string): { readonly address: string; readonly bits: number } | null {
  const [, address = "", bits = ""] = /^([0-9a-fA-F.:]+)\/([0-9]{1,3})$/.exec(text) ?? [];
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  return family !== 0 && Number(bits) >= 1 && Number(bits) <= most ? { address, bits: Number(bits) } : null;
}

/** IPv4 only: an IPv6 router is often named by its link-local address. */
function sharesNetwork(text: string, gateway: string): boolean {
  const split = splitPrefix(text);
  if (split === null || isIP(split.address) !== 4 || isIP(gateway) !== 4) return true;
  const mask = split.bits === 32 ? 0xffffffff : ~(0xffffffff >>> split.bits);
  return (numberOf(split.address) & mask) === (numberOf(gateway) & mask);
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => (sum << 8) | Number(part), 0);
}

function isPublicKey(text: string): boolean {
  return /^(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]{40,}={0,2}(?: [^\n]*)?$/.test(
    text.trim(),
  );
}

function describeKey(text: string): string {
  return /PRIVATE KEY/.test(text)
    ? "This is the private half of the key, which belongs on no card. Take the line of the file whose name ends in .pub."
    : "This is no SSH key. It is one line that begins with ssh-ed25519 or ssh-rsa, in the file whose name ends in .pub.";
}
