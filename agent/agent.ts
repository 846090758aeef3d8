/**
 * The agent, put together: the link to the broker, the identity it opens, the jobs that are served from then on, and
 * the person at the keypad, who is answered from the first moment.
 */
import type { DestinationStream } from "pino";
import manifest from "../package.json" with { type: "json" };
import { type ReplyBody, TICKET_BYTES_MAX } from "../wire/agent-call.ts";
import { isPlatenError, PlatenError } from "../wire/error.ts";
import { agentTopic, type Topic } from "../wire/topic.ts";
import { askIdentity, pauseAfter } from "./boot.ts";
import { Calls } from "./calls.ts";
import { Condition } from "./condition.ts";
import { type AgentConfig, choosePrinters } from "./config.ts";
import { type Enrolment, prepareDataDir, readEnrolment, writeEnrolmentFile } from "./enrolment.ts";
import { BrokerEscrow } from "./escrow.ts";
import type { PrinterSpec } from "./keeper-port.ts";
import { type Backoff, Link } from "./link.ts";
import { describeError, type Log, openLog } from "./log.ts";
import { checkDeviceUri } from "./open-device.ts";
import type { Panel } from "./panel.ts";
import { openPerson, type Person } from "./person.ts";
import { isProfileName, profileOf } from "./profile.ts";
import { Renewal } from "./renewal.ts";
import { openServing, type Serving } from "./serving.ts";

export interface RunningAgent {
  readonly agent: string;
  /** Resolves when the identity is open and jobs are served; rejects when that can never be. */
  readonly ready: Promise<void>;
  /** What keeps it from serving until it is started anew, in a few words; null: nothing. Writes nothing. */
  checkHealth(): string | null;
  /** A clean stop: idempotent, never rejects. */
  close(): Promise<void>;
}

export interface AgentSurroundings {
  /** Where the log goes; stderr by default. */
  readonly log?: DestinationStream;
  /** Instead of the panel of the settings. */
  readonly panel?: Panel;
  /** Pauses between dials of the broker. */
  readonly backoff?: Backoff;
}

/** Tickets that come while the identity is still being opened. */
const EARLY_TICKETS_MAX = 10_000;

/**
 * Starts an enrolled agent. Resolves once keypads and panel are there and the broker is being dialled; until the
 * broker released the boot share it is locked.
 * @throws PlatenError `not-enrolled`, `identity-damaged`, `config-*`; DeviceError or KeypadError for a wrong URI
 */
export async function startAgent(
  config: AgentConfig,
  surroundings: AgentSurroundings = {},
): Promise<RunningAgent> {
  prepareDataDir(config.dataDir);
  const enrolment = readEnrolment(config.dataDir);
  const printers = specifyPrinters(config, enrolment.printers);
  const log = openLog(config.log.level, surroundings.log);
  log.write("starting", { version: manifest.version, agent: enrolment.agent, pid: process.pid });
  const agent = new Agent(config, enrolment, printers, log);
  try {
    await agent.open(surroundings);
  } catch (error) {
    // Keypads that are open would keep a program alive that serves nobody.
    await agent.close();
    throw error;
  }
  return agent;
}

function specifyPrinters(config: AgentConfig, enrolled: readonly string[]): PrinterSpec[] {
  return [...choosePrinters(config, enrolled)].map(([name, { uri, profile, backChannel }]) => {
    checkDeviceUri(uri);
    if (!isProfileName(profile)) throw new TypeError(`profile ${profile}`);
    const hears = backChannel ?? !uri.startsWith("file:");
    return { name, uri, profile: profileOf(profile), backChannel: hears };
  });
}

/** Milliseconds since the process began, loading included: what somebody who started it waited. */
function sinceStart(): number {
  return Math.round(performance.now());
}

class Agent implements RunningAgent {
  readonly agent: string;
  readonly ready: Promise<void>;
  readonly #config: AgentConfig;
  readonly #enrolment: Enrolment;
  readonly #printers: readonly PrinterSpec[];
  readonly #log: Log;
  readonly #link: Link;
  readonly #calls: Calls;
  readonly #escrow: BrokerEscrow;
  readonly #renewal: Renewal;
  readonly #condition: Condition;
  readonly #opened = Promise.withResolvers<void>();
  #person: Person | null = null;
  #serving: Serving | null = null;
  #early: Uint8Array[] = [];
  /** Counts sessions: what was begun in an earlier one must not act in this. */
  #session = 0;
  #greeted = false;
  #lastDown: string | null = null;
  #ailment: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  #greeting: Promise<void> = Promise.resolve();
  #closing: Promise<void> | null = null;

