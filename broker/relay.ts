/** The services of the relay, put together over a port, and the one place where a message finds its service. */
import { enrolTopic } from "../wire/topic.ts";
import { BootAddresses, BootDesk } from "./boot-desk.ts";
import { Calls } from "./calls.ts";
import { Conditions } from "./conditions.ts";
import type { BrokerConfig } from "./config.ts";
import type { BrokerDatabase } from "./database.ts";
import { Delivery } from "./delivery.ts";
import { Escrow } from "./escrow.ts";
import { Intake } from "./intake.ts";
import { Jobs } from "./jobs.ts";
import { Ledger } from "./ledger.ts";
import { Lifecycle } from "./lifecycle.ts";
import { type Log, nameError } from "./log.ts";
import type { Message, MqttPort, MqttReceiver } from "./mqtt-port.ts";
import type { PartStore } from "./part-store.ts";
import { Quota } from "./quota.ts";
import { Receiving } from "./receiving.ts";
import { recover } from "./recovery.ts";
import type { AgentCertificates, BootShares, Directory, Enrolment } from "./registry-port.ts";
import type { SlotFile } from "./slot-file.ts";
import { StatusBoard } from "./status.ts";
import { sweep } from "./sweep.ts";
import { Tickets, wantsParts } from "./tickets.ts";
import { Tombstones } from "./tombstones.ts";

export interface RelayOptions {
  readonly config: Pick<BrokerConfig, "quota" | "policy">;
  readonly database: BrokerDatabase;
  readonly port: MqttPort;
  readonly parts: PartStore;
  readonly escrowSlots: SlotFile;
  readonly registry: {
    readonly directory: Directory;
    readonly enrolment: Enrolment;
    readonly bootShares: BootShares;
    readonly agentCertificates: AgentCertificates;
  };
  readonly isConnected: (agent: string) => boolean;
  readonly log: Log;
  /** Unix seconds. */
  readonly now: () => number;
  readonly monotonicMs: () => number;
}

export type Relay = ReturnType<typeof createRelay>;

/** Owns nothing that must be closed: database, files and port are the caller's. */
export function createRelay(options: RelayOptions) {
  const { config, database, port, parts, registry, log, now, monotonicMs } = options;
  const jobs = new Jobs(database);
  const ledger = new Ledger(database);
  const tombstones = new Tombstones(database);
  const escrow = new Escrow({ slots: options.escrowSlots, tombstones, monotonicMs });
  const quota = new Quota(config.quota, jobs, parts.folder);
  const status = new StatusBoard(port);
  const tickets = new Tickets(port, { jobs, parts }, options.isConnected);
  const receiving = new Receiving();
  const delivery = new Delivery({
    port,
    parts,
    mayFetch: (agent, ref) => {
      const copy = jobs.copyAt(agent, ref);
      const job = jobs.get(ref);
      return copy !== null && job !== null && wantsParts(job, copy);
    },
    onError: (ref, error) => {
      log.write("storage-failed", { what: "parts", code: nameError(error) });
      receiving.close(ref);
      lifecycle.end(ref, "rejected", "lost");
    },
  });
  const rows = { jobs, ledger, tombstones, escrow, parts, quota, status, tickets, delivery, log, now };
  const lifecycle = new Lifecycle(rows);
  const { directory, agentCertificates } = registry;
  const intake = new Intake({ ...rows, lifecycle, receiving, directory, policy: config.policy, monotonicMs });
  const bootDesk = new BootDesk({
    bootShares: registry.bootShares,
    addresses: new BootAddresses(database),
    log,
    monotonicMs,
  });
  const calls = new Calls({ ...rows, port, lifecycle, bootDesk, directory, agentCertificates });
  const conditions = new Conditions(database, directory, now);
  const services = { ...rows, conditions, lifecycle, intake, receiving, calls, bootDesk };
  const underWay = new Set<Promise<void>>();
  return {
    jobs,
    ledger,
    escrow,
    quota,
    lifecycle,
    conditions,
    status,
    receiver: trackWork(createReceiver({ ...services, port, enrolment: registry.enrolment }), underWay),
    /** Resolves when nothing that came in is being worked on. Files may be closed then, once nothing more comes. */
    settleWork: async () => {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
    recover: () => recover(services),
    sweep: () => sweep({ ...services, agentCertificates, monotonicMs }),
  };
}

function trackWork(receiver: MqttReceiver, underWay: Set<Promise<void>>): MqttReceiver {
  return {
    ...receiver,
    receive(message) {
      const work = receiver.receive(message);
      if (!work) return undefined;
      const tracked = work.finally(() => underWay.delete(tracked));
      underWay.add(tracked);
      return tracked;
    },
  };
}

interface Receivers {
  readonly intake: Intake;
  readonly calls: Calls;
  readonly delivery: Delivery;
  readonly bootDesk: BootDesk;
  readonly conditions: Conditions;
  readonly enrolment: Enrolment;
  readonly port: MqttPort;
}

function createReceiver(services: Receivers): MqttReceiver {
  const { intake, calls, delivery, bootDesk, conditions, enrolment, port } = services;
  return {
    receive(message) {
      const { topic, payload, address } = message;
      switch (topic.room) {
        case "send":
          return intake.take(topic, topic.leaf, payload);
        case "call":
          return calls.take(topic.agent, topic.call, payload, address);
        case "enrol":
          return introduce(message, topic.code, enrolment, port);
        case "condition":
          conditions.take(topic.agent, payload);
          return undefined;
        // Sessions say who is here; the rest only the broker publishes.
        case "presence":
        case "status":
        case "recipients":
        case "reply":
        case "ticket":
        case "part":
          return undefined;
      }
    },
    receiveMalformed(user, job) {
      if (job !== null) intake.takeMalformed({ user, job });
    },
    resetAgent(agent) {
      delivery.resetAgent(agent);
      bootDesk.reset(agent);
    },
  };
}

async function introduce(
  message: Message,
  code: string,
  enrolment: Enrolment,
  port: MqttPort,
): Promise<void> {
  if (message.from.kind !== "first-contact") return;
  const reply = await enrolment.handle(message.from.code, code, message.payload, message.address);
  await port.publish(enrolTopic(code, "reply"), reply, { qos: 1 });
}
