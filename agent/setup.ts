/**
 * Set-up's half with a network and without rights: waits for an address, enrols with the code from the card, and shows
 * each step. Nothing is given up: what a person has to mend is said on the panel and on the card, and tried again.
 */
import { networkInterfaces } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { parseCode } from "../wire/code.ts";
import { isPlatenError, type PlatenError } from "../wire/error.ts";
import type { PrinterConfig } from "./config.ts";
import { enrolAgent } from "./enrol.ts";
import { type EnrolmentRecord, readEnrolmentRecord } from "./enrolment.ts";
import { describeError, type Log } from "./log.ts";
import type { StartingStep } from "./panel.ts";
import type { Session } from "./session.ts";
import { type SetupOrder, type SetupReport, writeReport } from "./setup-handover.ts";
import type { Found } from "./setup-printer.ts";

export interface SetupRoom {
  readonly dataDir: string;
  /** Dialled instead of the address in the claim code. */
  readonly broker: string | null;
  /** Where the report to the card's half goes; null: nobody reads one. */
  readonly reports: string | null;
  /** What the panel shows while there is nothing to print. */
  readonly session: Pick<Session, "setPhase">;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly times?: SetupTimes;
}

/** Milliseconds. How often something is tried, and how long until a person is asked to look. */
export interface SetupTimes {
  readonly poll: number;
  readonly networkLate: number;
  readonly brokerLate: number;
  readonly printerLate: number;
  readonly retry: number;
  /** After a refusal that only a person can mend. */
  readonly retryRefused: number;
}

export const SETUP_TIMES: SetupTimes = {
  poll: 500,
  networkLate: 60_000,
  brokerLate: 60_000,
  printerLate: 30_000,
  retry: 5000,
  retryRefused: 300_000,
};

/**
 * Resolves when this machine is enrolled, and at once where it was already.
 * @throws the signal's reason once it is aborted; PlatenError `identity-damaged`, `storage-failed`
 */
export async function setUpAgent(order: SetupOrder | null, room: SetupRoom): Promise<void> {
  const setup = new Setup(room);
  const before = readEnrolmentRecord(room.dataDir);
  if (before !== null) {
    if (order !== null) setup.greetEnrolled(before, order);
    return;
  }
  const claim = order?.claim ?? null;
  if (claim === null) return await setup.waitForPerson("power", order?.problem ?? NO_ORDER);
  await setup.waitForNetwork();
  await setup.enrol(claim);
}

/** Nobody read the card. */
const NO_ORDER = "The card cannot be read. Flash it anew; if that does not help, take another card.";

export class Setup {
  readonly #room: SetupRoom;
  readonly #times: SetupTimes;
  #told: string | null = null;

  constructor(room: SetupRoom) {
    this.#room = room;
    this.#times = room.times ?? SETUP_TIMES;
  }

  /** A machine that has its place serves, whatever stands in a file. */
  greetEnrolled({ agent, code }: EnrolmentRecord, { claim, problem }: SetupOrder): void {
    const isOther = claim !== null && parseCode("claim", claim)?.id !== code;
    if (problem === null && !isOther) {
      this.#report({ enrolled: true, problem: null });
      return;
    }
    const said = isOther
      ? `This card is the agent “${agent}” already, and stays it. To use the new claim code, flash the card anew.`
      : problem;
    this.#room.log.write("setup-stuck", { step: "power", why: said ?? "" });
    this.#report({ enrolled: false, problem: said });
  }

  async waitForPerson(step: StartingStep, problem: string): Promise<never> {
    this.#stick(step, problem);
    for (;;) await this.#pause(this.#times.retryRefused);
  }

