/** The settings of agent and broker: a file, an environment, and errors that a person can read. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { choosePrinters, loadAgentConfig } from "../../../agent/config.ts";
import { loadBrokerConfig } from "../../../broker/config.ts";
import { isPlatenError } from "../../../wire/error.ts";
import { bytesOf, choose, claim, type FuzzTarget, tolerate } from "../target.ts";

const CODES = ["config-invalid", "config-unknown-key"] as const;
let file: string | null = null;

function isTold(error: unknown): boolean {
  if (!CODES.some((code) => isPlatenError(error, code))) return false;
  const { message } = error as Error;
  claim(message.length < 4000, "a sentence, not a file");
  return true;
}

function write(text: Uint8Array): string {
  file ??= join(mkdtempSync(join(tmpdir(), "platen-fuzz-")), "settings.toml");
  writeFileSync(file, text);
  return file;
}

/** The text's first line as a variable, the rest as the file. */
function readAgent(text: Buffer): void {
  const end = text.indexOf(10);
  const [name = "", value = ""] = text.toString("utf8", 0, Math.max(0, end)).split("=", 2);
  const env = { [`PLATEN_AGENT_${name}`]: value };
  const config = loadAgentConfig({ file: write(text.subarray(end + 1)), required: true, env });
  claim(config.dataDir.startsWith("/"), "the folder is absolute");
  claim((config.keypads?.length ?? 0) <= 16, "keypads are counted");
  const { policy } = config;
  claim(Number.isInteger(policy.graceSeconds) && policy.graceSeconds <= 86_400, "grace is bounded");
  tolerate(isTold, () => choosePrinters(config, ["lobby"]));
}

function readBroker(text: Buffer): void {
  const config = loadBrokerConfig({ file: write(text), required: true, env: {} });
  claim(config.policy.otpDigits >= 8 && config.policy.otpDigits <= 12, "OTPs of 8 to 12 digits");
  claim(config.listen.port >= 0 && config.listen.port <= 65_535, "a port");
  claim(config.quota.jobBytes > 0, "a quota");
}

export const target: FuzzTarget = {
  about: "agent.toml and broker.toml",
  maxBytes: 1500,
  words: [
    ..."dataDir broker printer uri profile backChannel keypads panel kind lamps white buzzer policy log level".split(
      " ",
    ),
    ..."listen port tls names cert quota limits fleet autoSign publicKey listDays address expiresSeconds".split(
      " ",
    ),
    ...[
      "[printer.lobby]\n",
      '"""',
      "'''",
      "__proto__",
      "constructor",
      "1979-05-27T07:32:00Z",
      "0x",
      "inf",
      "\ufeff",
    ],
    ...["PLATEN_", "POLICY__GRACE_SECONDS=", "PRINTER__LOBBY__URI="],
  ],
  seeds: () => [
    choose(
      0,
      bytesOf(`LOG__LEVEL=debug
broker = "broker.example:8883"
keypads = ["hid:", "pipe:/run/keys"]
[printer.lobby]
uri = "usb:04b8:0e15"
profile = "escpos"
backChannel = true
[panel]
lamps = { white = "GPIO17", red = "!GPIO27" }
buzzer = "pwm0"
[policy]
graceSeconds = 600
`),
    ),
    choose(
      1,
      bytesOf(`address = "broker.example"
[listen]
host = "::"
port = 8883
[tls]
names = ["broker.example", "192.0.2.1"]
[quota]
liveJobs = 10
[fleet]
autoSign = false
listDays = 30
`),
    ),
    choose(1, bytesOf("[policy]\notpDigits = 7\n")),
    choose(1, bytesOf("\ufeff[listen]\r\nport = \u201c8883\u201d\r\n")),
  ],
  run(data) {
    const text = Buffer.from(data.subarray(1));
    tolerate(isTold, () => (((data[0] ?? 0) & 1) === 0 ? readAgent(text) : readBroker(text)));
    claim(Object.keys(Object.prototype).length === 0, "nothing else was set");
  },
};
