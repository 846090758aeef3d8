/**
 * The fleet key: what every sender has pinned. It lies in `fleet/` of the data directory and signs by itself, or its
 * secret half is kept elsewhere and the broker only checks. The pin in the database keeps another key from slipping in.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "../wire/durable-file.ts";
import { PlatenError } from "../wire/error.ts";
import {
  type FleetKey,
  type FleetPublicKey,
  formatPublicKey,
  formatPublicKeyFile,
  formatSecretKeyFile,
  generateFleetKey,
  parsePublicKey,
  parseSecretKeyFile,
} from "../wire/minisign.ts";
import type { BrokerConfig } from "./config.ts";
import type { BrokerDatabase } from "./database.ts";

export interface Fleet {
  readonly publicKey: FleetPublicKey;
  /** Null when it is kept elsewhere. */
  readonly secret: FleetKey | null;
}

const KEY_FILE = "fleet.key";
const PUBLIC_FILE = "fleet.pub";

/**
 * Makes a key pair in `folder`, as minisign writes them: `fleet.key` (0600, without a password) and `fleet.pub`.
 * @throws PlatenError `already-there`: an old key is never overwritten
 */
export function createFleetFiles(folder: string): FleetKey {
  const keyFile = join(folder, KEY_FILE);
  if (existsSync(keyFile)) {
    const hint = "Senders have pinned it; use it, or choose another folder.";
    throw new PlatenError("already-there", { what: keyFile, hint });
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const key = generateFleetKey();
  writeDurably(keyFile, formatSecretKeyFile(key), 0o600);
  writeDurably(join(folder, PUBLIC_FILE), formatPublicKeyFile(key), 0o644);
  return key;
}

/** @throws PlatenError `fleet-key-unusable` */
export function readFleetKey(file: string): FleetKey {
  const key = parseSecretKeyFile(readText(file));
  if (key) return key;
  const why = "it is damaged or has a password; minisign -G -W makes one without";
  throw new PlatenError("fleet-key-unusable", { file, why });
}

/**
 * Opens the fleet key as configured; makes one at the first start where none is named.
 * @throws PlatenError `fleet-key-unusable` when it is missing, damaged, or not the one senders have pinned
 */
export function openFleet(dataDir: string, config: BrokerConfig["fleet"], database: BrokerDatabase): Fleet {
  const folder = join(dataDir, "fleet");
  const pinned = readPin(database);
  const fleet = findFleet(folder, config, pinned);
  const present = formatPublicKey(fleet.publicKey);
  if (pinned !== null && pinned !== present) {
    throw new PlatenError("fleet-key-unusable", {
      file: config.key ?? (config.publicKey ? "fleet.publicKey" : folder),
      why: `it is ${present}, not ${pinned}`,
    });
  }
  database.prepare("INSERT INTO fleet_pin VALUES (1, ?) ON CONFLICT DO NOTHING").run(present);
  return fleet;
}

function findFleet(folder: string, config: BrokerConfig["fleet"], pinned: string | null): Fleet {
  if (config.publicKey !== undefined) return elsewhere(config.publicKey, "fleet.publicKey");
  const keyFile = config.key ?? join(folder, KEY_FILE);
  if (config.key !== undefined || existsSync(keyFile)) {
    const secret = readFleetKey(keyFile);
    return { publicKey: secret, secret };
  }
  // It was here once and was moved away: from now on lists are signed elsewhere.
  if (pinned !== null) return elsewhere(pinned, folder);
  const publicFile = join(folder, PUBLIC_FILE);
  if (existsSync(publicFile)) return elsewhere(readText(publicFile), publicFile);
  const secret = createFleetFiles(folder);
  return { publicKey: secret, secret };
}

function elsewhere(text: string, file: string): Fleet {
  const publicKey = parsePublicKey(text);
  if (!publicKey) throw new PlatenError("fleet-key-unusable", { file, why: "it is no minisign public key" });
  return { publicKey, secret: null };
}

function readPin(database: BrokerDatabase): string | null {
  const row = database.prepare("SELECT public_key FROM fleet_pin").get() as
    | { public_key: string }
    | undefined;
  return row?.public_key ?? null;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? "it cannot be read";
    throw new PlatenError("fleet-key-unusable", { file, why }, cause);
  }
}