  constructor(config: AgentConfig, enrolment: Enrolment, printers: readonly PrinterSpec[], log: Log) {
    this.agent = enrolment.agent;
    this.ready = this.#opened.promise;
    this.ready.catch(() => undefined);
    this.#config = config;
    this.#enrolment = enrolment;
    this.#printers = printers;
    this.#log = log;
    const address = config.broker ?? enrolment.address;
    const { ca, key } = enrolment;
    this.#link = new Link(
      {
        agent: this.agent,
        address,
        credentials: () => ({ ca, key, cert: this.#renewal.certificate }),
      },
      {
        onUp: () => this.#beginSession(),
        onDown: (error) => this.#endSession(error),
        onMessage: (topic, payload) => this.#receive(topic, payload),
      },
    );
    this.#calls = new Calls(address, (call, payload) => this.#link.publishCall(call, payload));
    this.#escrow = new BrokerEscrow(this.#calls, () => this.#greeted);
    this.#condition = new Condition(
      printers.map(({ name }) => name),
      (payload) => this.#publishCondition(payload),
      () => Math.floor(Date.now() / 1000),
    );
    this.#renewal = new Renewal(
      {
        calls: this.#calls,
        agent: this.agent,
        address,
        key,
        store: (certificate) => writeEnrolmentFile(config.dataDir, "certificate", certificate),
        onOutcome: (until, error) => this.#noteRenewal(until, error),
      },
      enrolment.certificate,
    );
  }

  /** Keypads and panel first: whoever stands there is answered while the broker is still being dialled. */
  async open({ panel, backoff }: AgentSurroundings): Promise<void> {
    const keeper = () => this.#serving?.keeper ?? null;
    this.#person = await openPerson(this.#config, this.#log, panel, {
      release: () => keeper()?.release ?? null,
      held: () => keeper()?.held() ?? 0,
      sharesMissing: () => keeper()?.locked() ?? false,
      onPowerCycle: (printer) => keeper()?.confirmPowerCycle(printer),
      onTamper: (isOpen) => this.#condition.setWarning("tamper", isOpen),
    });
    this.#person.session.setPhase({ starting: "broker", locked: false });
    this.#link.open(backoff);
  }

  checkHealth(): string | null {
    const keypad = this.#person?.deadKeypad() ?? null;
    const ailment =
      keypad === null ? (this.#serving?.keeper.checkHealth() ?? null) : `${keypad} is not read any more`;
    if (ailment !== null && ailment !== this.#ailment) this.#log.write("unwell", { why: ailment });
    this.#ailment = ailment;
    return ailment;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#log.write("stopping");
    this.#stopGreeting();
    this.#renewal.pause();
    await this.#person?.closeKeypads();
    const serving = this.#serving;
    this.#serving = null;
    await serving?.stop();
    await this.#link.close();
    await this.#greeting;
    await this.#person?.close();
    this.#opened.reject(new PlatenError("internal", { what: "the agent was stopped" }));
    this.#log.write("stopped", { ms: sinceStart() });
  }

  #beginSession(): void {
    this.#lastDown = null;
    this.#log.write("link-up", { ms: sinceStart() });
    this.#greet(++this.#session);
  }

  #endSession(error: PlatenError): void {
    this.#session++;
    this.#stopGreeting();
    this.#greeted = false;
    this.#early = [];
    if (!this.#closing) this.#logDown(error);
    this.#renewal.pause();
    this.#calls.rejectAll("the connection ended");
    this.#serving?.setOnline(null);
    // The broker's certificate is not valid yet where it is 1970 here.
    const clock = isPlatenError(error, "broker-untrusted") && error.details.why === "CERT_NOT_YET_VALID";
    this.#person?.session.setPhase({
      online: false,
      ...(this.#serving ? {} : { locked: !clock, starting: clock ? "clock" : null }),
    });
  }

  /** The first failure in a row, and each that differs from the one before; the others only when debugging. */
  #logDown(error: PlatenError): void {
    const isRefused = isPlatenError(error, "login-refused");
    const described = isRefused
      ? { code: error.code, why: this.#renewal.explainRefusal(Date.now()) }
      : describeError(error);
    const isNews = error.code !== this.#lastDown;
    this.#lastDown = error.code;
    this.#log.write(isNews ? "link-down" : "dial-failed", described);
    if (isNews && !this.#serving) this.#log.write("locked", { why: error.code });
  }

  /** Hello, and the identity where it is not open yet; again after a pause as long as this session lasts. */
  #greet(session: number): void {
    this.#greeting = this.#hello(session).catch((error: unknown) => {
      if (session !== this.#session || this.#closing) return;
      const call = isPlatenError(error) ? (error.details.call ?? "hello") : "hello";
      this.#log.write("call-failed", { call, ...describeError(error) });
      if (!this.#serving) this.#person?.session.setPhase({ locked: true, starting: null });
      if (isPlatenError(error) && error.entry.exit === 78) this.#giveUp(error);
      // The share is released once a session: its answer was lost, or what it opened could not be used.
      else if (isPlatenError(error, "call-refused") && error.details.why === "other-session") {
        this.#link.redial();
      } else this.#timer = setTimeout(() => this.#greet(session), pauseAfter(error));
    });
  }

  async #hello(session: number): Promise<void> {
    const reply = await this.#calls.call("hello", {
      version: manifest.version,
      printers: this.#printers.map(({ name, profile }) => ({
        name,
        languages: [...profile.languages],
        raw: true,
      })),
    });
    this.#log.write("clock-learned", { unixSeconds: reply.time });
    if (!this.#serving) await this.#openIdentity(reply.time);
    if (session !== this.#session || this.#closing) return;
    this.#settle(reply);
  }

  async #openIdentity(time: number): Promise<void> {
    const secrets = await askIdentity(this.#calls, this.#enrolment.sealedSecrets);
    if (this.#closing || !this.#person) return;
    const serving = await openServing(secrets, {
      config: this.#config,
      time,
      printers: this.#printers,
      calls: this.#calls,
      escrow: this.#escrow,
      sendParts: (payload) => {
        if (this.#link.up) this.#link.publishCall("parts", payload);
      },
      session: this.#person.session,
      condition: this.#condition,
      log: this.#log,
    });
    if (this.#closing) return await serving.stop();
    this.#serving = serving;
    const ms = sinceStart();
    this.#log.write("ready", { ms, held: serving.keeper.held() });
    this.#opened.resolve();
  }

  /** The session is good: everything that waited for one goes on. */
  #settle({ time, printers }: ReplyBody<"hello">): void {
    for (const { name } of this.#printers) {
      if (!printers.includes(name)) this.#log.child({ printer: name }).write("printer-unknown");
    }
    this.#greeted = true;
    this.#serving?.setOnline(time);
    for (const ticket of this.#early.splice(0)) this.#serving?.inbox.takeTicket(ticket);
    this.#person?.session.setPhase({ online: true, locked: false, starting: null });
    this.#condition.publish();
    this.#renewal.check(time);
  }

  #stopGreeting(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Nothing that could happen by itself will help: a person has to. */
  #giveUp(error: PlatenError): void {
    this.#log.write("broken", describeError(error));
    this.#person?.session.setPhase({ broken: error.message });
    this.#opened.reject(error);
  }

  #receive(topic: Topic, payload: Uint8Array): void {
    if (topic.room === "reply") this.#calls.takeReply(payload);
    else if (topic.room === "part") this.#serving?.inbox.takePart(topic, topic.n, payload);
    else if (topic.room === "ticket") {
      if (this.#greeted) this.#serving?.inbox.takeTicket(payload);
      else if (this.#early.length < EARLY_TICKETS_MAX && payload.length <= TICKET_BYTES_MAX) {
        this.#early.push(payload);
      }
    }
  }

  #publishCondition(payload: Uint8Array): void {
    if (this.#link.up) this.#link.publish(agentTopic(this.agent, "condition"), payload, true);
  }

  #noteRenewal(until: Date, error: unknown): void {
    this.#condition.setWarning("certificate", error !== null);
    if (error === null) this.#log.write("certificate-renewed", { until: until.toISOString() });
    else {
      this.#log.write("certificate-stale", { until: until.toISOString(), code: describeError(error).code });
    }
  }
}
