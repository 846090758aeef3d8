/** The broker as one thing that runs: registry, relay and listener over one data directory. */
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { recipientsTopic, signatureTopic } from "../wire/topic.ts";
import { openClock } from "./clock.ts";
import { type BrokerConfig, publicAddress } from "./config.ts";
import { DATABASE, faultOfDatabase, openDatabase, refuseLost } from "./database.ts";
import { Guard } from "./guard.ts";
import type { Log } from "./log.ts";
import { EmbeddedMqtt } from "./mqtt-embedded.ts";
import type { MqttPort, MqttReceiver } from "./mqtt-port.ts";
import { PartStore } from "./part-store.ts";
import { openRegistry, type Registry } from "./registry.ts";
import type { Lists, RelayActions, SignedList } from "./registry-port.ts";
import { createRelay, type Relay } from "./relay.ts";
import { listen } from "./server.ts";
import { SlotFile } from "./slot-file.ts";
import { SWEEP_EVERY_MS } from "./sweep.ts";

/** What a test may set. */
export interface BrokerClocks {
  /** Unix seconds. */
  readonly now?: () => number;
  /** Milliseconds, never going back. */
  readonly monotonicMs?: () => number;
  readonly sweepEveryMs?: number;
}

export interface RunningBroker {
  /** `host:port` that codes carry. */
  readonly address: string;
  readonly port: number;
  /** Takes no more connections, cuts those there are, syncs and closes every file. */
  close(): Promise<void>;
}

/**
 * Starts the broker; resolves once it takes connections.
 * @throws PlatenError `schema-mismatch`, `database-damaged`, `storage-failed`, `already-there`, what the registry throws; `listen`'s errors
 */
export async function startBroker(
  config: BrokerConfig,
  log: Log,
  clocks: BrokerClocks = {},
): Promise<RunningBroker> {
  const closers: (() => unknown)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
    log.write("broker-closed", {});
  };
  try {
    return { ...(await start(config, log, clocks, closers)), close };
  } catch (error) {
    await close();
    throw faultOfDatabase(error, join(config.dataDir, DATABASE));
  }
}

async function start(
  config: BrokerConfig,
  log: Log,
  clocks: BrokerClocks,
  closers: (() => unknown)[],
): Promise<Omit<RunningBroker, "close">> {
  const monotonicMs = clocks.monotonicMs ?? (() => performance.now());
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  chmodSync(config.dataDir, 0o700);
  refuseLost(config.dataDir);
  const database = openDatabase(join(config.dataDir, DATABASE));
  closers.push(() => database.close());
  const now = openClock(database, clocks.now ?? (() => Math.floor(Date.now() / 1000)));
  let port = config.listen.port;
  const address = () => publicAddress(config, port);
  const registry = await openRegistry({ config, database, address, now }, listenTo(log));
  closers.push(() => registry.close());

  const parts = new PartStore(join(config.dataDir, "jobs"), monotonicMs);
  closers.push(() => parts.close());
  const escrowSlots = new SlotFile(join(config.dataDir, "escrow.slots"));
  closers.push(() => escrowSlots.close());
  const guard = new Guard({ ...config.limits, loginMs: config.limits.loginSeconds * 1000 }, (fault, from) =>
    log.write("connection-cut", { fault, address: from }),
  );
  const receiver = new LateReceiver();
  const gatekeepers = { ...pickRegistry(registry), accounts: registry.accounts, codes: registry.codes };
  const mqtt = await EmbeddedMqtt.start({
    gatekeepers,
    receiver,
    log,
    onWelcome: (socket) => guard.welcome(socket),
  });
  // First nobody says more, then what was said is done, then the files are closed.
  closers.push(() => receiver.settle());
  closers.push(() => mqtt.close());
  const { sessions } = mqtt;
  const relay = createRelay({
    config,
    database,
    port: mqtt,
    parts,
    escrowSlots,
    registry: pickRegistry(registry),
    isConnected: (agent) => sessions.isConnected(agent),
    log,
    now,
    monotonicMs,
  });
  receiver.serve(relay);
  await relay.recover();
  closers.push(publishLists(registry.lists, mqtt));
  closers.push(sweepEvery(clocks.sweepEveryMs ?? SWEEP_EVERY_MS, relay));
  const admin = await registry.serveAdmin(createActions(relay, mqtt));
  closers.push(() => admin.close());
  const listener = await listen({
    host: config.listen.host,
    port: config.listen.port,
    authority: registry.authority,
    guard,
    handshakeMs: config.limits.loginSeconds * 1000,
    onConnection: (socket) => mqtt.handle(socket),
  });
  port = listener.port;
  closers.push(() => listener.close());
  log.write("broker-ready", { address: address(), port, jobs: relay.jobs.live().length });
  return { address: address(), port };
}

