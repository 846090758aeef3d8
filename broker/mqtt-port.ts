/**
 * The port through which the broker's services speak MQTT. Embedded aedes stands behind it (mqtt-embedded.ts); a plain
 * client of another broker could, because nothing here needs more than topics, and the order of one sender's messages.
 */

import type { Topic } from "../wire/topic.ts";
import type { Identity } from "./access.ts";

export interface MqttPort {
  /**
   * `payload` of 64 KiB and more may be used again once it resolves.
   * Hands a message to whoever subscribes. Resolves when their connections took it (the back-pressure of parts), or
   * when nobody does; never rejects. `retain` with an empty payload clears the topic.
   */
  publish(topic: string, payload: Uint8Array, options?: PublishOptions): Promise<void>;
}

export interface PublishOptions {
  readonly qos?: 0 | 1;
  readonly retain?: boolean;
}

/** A message that access.ts let through. `payload` belongs to the receiver. */
export interface Message {
  readonly topic: Topic;
  readonly payload: Buffer;
  readonly from: Identity;
  /** Where it came from, for throttles and alarms. */
  readonly address: string;
}

/** What the services do with what comes in. None of these may throw for what a sender or agent sent. */
export interface MqttReceiver {
  /** The sender's PUBACK waits for the promise. */
  receive(message: Message): Promise<void> | void;
  /** A sender's own topic that is not of the contract, or QoS 2. `job` is null where not even that is known. */
  receiveMalformed(user: string, job: string | null): void;
  /** An agent's session ended, or a new one began: what was under way for the old one is void. */
  resetAgent(agent: string): void;
}
