/**
 * A real broker in this process, on a free port, in a temporary folder; agents and senders that speak raw MQTT to it.
 * Nothing is imitated: enrolment, certificates, lists and accounts are the broker's own.
 */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IClientOptions, MqttClient } from "mqtt";
import { enrolAgent } from "../../agent/enrol.ts";
import { readEnrolmentFile } from "../../agent/enrolment.ts";
import { callAdmin } from "../../broker/admin-client.ts";
import type { AdminArgs, AdminOp, AdminResults, UserAccess } from "../../broker/admin-schema.ts";
import { type RunningBroker, startBroker } from "../../broker/broker.ts";
import { type BrokerConfig, configSchema } from "../../broker/config.ts";
import { openLog } from "../../broker/log.ts";
import { connectMqtt } from "../../wire/tls.ts";
import { AgentPeer, SenderPeer } from "./peers.ts";

export interface LogLine {
  readonly event: string;
  readonly [field: string]: unknown;
}

export type Standard = Extract<UserAccess, { kind: "standard" }>;

export class Rig {
  readonly dir = mkdtempSync(join(tmpdir(), "platen-rig-"));
  readonly lines: LogLine[] = [];
  readonly config: BrokerConfig;
  /** The broker's clocks: real time moved by so many seconds. */
  clockOffset = 0;
  runningOffset = 0;
  #broker: RunningBroker | null = null;
  readonly #clients: MqttClient[] = [];

  private constructor(settings: Record<string, unknown>, port: number) {
    const dataDir = typeof settings.dataDir === "string" ? settings.dataDir : join(this.dir, "broker");
    this.config = configSchema.parse({
      ...settings,
      dataDir,
      address: `localhost:${port}`,
      listen: { host: "localhost", port },
    });
  }

  static async start(settings: Record<string, unknown> = {}): Promise<Rig> {
    const rig = new Rig(settings, await findFreePort());
    await rig.startBroker();
    return rig;
  }

  get port(): number {
    return this.config.listen.port;
  }

  async startBroker(): Promise<void> {
    const log = openLog("debug", { write: (line) => void this.lines.push(JSON.parse(line)) });
    const now = () => Math.floor(Date.now() / 1000) + this.clockOffset;
    const monotonicMs = () => performance.now() + this.runningOffset * 1000;
    this.#broker = await startBroker(this.config, log, { now, monotonicMs, sweepEveryMs: 20 });
  }

  /** Ends the broker in good order; its port stays taken for the next start. */
  async stopBroker(): Promise<void> {
    await this.#broker?.close();
  }

  admin<O extends AdminOp>(op: O, args: AdminArgs<O>): Promise<AdminResults[O]> {
    return callAdmin(this.config.dataDir, op, args);
  }

  /** A log line of this event, past ones included. */
  logged(event: string): LogLine[] {
    return this.lines.filter((line) => line.event === event);
  }

  /** Enrols an agent that owns these printers; it is named after the first. */
  async enrol(...printers: string[]): Promise<string> {
    const [agent = ""] = printers;
    const { code } = await this.admin("printer.add", { name: agent });
    for (const name of printers.slice(1)) await this.admin("printer.add", { name, agent });
    await enrolAgent(code ?? "", join(this.dir, agent));
    return agent;
  }

  /** The agent's session, subscribed; `hello` not yet said. */
  async connectAgent(agent: string, options: IClientOptions = {}): Promise<AgentPeer> {
    const client = this.dialAgent(agent, options);
    await untilConnected(client);
    return AgentPeer.open(agent, client);
  }

  dialAgent(agent: string, options: IClientOptions = {}): MqttClient {
    const read = (file: "ca" | "certificate" | "key") =>
      Buffer.from(readEnrolmentFile(join(this.dir, agent), file) ?? "").toString();
    const target = {
      host: "localhost",
      port: this.port,
      ca: read("ca"),
      cert: read("certificate"),
      key: read("key"),
    };
    return this.#keep(connectMqtt(target, { clientId: agent, ...options }));
  }

  async addUser(name: string): Promise<Standard> {
    const access = await this.admin("user.add", { name, standard: true });
    if (access.kind !== "standard") throw new Error("no password was given");
    return access;
  }

  dialUser(access: Standard, options: IClientOptions = {}): MqttClient {
    const { user, password, ca } = access;
    const target = { host: "localhost", port: this.port, ca };
    return this.#keep(connectMqtt(target, { clientId: randomUUID(), username: user, password, ...options }));
  }

  async connectUser(access: Standard, options: IClientOptions = {}): Promise<SenderPeer> {
    const client = this.dialUser(access, options);
    await untilConnected(client);
    return SenderPeer.open(access.user, client);
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.end(true);
    await this.#broker?.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  #keep(client: MqttClient): MqttClient {
    client.on("error", () => {});
    this.#clients.push(client);
    return client;
  }
}

function untilConnected(client: MqttClient): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once("connect", () => resolve());
    client.once("error", reject);
    client.once("close", () => reject(new Error("the connection was closed")));
  });
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}