  async waitForNetwork(): Promise<void> {
    this.#show("network");
    const began = performance.now();
    while (!hasAddress()) {
      if (performance.now() - began > this.#times.networkLate) {
        this.#stick(
          "network",
          "There is no network. Look at the cable; with Wi-Fi compare name and password with the router's. If the network hands out no addresses, [network] needs one.",
        );
      }
      await this.#pause(this.#times.poll);
    }
  }

  async enrol(claim: string): Promise<void> {
    this.#show("broker");
    const began = performance.now();
    for (;;) {
      try {
        const { agent } = await enrolAgent(claim, this.#room.dataDir, this.#room.broker);
        this.#room.log.write("setup-enrolled", { agent });
        this.#report({ enrolled: true, problem: null });
        return;
      } catch (error) {
        if (!isPlatenError(error)) throw error;
        const { step, problem, isFinal } = explainFailure(error);
        this.#room.log.write("setup-waits", { step, ...describeError(error) });
        if (isFinal || performance.now() - began > this.#times.brokerLate) this.#stick(step, problem);
        await this.#pause(isFinal ? this.#times.retryRefused : this.#times.retry);
      }
    }
  }

  /** Until there is exactly one to take. */
  async waitForPrinter(look: () => Promise<Found>): Promise<PrinterConfig> {
    this.#show("printer");
    const began = performance.now();
    for (;;) {
      const found = await look();
      if (found.kind === "printer") {
        if (this.#told !== null) this.#report({ enrolled: true, problem: null });
        return found.settings;
      }
      if (found.kind === "several") this.#stick("printer", wordChoice(found.uris));
      else if (performance.now() - began > this.#times.printerLate) this.#stick("printer", NO_PRINTER);
      await this.#pause(this.#times.poll);
    }
  }

  #show(step: StartingStep): void {
    this.#room.session.setPhase({ starting: step, stuck: null, locked: false });
  }

  /** Told once: trying again changes nothing of it until something else is wrong. */
  #stick(step: StartingStep, problem: string): void {
    if (this.#told === problem) return;
    this.#told = problem;
    this.#room.session.setPhase({ stuck: { step, what: problem }, locked: false });
    this.#room.log.write("setup-stuck", { step, why: problem });
    this.#report({ enrolled: readEnrolmentRecord(this.#room.dataDir) !== null, problem });
  }

  #report(report: Omit<SetupReport, "v">): void {
    if (this.#room.reports !== null) writeReport(this.#room.reports, { v: 1, ...report });
  }

  async #pause(ms: number): Promise<void> {
    try {
      await sleep(ms, undefined, { signal: this.#room.signal });
    } catch {
      throw this.#room.signal.reason;
    }
  }
}

const NO_PRINTER =
  "No printer is plugged in by USB, or it is switched off. One that is reached otherwise must be named under [printer.NAME].";

function wordChoice(uris: readonly string[]): string {
  return `There are ${uris.length} printers. Say which one it is under [printer.NAME], with one of these lines: ${uris.map((uri) => `uri = "${uri}"`).join(" or ")}`;
}

/** An address that leads somewhere; those that a machine gives itself (RFC 3927, RFC 4291) do not. */
function hasAddress(): boolean {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .some(({ internal, address }) => !internal && !/^(?:169\.254\.|fe80:)/i.test(address));
}

interface Failure {
  readonly step: StartingStep;
  readonly problem: string;
  /** The same will come again until a person mends it. */
  readonly isFinal: boolean;
}

export function explainFailure(error: PlatenError): Failure {
  const { why = "" } = error.details;
  if (/CERT_(?:HAS_EXPIRED|NOT_YET_VALID)/.test(String(why))) {
    const today = new Date().toISOString().slice(0, 10);
    const problem = `The clock of this machine says ${today}, and on that day the broker's certificate is not valid. The time comes from the network: let it reach a time server, or name one of yours with [time] ntp = ["..."].`;
    return { step: "clock", problem, isFinal: false };
  }
  const isFinal = error.code === "code-refused" || error.code === "code-malformed";
  const problem = isFinal
    ? "The broker does not accept the claim code: it was used, withdrawn or is too old. It gives a new one with: platen printer replace NAME"
    : error.message;
  return { step: "broker", problem, isFinal };
}
