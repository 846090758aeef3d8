/**
 * The agent on a machine that nobody logs in to: set up from the card where it must be, its printer found where none is
 * named, and then an agent like any other.
 */
import { type AgentSurroundings, type RunningAgent, startAgent } from "./agent.ts";
import type { AgentConfig } from "./config.ts";
import { prepareDataDir, readEnrolmentRecord } from "./enrolment.ts";
import { type Log, openLog } from "./log.ts";
import type { Panel } from "./panel.ts";
import { openPerson } from "./person.ts";
import { takeCensus } from "./printer-census.ts";
import { readUsbId } from "./probe.ts";
import { Setup, type SetupRoom, type SetupTimes, setUpAgent } from "./setup.ts";
import { readOrder } from "./setup-handover.ts";
import { findPrinter, type PrinterSearch } from "./setup-printer.ts";

export interface HandsOffPlaces {
  /** Where the card's half of set-up leaves its order. */
  readonly orders: string;
  /** Where the report for it goes; null: nobody reads one. */
  readonly reports: string | null;
}

export interface HandsOffSurroundings extends AgentSurroundings {
  readonly times?: SetupTimes;
  readonly search?: PrinterSearch;
}

type HandsOffAgent = Pick<RunningAgent, "ready" | "checkHealth" | "close">;

/** Resolves at once: set-up may take as long as a person needs to come by. `ready` says how it ended. */
export async function startHandsOff(
  settings: AgentConfig,
  places: HandsOffPlaces,
  surroundings: HandsOffSurroundings = {},
): Promise<HandsOffAgent> {
  const config = { ...settings, panel: { keyboardLeds: true, ...settings.panel } };
  prepareDataDir(config.dataDir);
  const stopping = new AbortController();
  let agent: RunningAgent | null = null;
  const begun = prepare(config, places, surroundings, stopping.signal).then(async (prepared) => {
    stopping.signal.throwIfAborted();
    agent = await startAgent(prepared, surroundings);
    if (stopping.signal.aborted) await agent.close();
    return agent;
  });
  const ready = begun.then((running) => running.ready);
  ready.catch(() => undefined);
  return {
    ready,
    checkHealth: () => agent?.checkHealth() ?? null,
    close: async () => {
      stopping.abort(new DOMException("the agent was stopped", "AbortError"));
      await begun.catch(() => undefined);
      await agent?.close();
    },
  };
}

/** The settings, complete. What has to be waited for is shown. */
async function prepare(
  config: AgentConfig,
  { orders, reports }: HandsOffPlaces,
  surroundings: HandsOffSurroundings,
  signal: AbortSignal,
): Promise<AgentConfig> {
  const order = readOrder(orders);
  const { dataDir } = config;
  const search = surroundings.search ?? SEARCH;
  const isEnrolled = readEnrolmentRecord(dataDir) !== null;
  if (isEnrolled && order === null) {
    // The start of every day: nothing to wait for, nothing to show.
    const name = unnamedPrinter(config);
    if (name === null) return config;
    const found = await findPrinter(dataDir, search);
    if (found.kind === "printer") return { ...config, printer: { [name]: found.settings } };
  }
  const log = openLog(config.log.level, surroundings.log);
  const person = await openSetupPerson(config, log, surroundings.panel);
  const room: SetupRoom = {
    dataDir,
    broker: config.broker ?? null,
    reports,
    session: person.session,
    log,
    signal,
    ...(surroundings.times !== undefined && { times: surroundings.times }),
  };
  try {
    await setUpAgent(order, room);
    const name = unnamedPrinter(config);
    if (name === null) return config;
    const settings = await new Setup(room).waitForPrinter(() => findPrinter(dataDir, search));
    return { ...config, printer: { [name]: settings } };
  } finally {
    await person.close();
  }
}

const SEARCH: PrinterSearch = { census: takeCensus, readId: readUsbId };

/** Whoever stands there is answered from now on, if only that nothing can be printed yet. */
function openSetupPerson(config: AgentConfig, log: Log, panel: Panel | undefined) {
  return openPerson(config, log, panel, {
    release: () => null,
    held: () => 0,
    sharesMissing: () => false,
    onPowerCycle: () => undefined,
    onTamper: () => undefined,
  });
}

/** The agent's one printer, if no settings say where it is; null: with several, which is which only a person knows. */
function unnamedPrinter({ dataDir, printer }: AgentConfig): string | null {
  const [name, ...others] = readEnrolmentRecord(dataDir)?.printers ?? [];
  const isNamed = others.length > 0 || Object.keys(printer).length > 0;
  return name === undefined || isNamed ? null : name;
}
