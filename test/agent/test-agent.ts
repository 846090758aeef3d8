/** A whole agent in a folder of its own, enrolled with a test broker, with a pipe for a keypad and a file for a printer. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningAgent, startAgent } from "../../agent/agent.ts";
import { type AgentConfig, configSchema } from "../../agent/config.ts";
import { writeEnrolmentFile } from "../../agent/enrolment.ts";
import { drawBytes, generateSecrets, recipientOf, sealSecrets } from "../../agent/identity.ts";
import type { Panel, PanelState } from "../../agent/panel.ts";
import { createCsr, generateTlsKey } from "../../agent/tls-key.ts";
import { createHeader } from "../../wire/age-header.ts";
import { derivePayloadKey, PayloadSealer } from "../../wire/age-payload.ts";
import { encodeBase64 } from "../../wire/base64.ts";
import { nodeCipher } from "../../wire/cipher-node.ts";
import { encodeJson } from "../../wire/json.ts";
import { encodeManifest, type Manifest } from "../../wire/manifest.ts";
import { formatPublicKey, generateFleetKey } from "../../wire/minisign.ts";
import { issueAgent, type TestBroker } from "./aedes-broker.ts";

export const AGENT = "lobby-pi";

interface LogLine {
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface TestAgent {
  readonly dir: string;
  readonly recipient: string;
  readonly bootShare: Uint8Array;
  readonly output: string;
  readonly shown: PanelState[];
  readonly log: LogLine[];
  start(): Promise<RunningAgent>;
  type(keys: string): void;
  /** Resolves with the first line (from `since` on) of that event. */
  untilLog(event: string, since?: number): Promise<LogLine>;
  untilShown(matches: (state: PanelState) => boolean): Promise<void>;
  printed(): Buffer;
  close(): Promise<void>;
}

export async function createTestAgent(broker: TestBroker): Promise<TestAgent> {
  const dir = mkdtempSync(join(tmpdir(), "platen-agent-"));
  const dataDir = join(dir, "data");
  mkdirSync(dataDir, { mode: 0o700 });
  const key = await generateTlsKey();
  const secrets = await generateSecrets();
  const recipient = await recipientOf(secrets);
  const bootShare = drawBytes(32);
  writeEnrolmentFile(dataDir, "key", key);
  writeEnrolmentFile(dataDir, "secrets", sealSecrets(secrets, bootShare));
  writeEnrolmentFile(dataDir, "ca", broker.ca.pem);
  writeEnrolmentFile(dataDir, "certificate", await issueAgent(broker.ca, await createCsr(key, AGENT)));
  const record = { v: 1, agent: AGENT, address: broker.address, printers: ["lobby"], recipient };
  const fleet = formatPublicKey(generateFleetKey());
  writeEnrolmentFile(dataDir, "record", encodeJson({ ...record, fleet, code: "0123456789abcdef" }));
  const output = join(dir, "out.bin");
  const keys = join(dir, "keys");
  execFileSync("mkfifo", ["-m", "600", keys]);
  const config: AgentConfig = configSchema.parse({
    dataDir,
    printer: { lobby: { uri: `file:${output}` } },
    policy: { deliveredGraceSeconds: 0 },
    keypads: [`pipe:${keys}`],
  });
  return assemble({ dir, recipient, bootShare, output, keys, config });
}

interface Made {
  readonly dir: string;
  readonly recipient: string;
  readonly bootShare: Uint8Array;
  readonly output: string;
  readonly keys: string;
  readonly config: AgentConfig;
}

