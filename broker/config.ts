/** The settings of the broker: `broker.toml`, over it `PLATEN_BROKER_*` from the environment. Every one has a default that works. */
import { hostname } from "node:os";
import { resolve } from "node:path";
import { z } from "zod";
import { parseAddress } from "../wire/code.ts";
import { loadConfig } from "../wire/config-file.ts";
import { defaultDataDir } from "../wire/data-dir.ts";
import {
  EXPIRES_DEFAULT_S,
  EXPIRES_MAX_S,
  OTP_DIGITS,
  OTP_DIGITS_LARGE_GROUP,
  OTP_GROUP_PRINTERS,
} from "../wire/limits.ts";
import { parsePublicKey } from "../wire/minisign.ts";

const MIB = 1024 ** 2;
const path = z.string().min(1).max(4096);
const serverName = z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/, "is no host name or IP address");
const address = z.string().refine((text) => parseAddress(text) !== null, "is neither host nor host:port");
const publicKey = z
  .string()
  .refine((text) => parsePublicKey(text) !== null, "is no minisign public key (RW...)");

const listen = z.strictObject({
  /** The interface to listen on. Default: all, IPv6 and IPv4. */
  host: z.string().min(1).optional(),
  /** 8883, the registered port of MQTT over TLS. 0 takes any free one. */
  port: z.int().min(0).max(65535).default(8883),
});

const tls = z.strictObject({
  /** Names and IP addresses that agents and senders use, beside localhost and this machine's own name. */
  names: z.array(serverName).max(64).default([]),
  /** A certificate chain of your own (PEM), instead of one by the broker's own authority. Needs `key`. */
  cert: path.optional(),
  key: path.optional(),
  /** The CA of that chain (PEM), which codes pin. Default: the last certificate in `cert`, which must be self-signed. */
  ca: path.optional(),
});

const policy = z.strictObject({
  /** Digits of an OTP, for a printer or a group. */
  otpDigits: z.int().min(8).max(12).default(OTP_DIGITS),
  /** Digits for groups of more than `largeGroupPrinters`: each agent of a group can be guessed at. */
  otpDigitsLargeGroup: z.int().min(8).max(12).default(OTP_DIGITS_LARGE_GROUP),
  largeGroupPrinters: z.int().min(1).max(64).default(OTP_GROUP_PRINTERS),
  /** How long a job waits when its sender says nothing, and at most. Seconds. */
  expiresSeconds: z.int().min(60).max(EXPIRES_MAX_S).default(EXPIRES_DEFAULT_S),
  expiresMaxSeconds: z.int().min(60).max(EXPIRES_MAX_S).default(EXPIRES_MAX_S),
  /** How long a claim code of `platen printer add` is good. */
  claimHours: z.int().min(1).max(720).default(24),
  /** How long an invite of `platen user add` is good. */
  inviteDays: z.int().min(1).max(90).default(7),
});

const quota = z.strictObject({
  /** Per user: jobs that have not ended, their sealed bytes here, jobs begun in an hour. */
  liveJobs: z.int().min(1).default(100),
  userBytes: z
    .int()
    .min(1)
    .default(4096 * MIB),
  submissionsPerHour: z.int().min(1).default(240),
  /** Of one job, sealed. */
  jobBytes: z
    .int()
    .min(1)
    .default(2048 * MIB),
  /** Of all jobs together, and what always stays free on the disk. */
  totalBytes: z
    .int()
    .min(1)
    .default(20_480 * MIB),
  freeBytes: z
    .int()
    .min(0)
    .default(256 * MIB),
});

const limits = z.strictObject({
  /** Connections at once; from one address; from one address before they have logged in. */
  connections: z.int().min(1).default(4096),
  connectionsPerAddress: z.int().min(1).default(256),
  strangersPerAddress: z.int().min(1).default(32),
  /** Seconds a connection has for TLS and CONNECT. */
  loginSeconds: z.int().min(1).max(300).default(10),
});

const fleet = z.strictObject({
  /** The secret fleet key (minisign, without a password). Default: fleet/fleet.key in the data directory, made at the first start. */
  key: path.optional(),
  /** Set it to keep the secret key elsewhere: the broker then only checks, and lists wait for `platen fleet sign`. */
  publicKey: publicKey.optional(),
  /** false: a new printer waits until a person compared its fingerprint and ran `platen fleet sign`, though the key lies here. */
  autoSign: z.boolean().default(true),
  /** How long a signature is good; renewed at half of it. */
  listDays: z.int().min(2).max(3660).default(30),
});

export const configSchema = z.strictObject({
  /** Everything the broker keeps. Default: /var/lib/platen/broker where it is there and may be written, else ~/.local/state/platen/broker. */
  dataDir: path.default(() => defaultDataDir("broker")),
  listen: listen.prefault({}),
  /** `host` or `host:port` that codes tell agents and senders. Default: this machine's name and `listen.port`. */
  address: address.optional(),
  tls: tls.prefault({}),
  policy: policy.prefault({}),
  quota: quota.prefault({}),
  limits: limits.prefault({}),
  fleet: fleet.prefault({}),
  log: z.strictObject({ level: z.enum(["debug", "info", "warn", "error"]).default("info") }).prefault({}),
});

export type BrokerConfig = z.infer<typeof configSchema>;

interface ConfigPlace {
  readonly file?: string | undefined;
  /** True when a person named the file: then it must be there. */
  readonly required?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * @returns plain values; `dataDir` is absolute
 * @throws PlatenError `config-unreadable`, `config-invalid`, `config-unknown-key`
 */
export function loadBrokerConfig(place: ConfigPlace = {}): BrokerConfig {
  const config = loadConfig(configSchema, { ...place, envPrefix: "PLATEN_BROKER_" });
  return { ...config, dataDir: resolve(config.dataDir) };
}

/** What codes carry. `boundPort` is the port that `listen.port = 0` became. */
export function publicAddress(config: BrokerConfig, boundPort: number = config.listen.port): string {
  return config.address ?? `${hostname()}:${boundPort}`;
}
