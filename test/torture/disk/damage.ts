/** What a failing card does while nobody looks: files cut, changed, gone. Each put back where a person would do so. */
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "../random.ts";
import type { SentDocument } from "../sent-document.ts";
import type { ProgramName, Stage } from "../stage.ts";
import { type Ailment, expectRefusal, expectState, sendHeld } from "./ailment.ts";

type Harm = (path: string, random: Random) => void;

const gone: Harm = (path) => rmSync(path);
const cut: Harm = (path, random) => truncateSync(path, random.integer(0, statSync(path).size - 1));
const flipped: Harm = (path, random) => {
  const bytes = readFileSync(path);
  const at = random.integer(0, bytes.length - 1);
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random.integer(0, 7)), at);
  writeFileSync(path, bytes);
};
/** Its head, which says what it is, is noise. */
const beheaded: Harm = (path, random) => {
  const bytes = readFileSync(path);
  random.bytes(Math.min(100, bytes.length)).copy(bytes);
  writeFileSync(path, bytes);
};

/** The spool file that was not there before. */
async function sendSpooled(stage: Stage, bytes: number): Promise<{ document: SentDocument; file: string }> {
  const folder = stage.fleet.path("lobby", "jobs", "spool");
  const before = new Set(readdirSync(folder));
  const document = await sendHeld(stage, "lobby", bytes);
  const fresh = readdirSync(folder).find((name) => !before.has(name));
  return { document, file: join(folder, fresh ?? "") };
}

/** Found when its OTP is typed: nothing of it is printed, and its neighbour is none the worse. */
function spoolWhileRunning(name: string, harm: Harm): Ailment {
  return {
    name: `spool file ${name}, found at the keypad`,
    suffer: async (stage, random) => {
      const neighbour = await sendHeld(stage);
      const { document, file } = await sendSpooled(stage, 200_000);
      harm(file, random);
      await stage.release(document);
      await expectState(stage, document, "rejected lost");
      if (stage.pieces().length > 0) throw new Error("some of a document came out that could not be read");
      await printHeld(stage, neighbour);
    },
  };
}

/** Found at the start. */
function spoolWhileOff(name: string, harm: Harm): Ailment {
  return {
    name: `spool file ${name}, found at the start`,
    suffer: async (stage, random) => {
      const neighbour = await sendHeld(stage);
      const { document, file } = await sendSpooled(stage, 200_000);
      await stage.stop("lobby");
      harm(file, random);
      await stage.start("lobby");
      await expectState(stage, document, "rejected lost");
      await printHeld(stage, neighbour);
    },
  };
}

async function printHeld(stage: Stage, document: SentDocument): Promise<void> {
  await stage.release(document);
  await expectState(stage, document, "delivered");
}

interface Refused {
  readonly program: ProgramName;
  /** In the program's folder. */
  readonly file: string;
  readonly harm: readonly [string, Harm];
  readonly sentence: RegExp;
}

/** Refused with a sentence; nothing is reset; with the file put back everything is as before. */
function refused({ program, file, harm: [how, harm], sentence }: Refused): Ailment {
  return {
    name: `${program}: ${file} ${how}`,
    suffer: async (stage, random) => {
      const document = await sendHeld(stage);
      await stage.stop(program);
      const path = stage.fleet.path(program, file);
      const aside = stage.fleet.path("put-aside");
      cpSync(path, aside, { preserveTimestamps: true });
      harm(path, random);
      await expectRefusal(stage, program, sentence);
      cpSync(aside, path, { preserveTimestamps: true });
      await stage.start(program);
      await printHeld(stage, document);
    },
  };
}

/** Without its database an agent knows no job: each is told as lost, none prints, the next one does. */
const agentForgets: Ailment = {
  name: "lobby: jobs.db gone",
  suffer: async (stage) => {
    const documents = [await sendHeld(stage), await sendHeld(stage)];
    await stage.stop("lobby");
    for (const name of readdirSync(stage.fleet.path("lobby", "jobs"))) {
      if (name.startsWith("jobs.db")) rmSync(stage.fleet.path("lobby", "jobs", name));
    }
    await stage.start("lobby");
    for (const document of documents) await expectState(stage, document, "rejected lost");
    if (stage.pieces().length > 0) throw new Error("something printed by itself");
    // Its numbering began anew: what it told before is in the ledger alone.
    stage.forgetTold("lobby");
  },
};