/** The port must exist before the services that speak through it. */
class LateReceiver implements MqttReceiver {
  #relay: Pick<Relay, "receiver" | "settleWork"> | null = null;

  serve(relay: Pick<Relay, "receiver" | "settleWork">): void {
    this.#relay = relay;
  }
  async settle(): Promise<void> {
    await this.#relay?.settleWork();
  }
  receive: MqttReceiver["receive"] = (message) => this.#relay?.receiver.receive(message);
  receiveMalformed: MqttReceiver["receiveMalformed"] = (user, job) =>
    this.#relay?.receiver.receiveMalformed(user, job);
  resetAgent: MqttReceiver["resetAgent"] = (agent) => this.#relay?.receiver.resetAgent(agent);
}

function pickRegistry({ directory, enrolment, bootShares, certificates }: Registry) {
  return { directory, enrolment, bootShares, agentCertificates: certificates };
}

function listenTo(log: Log): Parameters<typeof openRegistry>[1] {
  return {
    onContact: ({ kind, id, subject, outcome, address }) =>
      log.write("first-contact", { kind, id, name: subject, outcome, address }),
    onWarning: ({ kind, subject, sentence }) => log.write("warning", { kind, subject, sentence }),
  };
}

/** Keeps the retained lists as the registry has them; returns what ends it. */
function publishLists(lists: Lists, port: MqttPort): () => void {
  const publish = (target: string, list: SignedList | null) => {
    const nothing = new Uint8Array(0);
    const options = { qos: 1, retain: true } as const;
    void port.publish(recipientsTopic(target), list?.list ?? nothing, options);
    void port.publish(signatureTopic(target), list?.minisig ?? nothing, options);
  };
  for (const list of lists.current()) publish(list.target, list);
  return lists.onChange(publish);
}

function sweepEvery(everyMs: number, relay: Relay): () => Promise<void> {
  let round: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    round = round.then(() => relay.sweep());
  }, everyMs);
  return async () => {
    clearInterval(timer);
    await round;
  };
}

function createActions(
  { jobs, ledger, lifecycle, conditions, escrow, quota, status }: Relay,
  { sessions }: EmbeddedMqtt,
): RelayActions {
  return {
    cancelAll: (user, reason) => {
      const live = jobs.live(user);
      for (const job of live) lifecycle.wish(job, reason);
      return live.length;
    },
    hideStatuses: (user) => {
      for (const ref of jobs.hideStatuses(user)) status.clear(ref);
    },
    cancel: (user, job, reason) => lifecycle.wish({ user, job }, reason),
    disconnectUser: (user) => sessions.disconnectUser(user),
    revokeAgent: (agent) => {
      sessions.disconnectAgent(agent);
      lifecycle.revokeAgent(agent);
      conditions.forget(agent);
    },
    audit: (query) => ledger.audit(query),
    counts: () => ({
      jobs: jobs.live().length,
      bytes: quota.totalBytes,
      shares: escrow.size,
      sessions: sessions.size,
    }),
    isConnected: (agent) => sessions.isConnected(agent),
    condition: (agent) => conditions.of(agent),
    warnings: () => conditions.warnings((agent) => sessions.isConnected(agent)),
  };
}
