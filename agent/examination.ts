/** Everything the doctor looks at on an agent's machine, in the order in which things fail. Changes nothing. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { bad, type Diagnosis, good, note } from "../wire/diagnosis.ts";
import { isPlatenError } from "../wire/error.ts";
import { checkCertificateEnd, checkEnrolment, checkPrivacy, lookAtDataDir } from "./check-enrolment.ts";
import { checkKeypad, checkPanel, checkUdevRule } from "./check-keypads.ts";
import { checkLink } from "./check-link.ts";
import {
  checkClock,
  checkDisk,
  checkSpool,
  checkSwap,
  readClockFacts,
  readDiskFacts,
  readSpoolFacts,
  readSwaps,
} from "./check-machine.ts";
import { checkPrinter, type PrinterPlace } from "./check-printers.ts";
import { type AgentConfig, choosePrinters } from "./config.ts";
import { findHolder, lookAtNode } from "./device-node.ts";
import type { Enrolment } from "./enrolment.ts";
import { takeCensus } from "./printer-census.ts";
import { isProfileName, profileOf } from "./profile.ts";

/** What a service takes that has no terminal. */
const DEFAULT_KEYPADS = ["hid:any"];

/** One diagnosis after the other, as each is known. */
export async function* examineAgent(config: AgentConfig): AsyncGenerator<Diagnosis> {
  const { dataDir } = config;
  const isRunning = findHolder(join(dataDir, "jobs", "jobs.db")) !== null;
  yield isRunning
    ? good("agent", "It runs.")
    : note(
        "agent",
        "It does not run here, as far as this user can see.",
        "Start it: systemctl start platen-agent",
      );
  yield* examineMachine(config);
  const { enrolment, diagnosis } = checkEnrolment(dataDir);
  yield diagnosis;
  if (enrolment !== null) {
    yield checkPrivacy(...lookAtDataDir(dataDir));
    yield checkCertificateEnd(enrolment.certificate, Date.now());
    const { agent, ca, certificate: cert, key } = enrolment;
    const address = config.broker ?? enrolment.address;
    yield* checkLink({ address, agent, ca, cert, key, mayLogin: !isRunning });
  }
  yield* examinePrinters(config, enrolment, isRunning);
  for (const uri of config.keypads ?? DEFAULT_KEYPADS) yield await checkKeypad(uri);
  const panel = await checkPanel(config.panel, loadChips);
  if (panel !== null) yield panel;
}

function* examineMachine({ dataDir, policy }: AgentConfig): Generator<Diagnosis> {
  const folder = lookAtNode(dataDir);
  if (folder.access === "denied") {
    const remedy = "Run the doctor as the agent's user: sudo -u platen platen doctor";
    yield bad("user", `This user may not look into ${dataDir}.`, remedy);
  } else if (process.getuid?.() === 0 && (folder.uid ?? 0) !== 0) {
    const what = "The doctor runs as root, the agent as another user: what root may, that user may not.";
    yield note("user", what, "Run it as the agent's user: sudo -u platen platen doctor");
  }
  yield checkClock(readClockFacts());
  const disk = existsSync(dataDir) ? readDiskFacts(dataDir, policy.reserveBytes) : null;
  if (disk !== null) yield checkDisk(disk);
  const spool = readSpoolFacts(dataDir);
  if (spool !== null) yield checkSpool(spool, Date.now());
  yield checkSwap(readSwaps());
}

async function* examinePrinters(
  config: AgentConfig,
  enrolment: Enrolment | null,
  isRunning: boolean,
): AsyncGenerator<Diagnosis> {
  let places: PrinterPlace[];
  try {
    places = placesOf(config, enrolment?.printers ?? []);
  } catch (error) {
    if (!isPlatenError(error)) throw error;
    yield bad("printers", error.message, "Name the tables in agent.toml as the printers on the broker.");
    return;
  }
  if (places.length === 0) {
    yield note(
      "printers",
      "No printer is configured.",
      "Enrol this machine, or add [printer.NAME] to agent.toml.",
    );
    return;
  }
  const census = takeCensus();
  for (const place of places) yield await checkPrinter(place, census, isRunning);
  const uris = [...places.map(({ uri }) => uri), ...(config.keypads ?? DEFAULT_KEYPADS)];
  const rule = checkUdevRule(uris, process.getuid?.());
  if (rule !== null) yield rule;
}

/** @throws PlatenError `config-unknown-key` */
export function placesOf(config: AgentConfig, enrolled: readonly string[]): PrinterPlace[] {
  return [...choosePrinters(config, enrolled)].map(([name, { uri, profile }]) => ({
    name,
    uri,
    status: isProfileName(profile) ? profileOf(profile).status : "none",
  }));
}

/** The chips, once it is known that pins could be used at all. */
async function loadChips() {
  const { loadGpio, readChips } = await import("./gpio-onoff.ts");
  await loadGpio();
  return readChips();
}
