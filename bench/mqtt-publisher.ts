/** The peer's sender: MQTT.js publishing a file in parts at QoS 1 with a window, no sealing. argv: url ca file topic partBytes window */

import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { parseArgs } from "node:util";
import { connectMqtt } from "../wire/tls.ts";

const { positionals } = parseArgs({ allowPositionals: true });
const [port = "", ca = "", path = "", topic = "", partBytes = "", window = ""] = positionals;
const client = connectMqtt(
  { host: "localhost", port: Number(port), ca: readFileSync(ca, "utf8") },
  { clientId: "publisher" },
);
await new Promise((resolve) => client.once("connect", resolve));
const file = await open(path);
const inFlight = new Set<Promise<unknown>>();
const size = Number(partBytes);
for (let n = 0; ; n++) {
  const buffer = Buffer.allocUnsafe(size);
  const { bytesRead } = await file.read(buffer, 0, size);
  if (bytesRead === 0) break;
  const sent = client.publishAsync(`${topic}/${n}`, buffer.subarray(0, bytesRead), { qos: 1 });
  inFlight.add(sent);
  void sent.finally(() => inFlight.delete(sent));
  if (inFlight.size >= Number(window)) await Promise.race(inFlight);
}
await Promise.all(inFlight);
await file.close();
await client.publishAsync(`${topic}/end`, "", { qos: 1 });
await client.endAsync();
