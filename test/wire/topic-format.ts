/** A parsed topic back as its text, by the builders that senders, broker and agents use. */
import {
  agentTopic,
  callTopic,
  enrolTopic,
  partTopic,
  recipientsTopic,
  sendTopic,
  signatureTopic,
  statusTopic,
  type Topic,
} from "../../wire/topic.ts";

export function formatTopic(topic: Topic): string {
  switch (topic.room) {
    case "send":
      return sendTopic(topic, topic.target, topic.leaf.kind === "part" ? topic.leaf.n : topic.leaf.kind);
    case "status":
      return statusTopic(topic);
    case "recipients":
      return topic.signature ? signatureTopic(topic.target) : recipientsTopic(topic.target);
    case "call":
      return callTopic(topic.agent, topic.call);
    case "part":
      return partTopic(topic.agent, topic, topic.n);
    case "enrol":
      return enrolTopic(topic.code, topic.direction);
    default:
      return agentTopic(topic.agent, topic.room);
  }
}
