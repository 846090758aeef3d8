/** What the registry's tests share: scratch folders, and an agent's keys as the agent makes them. */
import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cryptoProvider, PemConverter, Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { afterAll, onTestFinished } from "vitest";
import { type AdminHandlers, createAdminHandlers } from "../../broker/admin-ops.ts";
import { configSchema } from "../../broker/config.ts";
import { openDatabase } from "../../broker/database.ts";
import type { ContactNotice } from "../../broker/enrolment.ts";
import { openRegistry, type Registry } from "../../broker/registry.ts";
import type { AgentCondition, AuditEntry, AuditQuery, RelayActions } from "../../broker/registry-port.ts";
import type { Warning } from "../../broker/warning.ts";
import { type CodeKind, type FirstContact, parseCode } from "../../wire/code.ts";
import { PlatenError } from "../../wire/error.ts";
import { encodeJson } from "../../wire/json.ts";
import type { Reason } from "../../wire/reason.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
cryptoProvider.set(webcrypto as Crypto);

/** Folders that are gone after the file's tests. */
export function openScratch(): { folder: () => string } {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  return {
    folder: () => {
      const folder = mkdtempSync(join(tmpdir(), "platen-broker-"));
      folders.push(folder);
      return folder;
    },
  };
}

export interface AgentKeys {
  readonly keyPem: string;
  readonly csr: string;
}

export async function createAgentKey(subject = "CN=platen-agent"): Promise<AgentKeys> {
  const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"])) as CryptoKeyPair;
  return { keyPem: await exportKey(keys.privateKey), csr: await createCsr(keys, subject) };
}

/** Another request for the same key: ECDSA signatures differ each time. */
export async function createCsr(keys: CryptoKeyPair, subject = "CN=platen-agent"): Promise<string> {
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: subject,
    keys,
    signingAlgorithm: ALGORITHM,
  });
  return request.toString("pem");
}

export async function createRecipient(): Promise<string> {
  return identityToRecipient(await generateX25519Identity());
}

async function exportKey(key: CryptoKey): Promise<string> {
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", key as webcrypto.CryptoKey);
  return PemConverter.encode(pkcs8, "PRIVATE KEY");
}

/** The error of something that must fail with one of ours. */
export async function failure(work: Promise<unknown> | (() => unknown)): Promise<PlatenError> {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    if (error instanceof PlatenError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

/** What the relay was asked to do, in order. */
class RelayRecorder implements RelayActions {
  readonly asked: string[] = [];
  readonly connected = new Set<string>();
  entries: AuditEntry[] = [];
  readonly conditions = new Map<string, AgentCondition>();
  needs: Warning[] = [];

  hideStatuses(user: string): void {
    this.asked.push(`hideStatuses ${user}`);
  }

  cancelAll(user: string, reason: Reason): number {
    this.asked.push(`cancelAll ${user} ${reason}`);
    return 2;
  }
  cancel(user: string, job: string, reason: Reason): boolean {
    this.asked.push(`cancel ${user} ${job} ${reason}`);
    return job !== "unknown-job";
  }
  disconnectUser(user: string): void {
    this.asked.push(`disconnectUser ${user}`);
  }
  revokeAgent(agent: string): void {
    this.asked.push(`revokeAgent ${agent}`);
  }
  audit(query: AuditQuery): AuditEntry[] {
    this.asked.push(`audit ${JSON.stringify(query)}`);
    return this.entries;
  }
  counts(): Readonly<Record<string, number>> {
    return { jobs: 3 };
  }
  isConnected(agent: string): boolean {
    return this.connected.has(agent);
  }
  condition(agent: string): AgentCondition | null {
    return this.conditions.get(agent) ?? null;
  }
  warnings(): Warning[] {
    return this.needs;
  }
}

export interface TestRegistry {
  readonly registry: Registry;
  readonly handlers: AdminHandlers;
  readonly relay: RelayRecorder;
  readonly notices: ContactNotice[];
  readonly warnings: Warning[];
  /** Unix seconds; move it forward. */
  readonly clock: { now: number };
}

/** A whole registry on a folder of its own; closed after the test. `settings` as in broker.toml. */
export async function openTestRegistry(
  dataDir: string,
  settings: Record<string, unknown> = {},
  clock = { now: 1_800_000_000 },
): Promise<TestRegistry> {
  const config = configSchema.parse({ dataDir, ...settings });
  const database = openDatabase(join(dataDir, "broker.db"));
  const notices: ContactNotice[] = [];
  const warnings: Warning[] = [];
  const registry = await openRegistry(
    { config, database, address: () => "broker.example:8884", now: () => clock.now },
    { onContact: (notice) => notices.push(notice), onWarning: (warning) => warnings.push(warning) },
  );
  onTestFinished(() => {
    registry.close();
    database.close();
  });
  const relay = new RelayRecorder();
  return { registry, handlers: createAdminHandlers(registry, relay), relay, notices, warnings, clock };
}

/** A claim as an agent makes it. */
export async function createClaim(): Promise<{ csr: string; recipient: string; bootShare: string }> {
  const [{ csr }, recipient] = await Promise.all([createAgentKey(), createRecipient()]);
  return { csr, recipient, bootShare: randomBytes(32).toString("base64") };
}

/** The reply to a first contact, as the two programs see it. */
export async function contact(
  { registry }: Pick<TestRegistry, "registry">,
  code: { readonly kind: CodeKind; readonly id: string },
  request: unknown,
): Promise<Record<string, unknown> & { ok: boolean }> {
  const reply = await registry.enrolment.handle(code.kind, code.id, encodeJson(request), "192.0.2.1");
  return JSON.parse(new TextDecoder().decode(reply));
}

export function readCode(kind: CodeKind, text: string | null): FirstContact {
  const code = parseCode(kind, text ?? "");
  if (!code) throw new Error(`no ${kind} code`);
  return code;
}

/** Adds a printer with an agent of its name, enrols it and lets it say hello. */
export async function addEnrolled(test: TestRegistry, name: string, languages = ["pdf", "text"]) {
  const added = await test.handlers["printer.add"]({ name });
  const claim = await createClaim();
  const reply = await contact(test, readCode("claim", added.code), claim);
  if (!reply.ok) throw new Error(String(reply.sentence));
  test.registry.directory.recordHello(name, [{ name, languages, raw: false }]);
  return { ...claim, certificate: String(reply.certificate) };
}
