/** A sender that does what it likes: seals anything to anyone and publishes anything, with a valid login. */
import type { MqttClient } from "mqtt";
import type { Profile } from "../../client/profile.ts";
import { createHeader } from "../../wire/age-header.ts";
import { derivePayloadKey, PayloadSealer } from "../../wire/age-payload.ts";
import { nodeCipher } from "../../wire/cipher-node.ts";
import { parseAddress } from "../../wire/code.ts";
import { type JobStatus, statusSchema } from "../../wire/status.ts";
import { connectMqtt } from "../../wire/tls.ts";
import { recipientsTopic, sendTopic, statusFilter } from "../../wire/topic.ts";

/** Seals `plaintext` as it is: manifest line and document are the caller's. */
export async function sealAnything(recipients: readonly string[], plaintext: Uint8Array): Promise<Buffer> {
  const { header, fileKey } = await createHeader(recipients);
  const nonce = crypto.getRandomValues(new Uint8Array(16));
  const sealer = new PayloadSealer(nodeCipher, derivePayloadKey(fileKey, nonce));
  const chunks = [...sealer.push(plaintext)].map((chunk) => Buffer.from(chunk));
  return Buffer.concat([header, nonce, ...chunks, sealer.end()]);
}

export class RawSender {
  readonly user: string;
  readonly client: MqttClient;
  readonly statuses = new Map<string, JobStatus[]>();
  readonly #news = new Set<() => void>();

  constructor(profile: Profile, client: MqttClient) {
    this.user = profile.user;
    this.client = client;
    client.on("error", () => {});
    client.on("message", (topic, payload) => {
      if (!topic.startsWith("platen/v1/status/")) return;
      const parsed = payload.length > 0 ? statusSchema.safeParse(JSON.parse(payload.toString())) : null;
      if (!parsed?.success) return;
      const job = topic.slice(topic.lastIndexOf("/") + 1);
      this.statuses.set(job, [...(this.statuses.get(job) ?? []), parsed.data]);
      for (const wake of this.#news) wake();
    });
  }

  static async open(profile: Profile): Promise<RawSender> {
    const { host, port } = parseAddress(profile.address)!;
    const client = connectMqtt(
      { host, port, ca: profile.ca },
      { clientId: `raw-${profile.user}`, username: profile.user, password: profile.password },
    );
    await new Promise<void>((resolve) => client.once("connect", () => resolve()));
    await client.subscribeAsync(statusFilter(profile.user), { qos: 1 });
    return new RawSender(profile, client);
  }

  async recipients(target: string): Promise<string[]> {
    const message = Promise.withResolvers<string>();
    const take = (topic: string, payload: Buffer) => {
      if (topic === recipientsTopic(target)) message.resolve(payload.toString());
    };
    this.client.on("message", take);
    await this.client.subscribeAsync(recipientsTopic(target), { qos: 1 });
    const list = await message.promise;
    this.client.off("message", take);
    return list.split("\n").filter((line) => line.startsWith("age1"));
  }

  publish(
    target: string,
    job: string,
    leaf: number | "only" | "end" | "cancel",
    payload: Uint8Array | string,
  ) {
    const topic = sendTopic({ user: this.user, job }, target, leaf);
    const bytes = typeof payload === "string" ? Buffer.from(payload) : Buffer.from(payload);
    return this.client.publishAsync(topic, bytes, { qos: 1 });
  }

  /** The first status of the job, past or to come, that fits. */
  async until(job: string, fits: (status: JobStatus) => boolean, what = "a status"): Promise<JobStatus> {
    const find = () => this.statuses.get(job)?.find(fits);
    const found = Promise.withResolvers<JobStatus>();
    const look = () => {
      const status = find();
      if (status) found.resolve(status);
    };
    this.#news.add(look);
    const timer = setTimeout(
      () => found.reject(new Error(`no ${what} of ${job}: ${JSON.stringify(this.statuses.get(job))}`)),
      15_000,
    );
    look();
    return found.promise.finally(() => {
      clearTimeout(timer);
      this.#news.delete(look);
    });
  }

  close(): Promise<void> {
    return this.client.endAsync(true);
  }
}
