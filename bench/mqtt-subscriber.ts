/** The peer's receiver: MQTT.js writing every part to a file as it comes. argv: port ca file topic. Says `ready`, then `done`. */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { parseArgs } from "node:util";
import { connectMqtt } from "../wire/tls.ts";

const { positionals } = parseArgs({ allowPositionals: true });
const [port = "", ca = "", path = "", topic = ""] = positionals;
const client = connectMqtt(
  { host: "localhost", port: Number(port), ca: readFileSync(ca, "utf8") },
  { clientId: "subscriber" },
);
await new Promise((resolve) => client.once("connect", resolve));
const fd = openSync(path, "w");
client.on("message", (name, payload) => {
  if (!name.endsWith("/end")) {
    writeSync(fd, payload);
    return;
  }
  fsyncSync(fd);
  closeSync(fd);
  console.log("done");
  client.end();
});
await client.subscribeAsync(`${topic}/#`, { qos: 1 });
console.log("ready");