function assemble({ keys, config, ...made }: Made): TestAgent {
  const shown: PanelState[] = [];
  const log: LogLine[] = [];
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const watcher of [...watchers]) watcher();
  };
  const until = <T>(find: () => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      const look = () => {
        const found = find();
        if (found === undefined) return;
        watchers.delete(look);
        resolve(found);
      };
      watchers.add(look);
      look();
    });
  const panel: Panel = {
    show: (state) => {
      shown.push(state);
      changed();
    },
    tick: () => undefined,
    close: async () => undefined,
  };
  const write = (text: string) => {
    for (const line of text.split("\n").filter((part) => part !== "")) log.push(JSON.parse(line));
    changed();
  };
  let running: RunningAgent | null = null;
  return {
    ...made,
    shown,
    log,
    start: async () => {
      await running?.close();
      running = await startAgent(config, {
        log: { write },
        panel,
        backoff: { firstMs: 10, maxMs: 50 },
      });
      return running;
    },
    type: (text) => {
      const fd = openSync(keys, "w");
      writeSync(fd, text);
      closeSync(fd);
    },
    untilLog: (event, since = 0) => until(() => log.slice(since).find((line) => line.event === event)),
    untilShown: async (matches) => {
      await until(() => shown.findLast(matches));
    },
    printed: () => readFileSync(made.output),
    close: async () => {
      await running?.close();
      rmSync(made.dir, { recursive: true, force: true });
    },
  };
}

/** A sealed job as a sender makes it, cut into parts. */
export async function sealJob(
  recipient: string,
  manifest: Manifest,
  document: Uint8Array,
  partBytes = 16 * 1024,
): Promise<Buffer[]> {
  const { header, fileKey } = await createHeader([recipient]);
  const nonce = drawBytes(16);
  const sealer = new PayloadSealer(nodeCipher, derivePayloadKey(fileKey, nonce));
  const plaintext = Buffer.concat([encodeManifest(manifest), document]);
  const chunks = [...sealer.push(plaintext)].map((chunk) => Buffer.from(chunk));
  const file = Buffer.concat([header, nonce, ...chunks, sealer.end()]);
  const parts: Buffer[] = [];
  for (let at = 0; at < file.length; at += partBytes) parts.push(file.subarray(at, at + partBytes));
  return parts;
}

/** What the test broker answers as a broker would: shares, events, and parts of `jobs` under credit. */
export function serveAgent(
  broker: TestBroker,
  agent: TestAgent,
  jobs: Map<string, readonly Uint8Array[]>,
): { escrow: Map<string, string>; events: { state: string; job: string; final: boolean }[] } {
  const escrow = new Map<string, string>();
  const events: { state: string; job: string; final: boolean }[] = [];
  broker.answer = ({ name, body }) => {
    switch (name) {
      case "hello":
        return { time: Math.floor(Date.now() / 1000), agent: AGENT, printers: ["lobby"] };
      case "boot":
        return { share: encodeBase64(agent.bootShare) };
      case "put":
        for (const { attempt, tag, share } of body.shares) escrow.set(`${attempt} ${tag}`, share);
        return { results: body.shares.map(() => "stored") };
      case "ask":
        return {
          // biome-ignore lint/suspicious/noExplicitAny: the call as it came
          shares: body.asks.map(({ attempt, tag }: any) => escrow.get(`${attempt} ${tag}`) ?? null),
        };
      case "event":
        events.push(...body.events);
        // biome-ignore lint/suspicious/noExplicitAny: the call as it came
        return { confirmed: body.events.map(({ id }: any) => id) };
      case "parts":
        for (let n = body.from; n < body.from + body.window; n++) {
          const part = jobs.get(body.job)?.[n];
          if (part) broker.part(AGENT, body, n, part);
        }
        return null;
      default:
        return { refused: "unknown" };
    }
  };
  return { escrow, events };
}

export function ticketOf(job: string, parts: readonly Uint8Array[], early = false): object {
  return {
    user: "alice",
    job,
    target: "lobby",
    printers: ["lobby"],
    want: "take",
    reason: null,
    parts: early ? null : parts.length,
    bytes: early ? null : parts.reduce((sum, { length }) => sum + length, 0),
    expires: null,
    otp: 8,
    group: false,
  };
}
