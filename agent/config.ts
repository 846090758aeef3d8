/** The settings of an agent: `agent.toml`, over it `PLATEN_AGENT_*` from the environment. Every one has a default that works. */
import { resolve } from "node:path";
import { z } from "zod";
import { parseAddress } from "../wire/code.ts";
import { loadConfig, nearestName } from "../wire/config-file.ts";
import { defaultDataDir } from "../wire/data-dir.ts";
import { PlatenError } from "../wire/error.ts";
import { EXPIRES_DEFAULT_S, EXPIRES_MAX_S } from "../wire/limits.ts";
import { isName } from "../wire/name.ts";
import { parsePin } from "./gpio.ts";
import { parsePwm } from "./panel-buzzer.ts";
import { isProfileName, PROFILE_NAMES } from "./profile.ts";

const path = z.string().min(1).max(4096);
const uri = z.string().min(1).max(1024);
const address = z.string().refine((text) => parseAddress(text) !== null, "is neither host nor host:port");

const printer = z.strictObject({
  /** Where its bytes go: `file:`, `tcp:`, `lp:`, `serial:`, `usb:` (docs/printers.md). */
  uri: uri.default("lp:/dev/usb/lp0"),
  /** What goes around each document, and which languages it understands. */
  profile: z
    .string()
    .refine(isProfileName, `is no profile; known are ${PROFILE_NAMES.join(", ")}`)
    .default("raw"),
  /**
   * What the printer says comes back: with the profiles escpos and pjl it is asked before a job, and a job it confirms
   * is `printed`. Default: true, but for `file:`. Without, all about it is unknown and a job ends as `delivered`.
   */
  backChannel: z.boolean().optional(),
});

const pin = z
  .string()
  .refine((text) => parsePin(text) !== null, "is no pin; write GPIO17, or !GPIO17 where low means on");
const buzzerPin = z
  .string()
  .refine(
    (text) => parsePin(text) !== null || parsePwm(text) !== null,
    "is neither a pin (GPIO17) nor a PWM channel (pwm0)",
  );

const panel = z.strictObject({
  /** `auto`: in words on the terminal where there is one, and on what is wired. `none`: nothing is shown at all. */
  kind: z.enum(["auto", "terminal", "none"]).default("auto"),
  /** Lamps on GPIO pins, mounted in this order from left to right (docs/panel.md). */
  lamps: z
    .strictObject({
      white: pin.optional(),
      yellow: pin.optional(),
      green: pin.optional(),
      red: pin.optional(),
      blue: pin.optional(),
    })
    .prefault({}),
  /** A pin with a buzzer that has its own tone, or a PWM channel (`pwm0`) with a piezo, which plays the tones. */
  buzzer: buzzerPin.optional(),
  /** A pin that is on while the case is open. */
  tamper: pin.optional(),
  /**
   * Where nothing else shows anything: NumLock, CapsLock and ScrollLock of the first `hid:` keypad as lamps. Unset: on a
   * machine that nobody logs in to, which must say what is wrong with its set-up.
   */
  keyboardLeds: z.boolean().optional(),
});

const policy = z.strictObject({
  /** How long a job is held when neither its sender nor the broker says, and at most. */
  expiresSeconds: z.int().min(60).max(EXPIRES_MAX_S).default(EXPIRES_DEFAULT_S),
  expiresMaxSeconds: z.int().min(60).max(EXPIRES_MAX_S).default(EXPIRES_MAX_S),
  /** How long a job that was cut short can be printed again with the same OTP. */
  graceSeconds: z.int().min(0).max(86_400).default(600),
  /**
   * How long a job that was delivered, but that its printer did not confirm, can be printed once more with the same OTP.
   * Until then its sealed file, record and share are kept. 0: everything is destroyed at once. Default: `graceSeconds`.
   */
  deliveredGraceSeconds: z.int().min(0).max(86_400).optional(),
  /** A printer that takes nothing for so long: the panel says so; going on needs the OTP again; the job is given up. */
  stallSeconds: z.int().min(1).max(3600).default(10),
  stallOtpSeconds: z.int().min(1).max(3600).default(60),
  stallGiveUpSeconds: z.int().min(1).max(86_400).default(600),
  /** How long after the last byte, or its last sign of life, a printer may take to confirm a job. */
  confirmSeconds: z.int().min(1).max(3600).default(60),
  /** Disk space documents may not take. */
  reserveBytes: z
    .int()
    .min(0)
    .default(16 * 1024 ** 2),
});

export const configSchema = z.strictObject({
  /** Keys, held documents, the database. Default: /var/lib/platen/agent where it is there and may be written, else ~/.local/state/platen/agent. */
  dataDir: path.default(() => defaultDataDir("agent")),
  /** `host` or `host:port` of the broker. Default: what the claim code said. */
  broker: address.optional(),
  /** One table per printer, named as on the broker: `[printer.lobby]`. An enrolled printer without one takes the defaults. */
  printer: z.record(z.string().refine(isName, "is no name"), printer).default({}),
  /** Keypads, all on the same panel. Default: this terminal where there is one, else any USB keypad. */
  keypads: z.array(uri).max(16).optional(),
  panel: panel.prefault({}),
  policy: policy.prefault({}),
  log: z.strictObject({ level: z.enum(["debug", "info", "warn", "error"]).default("info") }).prefault({}),
});

export type AgentConfig = z.infer<typeof configSchema>;
export type PrinterConfig = z.infer<typeof printer>;

interface ConfigPlace {
  /** `agent.toml`, or the folder it lies in. */
  readonly file?: string | undefined;
  /** True when a person named the file: then it must be there. */
  readonly required?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * @returns plain values; `dataDir` is absolute
 * @throws PlatenError `config-unreadable`, `config-invalid`, `config-unknown-key`
 */
export function loadAgentConfig(place: ConfigPlace = {}): AgentConfig {
  const config = loadConfig(configSchema, { ...place, envPrefix: "PLATEN_AGENT_" });
  return { ...config, dataDir: resolve(config.dataDir) };
}

/**
 * The printers of this agent, each as configured: those it was enrolled with, and tables for others, which were given
 * to it since. A table for another while an enrolled one has none is a mistyped name, and would never get a job.
 * @throws PlatenError `config-unknown-key`
 */
export function choosePrinters(
  config: AgentConfig,
  enrolled: readonly string[],
): ReadonlyMap<string, PrinterConfig> {
  const tables = Object.keys(config.printer);
  const lacking = enrolled.filter((name) => !tables.includes(name));
  const other = tables.find((name) => !enrolled.includes(name));
  if (other !== undefined && lacking.length > 0) {
    throw new PlatenError("config-unknown-key", {
      file: "agent.toml",
      key: `printer.${other}`,
      nearest: `printer.${nearestName(other, lacking)}`,
    });
  }
  const names = new Set([...enrolled, ...tables]);
  return new Map([...names].map((name) => [name, config.printer[name] ?? printer.parse({})]));
}
