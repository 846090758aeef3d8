/**
 * `platen demo`: a real broker, a real agent with a virtual printer, a real sender and a real PDF, from the seal to
 * the last trace destroyed, and the proof that nothing in the middle could read it.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Profile } from "../../client/profile.ts";
import type { DemoOptions } from "../demo-command.ts";
import { interruptible } from "../interruption.ts";
import { formatBytes } from "../size.ts";
import type { Terminal } from "../terminal.ts";
import type { Canary } from "./canary.ts";
import { type Child, INTERRUPTED } from "./child.ts";
import { keepRunning } from "./keep.ts";
import { lendTerminal } from "./lent-terminal.ts";
import { Narrator } from "./narrator.ts";
import { collectMoments, measureSeal, type Sent, sendDocument } from "./sending.ts";
import {
  enrolPrinter,
  type Folders,
  joinSender,
  makeFolders,
  PRINTER,
  removeFolders,
  startAgent,
  startBroker,
  USER,
} from "./stage.ts";
import { buildTimeline } from "./timeline.ts";
import { typeAtKeypad } from "./typist.ts";
import {
  type Check,
  judgePrinted,
  judgeSearch,
  judgeSearchItself,
  plantLeak,
  searchPrograms,
} from "./verdict.ts";

const HELD_MS = 30_000;
const PERSON_MS = 15 * 60_000;
const PRINT_MS = 60_000;
const TOLD_MS = 30_000;

/** What the acts of the demo share. */
interface Scene {
  readonly folders: Folders;
  readonly narrator: Narrator;
  readonly options: DemoOptions;
  /** The person types here; false: the demo types through the pipe. */
  readonly byHand: boolean;
  readonly children: Child[];
  readonly signal: AbortSignal;
}

/** Returns whether everything held. Ends its programs and removes its folder on every way out. */
export async function runDemo(terminal: Terminal, options: DemoOptions): Promise<boolean> {
  const byHand = terminal.stdin.isTTY && terminal.stdout.isTTY && !options.auto && !terminal.json;
  const folders = makeFolders();
  const children: Child[] = [];
  const giveBack = lendTerminal(byHand ? terminal.stdin : null);
  const killAll = () => {
    for (const child of children) child.kill();
    removeFolders(folders);
  };
  process.once("exit", killAll);
  const over = new AbortController();
  try {
    return await interruptible(INTERRUPTED, async (signal) => {
      const narrator = new Narrator(terminal, byHand);
      const all = AbortSignal.any([signal, over.signal]);
      return playScene({ folders, narrator, options, byHand, children, signal: all });
    });
  } finally {
    // Ends what still follows or waits, whichever way the play went.
    over.abort();
    await Promise.all(children.map((child) => child.stop()));
    giveBack();
    removeFolders(folders);
    process.off("exit", killAll);
  }
}

/** Else the search at the end would find what is no leak: true of this agent, not of every one. */
const KEPT =
  "This agent destroys at once what it handed over (deliveredGraceSeconds = 0); as it comes, the same OTP\nprints once more for ten minutes what no printer confirmed.\n";

async function playScene(scene: Scene): Promise<boolean> {
  const { folders, narrator, options } = scene;
  const document = readFileSync(documentPath());
  // A name like people give, with something in it that cannot be there by chance.
  const name = `Kündigung-${randomBytes(6).toString("hex")}.pdf`;
  narrator.say(`A broker, a printer and a sender on this machine, in ${folders.root}\n`);
  const { agent, profile } = await setStage(scene);
  const sent = await sendDocument(folders, profile, { path: documentPath(), name }, scene.signal);
  narrator.step("sent", `${name}, ${formatBytes(document.length)}, sealed for “${PRINTER}” alone`);
  await agent.waitFor(
    (line) => line.event === "held" && line.job === sent.job,
    "held",
    HELD_MS,
    scene.signal,
  );
  narrator.step("held", "at the printer, unreadable until its one-time password is typed");
  const canary = { document, name, otp: sent.otp };
  const checks: Check[] = [];
  const check = (found: Check) => {
    checks.push(found);
    narrator.check(found);
  };
  const whileHeld = judgeSearch("while it waited", searchPrograms(folders, canary), folders.root);
  await typeOtp(scene, agent, sent);
  narrator.say(KEPT);
  narrator.timeline(buildTimeline(await measureSeal(document), collectMoments(sent, agent)));
  check(judgePrinted(folders, document));
  check(whileHeld);
  if (options.leak) plantLeak(folders, canary, options.leak);
  check(judgeSearch("after it printed", searchPrograms(folders, canary), folders.root));
  if (!options.keep) await endPrograms(scene, canary, check);
  check(judgeSearchItself(folders, canary));
  const passed = checks.every(({ ok }) => ok);
  narrator.verdict(passed);
  if (options.keep) await keepRunning(scene);
  return passed;
}

async function setStage(scene: Scene): Promise<{ agent: Child; profile: Profile }> {
  const { folders, narrator, byHand, children, signal } = scene;
  const { broker, address } = await startBroker(folders, (child) => children.push(child), signal);
  narrator.step("broker", `listens on ${address}, TLS 1.3`, { pid: broker.pid });
  const fingerprint = await enrolPrinter(folders);
  const agent = await startAgent(folders, byHand, (child) => children.push(child), signal);
  narrator.step("printer", `“${PRINTER}” is enrolled; fingerprint ${fingerprint.slice(0, 19)} ...`, {
    pid: agent.pid,
  });
  const profile = await joinSender(folders);
  narrator.step("sender", `“${USER}” joined with a one-time invite`);
  return { agent, profile };
}

/** The one-time password goes from the sender's screen to the keypad: by the person's hands, or by itself. */
async function typeOtp(
  { narrator, byHand, folders, signal }: Scene,
  agent: Child,
  sent: Sent,
): Promise<void> {
  narrator.otp(sent.otp);
  const ours = (event: string) => (line: { event?: string; job?: unknown }) =>
    line.event === event && line.job === sent.job;
  if (byHand) {
    narrator.say(
      "Type it here and press Enter, as if at the printer's keypad.\nNothing is echoed; Ctrl-C ends the demo.\n",
    );
    await agent.waitFor(ours("entered"), "the one-time password", PERSON_MS, signal);
  } else {
    narrator.say("Somebody types it at the keypad (a named pipe here)...");
    await typeAtKeypad(folders.keypad, sent.otp, signal);
  }
  await agent.waitFor(ours("destroyed"), "printing", PRINT_MS, signal);
  await sent.ended(TOLD_MS);
}

/** What programs write when they end is searched too. */
async function endPrograms(
  { folders, children }: Scene,
  canary: Canary,
  check: (found: Check) => void,
): Promise<void> {
  await Promise.all(children.map((child) => child.stop()));
  check(judgeSearch("after both programs ended", searchPrograms(folders, canary), folders.root));
}

/** Beside this file; a packed copy carries it in the sources' place. */
function documentPath(): string {
  const beside = join(import.meta.dirname, "document.pdf");
  return existsSync(beside) ? beside : join(import.meta.dirname, "../../../cli/demo/document.pdf");
}