/** Shares gone at the broker, their agent running: it puts them again. */
function slotsWhileAgentRuns(name: string, harm: Harm): Ailment {
  return {
    name: `broker: escrow.slots ${name}, the agent running`,
    suffer: async (stage, random) => {
      const document = await sendHeld(stage);
      await stage.stop("broker");
      harm(stage.fleet.path("broker", "escrow.slots"), random);
      await stage.start("broker");
      await stage.rest();
      await stage.stop("lobby");
      await stage.start("lobby");
      await printHeld(stage, document);
    },
  };
}

/** Both began anew: nobody has the share any more, and the sender hears of it. */
const slotsAndAgent: Ailment = {
  name: "broker: escrow.slots gone, the agent begun anew",
  suffer: async (stage) => {
    const document = await sendHeld(stage);
    await stage.stop("lobby");
    await stage.stop("broker");
    gone(stage.fleet.path("broker", "escrow.slots"), NO_RANDOM);
    await stage.start("broker");
    await stage.start("lobby");
    await expectState(stage, document, "rejected lost");
  },
};

/** A stored job's parts, its agent away. */
function partsWhileAway(name: string, harm: Harm, end: string): Ailment {
  return {
    name: `broker: part file ${name}`,
    suffer: async (stage, random) => {
      await stage.stop("lobby");
      const document = await stage.send("lobby", 200_000);
      await stage.stop("broker");
      const folder = stage.fleet.path("broker", "jobs");
      harm(join(folder, readdirSync(folder)[0] ?? ""), random);
      await stage.start("broker");
      await stage.start("lobby");
      await expectState(stage, document, end);
    },
  };
}

/** It is made anew: senders and agents pin the authority, not this. */
const serverCertificate: Ailment = {
  name: "broker: ca/server.pem cut",
  suffer: async (stage, random) => {
    const document = await sendHeld(stage);
    await stage.stop("broker");
    cut(stage.fleet.path("broker", "ca", "server.pem"), random);
    await stage.start("broker");
    await printHeld(stage, document);
  },
};

/** The agent runs on; begun anew it is locked, and says so, until the file is put back. */
const bootShares: Ailment = {
  name: "broker: boot-shares.slots gone",
  suffer: async (stage) => {
    const document = await sendHeld(stage);
    await stage.stop("broker");
    const path = stage.fleet.path("broker", "boot-shares.slots");
    const aside = stage.fleet.path("put-aside");
    cpSync(path, aside);
    rmSync(path);
    await stage.start("broker");
    const warned = () => stage.fleet.program("broker").lines.some(({ kind }) => kind === "boot-share-lost");
    await stage.until("the broker's warning", () => warned() || null);
    await stage.stop("broker");
    cpSync(aside, path);
    await stage.start("broker");
    await printHeld(stage, document);
  },
};

const NO_RANDOM = null as unknown as Random;
const DATABASE = /database .* is damaged/;
const IDENTITY = /identity|enrolment|certificate/i;

export const DAMAGE: readonly [Ailment, ...Ailment[]] = [
  spoolWhileRunning("gone", gone),
  spoolWhileRunning("cut", cut),
  spoolWhileRunning("flipped", flipped),
  spoolWhileOff("gone", gone),
  spoolWhileOff("cut", cut),
  refused({ program: "lobby", file: "jobs/jobs.db", harm: ["beheaded", beheaded], sentence: DATABASE }),
  refused({ program: "broker", file: "broker.db", harm: ["beheaded", beheaded], sentence: DATABASE }),
  refused({ program: "broker", file: "broker.db", harm: ["gone", gone], sentence: DATABASE }),
  refused({ program: "lobby", file: "identity.sealed", harm: ["gone", gone], sentence: IDENTITY }),
  refused({ program: "lobby", file: "certificate.pem", harm: ["cut", cut], sentence: IDENTITY }),
  refused({ program: "lobby", file: "enrolment.json", harm: ["cut", cut], sentence: IDENTITY }),
  refused({ program: "broker", file: "ca/ca.key", harm: ["cut", cut], sentence: /authority/ }),
  agentForgets,
  slotsWhileAgentRuns("gone", gone),
  slotsWhileAgentRuns("cut", cut),
  slotsWhileAgentRuns("flipped", flipped),
  slotsAndAgent,
  partsWhileAway("gone", gone, "rejected lost"),
  partsWhileAway("cut", cut, "rejected lost"),
  partsWhileAway("flipped", flipped, "rejected damaged"),
  serverCertificate,
  bootShares,
];
