/** The registry put together: authority, accounts, codes, agents, printers, lists; kept up to date by the hour. */
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { UserAccounts } from "./accounts.ts";
import { type AdminServer, openAdmin, refuseSecond } from "./admin.ts";
import { createAdminHandlers } from "./admin-ops.ts";
import { CertificateRegister } from "./agent-certificates.ts";
import { type BrokerAuthority, openAuthority } from "./authority.ts";
import { warnOfPins } from "./authority-pins.ts";
import { BootShareFile, warnOfShares } from "./boot-shares.ts";
import { ContactCodes } from "./codes.ts";
import type { BrokerConfig } from "./config.ts";
import type { BrokerDatabase } from "./database.ts";
import { PrinterDirectory } from "./directory.ts";
import { DirectoryChanges } from "./directory-changes.ts";
import { type ContactNotice, FirstContacts } from "./enrolment.ts";
import { type Fleet, openFleet } from "./fleet.ts";
import { SignedLists } from "./lists.ts";
import type { RelayActions } from "./registry-port.ts";
import type { Warning } from "./warning.ts";

const MAINTAIN_MS = 3_600_000;

/** What the registry tells the log of the program it runs in. Nothing secret in it. */
export interface RegistryListener {
  onContact(notice: ContactNotice): void;
  /** Once for each warning when it begins. */
  onWarning(warning: Warning): void;
}

interface RegistryPlace {
  readonly config: BrokerConfig;
  /** Brought to its schema, owned by the caller. */
  readonly database: BrokerDatabase;
  /** What codes carry; asked for each time, because a port may be known late. */
  readonly address: () => string;
  /** Unix seconds; tests set it. */
  readonly now?: () => number;
}

/**
 * Opens (at the first start: makes) everything in `config.dataDir`. Close it after the relay.
 * @throws PlatenError `already-there` while another broker runs there, `authority-damaged`, `certificate-unusable`, `fleet-key-unusable`
 */
export async function openRegistry(place: RegistryPlace, listener: RegistryListener): Promise<Registry> {
  const { config, database, now = unixNow } = place;
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  chmodSync(config.dataDir, 0o700);
  await refuseSecond(config.dataDir);
  const fleet = openFleet(config.dataDir, config.fleet, database);
  const authority = await openAuthority(config.dataDir, config, now);
  const bootShares = new BootShareFile(join(config.dataDir, "boot-shares.slots"));
  const registry = new Registry({ ...place, now, fleet, authority, bootShares }, listener);
  await registry.maintain();
  return registry;
}

interface Opened extends Required<RegistryPlace> {
  readonly fleet: Fleet;
  readonly authority: BrokerAuthority;
  readonly bootShares: BootShareFile;
}

/** Use {@link openRegistry}. */
export class Registry {
  readonly database: BrokerDatabase;
  readonly now: () => number;
  readonly address: () => string;
  readonly fleet: Fleet;
  readonly authority: BrokerAuthority;
  readonly bootShares: BootShareFile;
  readonly accounts: UserAccounts;
  readonly codes: ContactCodes;
  readonly certificates: CertificateRegister;
  readonly lists: SignedLists;
  readonly directory: PrinterDirectory;
  readonly changes: DirectoryChanges;
  readonly enrolment: FirstContacts;
  readonly #dataDir: string;
  readonly #listener: RegistryListener;
  readonly #startedMs = performance.now();
  readonly #told = new Set<string>();
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(opened: Opened, listener: RegistryListener) {
    const { config, database, now, address, fleet, authority, bootShares } = opened;
    const { policy } = config;
    this.#dataDir = config.dataDir;
    this.#listener = listener;
    this.database = database;
    this.now = now;
    this.address = address;
    this.fleet = fleet;
    this.authority = authority;
    this.bootShares = bootShares;
    this.accounts = new UserAccounts(database, { now, running: () => performance.now() / 1000 });
    const lifetimes = { claim: policy.claimHours * 3600, invite: policy.inviteDays * 86_400 };
    const card = () => ({
      address: address(),
      caFingerprint: authority.caFingerprint,
      fleet: fleet.publicKey,
    });
    this.codes = new ContactCodes(database, lifetimes, card, now);
    this.certificates = new CertificateRegister(database, authority, now);
    this.lists = new SignedLists(database, fleet, { ...policy, ...config.fleet }, now);
    this.directory = new PrinterDirectory(database, this.accounts, this.lists);
    this.changes = new DirectoryChanges(database, this.codes, this.certificates, this.bootShares);
    this.enrolment = new FirstContacts(
      { ...this, printersOf: (agent) => this.directory.printersOf(agent) },
      (notice) => listener.onContact(notice),
    );
  }

  /** Listens for administrators. The caller closes what it returns before it closes the registry. */
  serveAdmin(relay: RelayActions): Promise<AdminServer> {
    return openAdmin(this.#dataDir, createAdminHandlers(this, relay));
  }

  uptimeSeconds(): number {
    return Math.floor((performance.now() - this.#startedMs) / 1000);
  }

  warnings(): Warning[] {
    return [
      ...this.authority.warnings(),
      ...warnOfPins(this.database, this.authority.caFingerprint, this.now()),
      ...this.certificates.warnings(),
      ...warnOfShares(this.database, this.bootShares, this.now()),
      ...this.lists.warnings(),
    ];
  }

  /** Renews what is due, forgets what is over, tells new warnings. Runs every hour; what fails is tried again then. */
  async maintain(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.maintain(), MAINTAIN_MS).unref();
    await this.authority.maintain();
    if (this.#closed) return;
    try {
      this.lists.refresh();
      this.codes.sweep();
      this.#tellWarnings();
    } catch (error) {
      const sentence = `The signed lists could not be renewed (${(error as Error).message}). It is tried again in an hour.`;
      this.#listener.onWarning({ kind: "list-failed", subject: "broker", at: this.now(), sentence });
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.bootShares.close();
  }

  #tellWarnings(): void {
    const warnings = this.warnings();
    const present = new Set(warnings.map(({ kind, subject }) => `${kind} ${subject}`));
    for (const key of this.#told) if (!present.has(key)) this.#told.delete(key);
    for (const warning of warnings) {
      const key = `${warning.kind} ${warning.subject}`;
      if (this.#told.has(key)) continue;
      this.#told.add(key);
      this.#listener.onWarning(warning);
    }
  }
}

function unixNow(): number {
  return Math.floor(Date.now() / 1000);
}
