/**
 * A user is removed while their documents are sent, arrive, wait, print; also from an agent that cannot hear of it, and
 * by a broker that is killed meanwhile. What no printer has begun ends as withdrawn by the administrator; what is being
 * printed comes out, once; the neighbour's documents are none the worse.
 */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { isPlatenError } from "../../../wire/error.ts";
import type { Sender } from "../../e2e/fleet.ts";
import { readBroker } from "../books.ts";
import type { Piece } from "../paper.ts";
import type { Tally } from "../part.ts";
import type { Random } from "../random.ts";
import type { SentDocument } from "../sent-document.ts";
import { type AgentName, agentSettings, GROUP, type Site, untilNews } from "./site.ts";

const SMALL_BYTES = 2000;
/** More than any buffer between an agent and a printer that takes nothing. */
const LARGE_BYTES = 16_000_000;
const SLOW = { kind: "slow", bytesPerSecond: 100_000 } as const;
/** So many that a kill comes between the first and the last. */
const SET = 30;

interface Removal {
  readonly site: Site;
  readonly random: Random;
  readonly leaver: Sender;
  readonly printer: ShyPrinter;
}

type Moment = (removal: Removal) => Promise<void>;

const MOMENTS = {
  "while it is sent": async ({ site, random, leaver }) => {
    site.lines.sender.setManner(SLOW);
    const broker = site.fleet.program("broker");
    const begun = untilNews(broker, ({ event, user }) => event === "job-begun" && user === nameOf(leaver));
    const sending = expectLockedOut(site.send("east", random.bytes(LARGE_BYTES / 8), leaver));
    const { job } = await begun;
    await remove(site, leaver);
    await sending;
    await untilEnded(site, String(job), "cancelled", "by-administrator");
  },
  "while it arrives": async ({ site, random, leaver }) => {
    site.lines.east.setManner(SLOW);
    const document = await site.send("east", random.bytes(LARGE_BYTES / 8), leaver);
    await site.until("it arrives", () => site.stateAt("east", document.job) === "arriving");
    await remove(site, leaver);
    await untilWithdrawn(site, document);
  },
  "while a group holds it; the name is given again": async ({ site, random, leaver }) => {
    const document = await sendHeld(site, random, GROUP, leaver);
    await remove(site, leaver);
    await untilWithdrawn(site, document);
    await expectRefused(site, "east", document);
    const namesake = await site.addSender(nameOf(leaver));
    const next = await sendHeld(site, random, "east", namesake);
    await site.print(next, random);
    await remove(site, namesake);
  },
  "while it is held at an agent that is cut off": async ({ site, random, leaver }) => {
    const document = await sendHeld(site, random, "west", leaver);
    site.lines.west.setAway(true);
    await remove(site, leaver);
    expectAsked(site, document, "held");
    await untilShareless(site, document);
    site.heal();
    await untilWithdrawn(site, document);
  },
  "while it is held at an agent that is cut off, and typed there": async ({ site, random, leaver }) => {
    const mine = await sendHeld(site, random, "west", leaver);
    const ours = await sendHeld(site, random, GROUP, leaver);
    site.lines.west.setAway(true);
    await site.until("it is noticed", () => !isOnline(site, "west"));
    await remove(site, leaver);
    await expectRefused(site, "west", ours);
    await site.print(mine, random);
    site.heal();
    await untilEnded(site, mine.job, "delivered", null);
    await untilWithdrawn(site, ours);
  },
  "while an agent that holds it is cut off and begins anew": async ({ site, random, leaver }) => {
    const document = await sendHeld(site, random, "west", leaver);
    site.lines.west.setAway(true);
    await remove(site, leaver);
    await untilShareless(site, document);
    await site.restart("west", "SIGKILL");
    await expectRefused(site, "west", document);
    site.heal();
    await untilWithdrawn(site, document);
  },
  "by a broker that is killed meanwhile": async ({ site, leaver }) => {
    const jobs = await sendSet(site, leaver);
    const isFirst = ({ event, reason }: { event?: string; reason?: unknown }) =>
      event === "job-state" && reason === "by-administrator";
    const killed = untilNews(site.fleet.program("broker"), isFirst).then(() =>
      site.restart("broker", "SIGKILL"),
    );
    await remove(site, leaver).catch(() => {});
    await killed;
    // As whoever got no answer would: once more.
    await remove(site, leaver).catch((error: unknown) => {
      if (!isPlatenError(error, "not-there")) throw error;
    });
    for (const job of jobs) await untilEnded(site, job, "cancelled", "by-administrator");
  },
  "while it prints": async ({ site, random, leaver, printer }) => {
    const document = await untilPrinting(site, random, leaver);
    await remove(site, leaver);
    expectAsked(site, document, "printing");
    printer.take();
    await untilEnded(site, document.job, "delivered", null);
    await expectRefused(site, "east", document);
  },
  "while it prints, and the printer is unplugged": async ({ site, random, leaver, printer }) => {
    printer.refuse();
    const document = await untilPrinting(site, random, leaver);
    await remove(site, leaver);
    printer.unplug();
    await untilEnded(site, document.job, "cancelled", "by-administrator");
    await expectAudit(site, document.job, "interrupted", "cable");
    printer.take();
    await expectRefused(site, "east", document);
  },
} as const satisfies Record<string, Moment>;

/** @throws Error where a document comes out that must not, does not that must, or ends otherwise than it is to */
export async function removeUsers(site: Site, random: Random, note: (line: string) => void): Promise<Tally> {
  const neighbours = [
    await sendHeld(site, random, "west", site.sender),
    await sendHeld(site, random, GROUP, site.sender),
  ];
  const printer = await ShyPrinter.open();
  const pieces = () => [...site.pieces(), ...printer.pieces];
  try {
    for (const [at, [name, moment]] of Object.entries(MOMENTS).entries()) {
      note(`removed ${name}`);
      if (name === "while it prints") await giveEast(site, printer);
      const leaver = await site.addSender(`leaver-${at}`);
      await moment({ site, random, leaver, printer }).catch((cause: unknown) => {
        throw new Error(`removed ${name}: ${cause instanceof Error ? cause.message : cause}`, { cause });
      });
      site.heal();
      await site.rest({ pieces });
    }
    for (const document of neighbours) await site.print(document, random);
    await site.rest({ pieces });
    return { "users removed": Object.keys(MOMENTS).length };
  } finally {
    printer.close();
  }
}

async function remove(site: Site, { profile }: Sender): Promise<void> {
  await site.fleet.admin("user.remove", { name: profile.user });
}

function nameOf({ profile }: Sender): string {
  return profile.user;
}

async function sendHeld(site: Site, random: Random, target: string, sender: Sender): Promise<SentDocument> {
  const document = await site.send(target, random.bytes(SMALL_BYTES), sender);
  await site.untilHeld(document);
  // What agents did not tell yet would be ended at once.
  const sql = "SELECT count(*) FROM copies WHERE job = ? AND state = 'held'";
  const count = site.agentsOf(document).length;
  await site.until("it is told", () => site.askBroker<number>(sql, document.job) === count);
  return document;
}

/** Some documents under one OTP, held at `east`; nobody is to type it. */
async function sendSet(site: Site, sender: Sender): Promise<string[]> {
  const files = Array.from({ length: SET }, (_, n) => site.fleet.path("documents", `page-${n}`));
  for (const file of files) writeFileSync(file, file);
  const { jobs } = await site.fleet.send(sender, "east", files, { raw: true });
  for (const { job } of jobs) await site.until(`${job} held`, () => stateOf(site, job) === "held");
  return jobs.map(({ job }) => job);
}

/** Released, and stuck at a printer that takes nothing. */
async function untilPrinting(site: Site, random: Random, sender: Sender): Promise<SentDocument> {
  const document = await site.send("east", random.bytes(LARGE_BYTES), sender);
  await site.untilHeld(document);
  const verdict = await site.enter("east", document);
  if (verdict !== "entered") throw new Error(`${document.job}: ${verdict}`);
  await site.until("it prints", () => stateOf(site, document.job) === "printing");
  return document;
}

/** Every agent of it let go, and so has the broker; the ledger says so once. */
async function untilWithdrawn(site: Site, document: SentDocument): Promise<void> {
  await untilEnded(site, document.job, "cancelled", "by-administrator");
  for (const agent of site.agentsOf(document))
    await site.until(`${agent} let go`, () => site.stateAt(agent, document.job) === "cancelled");
}

async function untilEnded(site: Site, job: string, state: string, reason: string | null): Promise<void> {
  await site.until(`${job} ended`, () => endOf(site, job) !== null);
  await site.until(`${job} ends as ${state}`, () => stateOf(site, job) === state);
  const told = site.askBroker("SELECT reason FROM jobs WHERE job = ?", job);
  if (told !== reason) throw new Error(`${job} ended as ${state}, ${told}`);
  await expectAudit(site, job, state, reason);
}

async function expectAudit(site: Site, job: string, state: string, reason: string | null): Promise<void> {
  const { entries } = await site.fleet.admin("audit", { limit: 1000 });
  if (!entries.some((entry) => entry.job === job && entry.state === state && entry.reason === reason))
    throw new Error(`${job}: the audit does not say ${state} (${reason})`);
}

/** Nobody is told `cancelled` of what may yet print. */
function expectAsked(site: Site, { job }: SentDocument, state: string): void {
  const [is, why] = [stateOf(site, job), site.askBroker("SELECT reason FROM jobs WHERE job = ?", job)];
  if (is !== state || why !== "by-administrator" || endOf(site, job) !== null)
    throw new Error(`${job} is ${is} (${why}), and not ${state}`);
}

/** Nobody who has only the card opens it from now on. */
async function untilShareless(site: Site, { job }: SentDocument): Promise<void> {
  const isGone = () => readBroker(site.fleet).shares.every((share) => share.job !== job);
  await site.until(`the escrow has no share of ${job}`, isGone);
}

async function expectRefused(site: Site, agent: AgentName, document: SentDocument): Promise<void> {
  const verdict = await site.enter(agent, document);
  if (verdict === "entered") throw new Error(`${document.job} was released at ${agent}`);
  // It was asked for in vain: what came out before is all that may.
  document.entries--;
}

async function expectLockedOut(sending: Promise<unknown>): Promise<void> {
  const error = await sending.then(
    () => new Error("it was stored"),
    (cause: unknown) => cause,
  );
  if (!isPlatenError(error, "login-refused")) throw error;
}

function stateOf(site: Site, job: string): string | null {
  return site.askBroker("SELECT state FROM jobs WHERE job = ?", job);
}

function endOf(site: Site, job: string): number | null {
  return site.askBroker<number>("SELECT ended_at FROM jobs WHERE job = ?", job);
}

/** By its own log. */
function isOnline(site: Site, agent: AgentName): boolean {
  const { lines } = site.fleet.program(agent);
  return lines.findLast(({ event }) => event === "link-up" || event === "link-down")?.event === "link-up";
}

/** `east` prints here from now on, and what was delivered may come once more. */
async function giveEast(site: Site, printer: ShyPrinter): Promise<void> {
  await site.fleet.stop("east");
  const settings = agentSettings(site.lines.east.address).replace(/deliveredGraceSeconds = .*/, "");
  site.fleet.configureAgent("east", { east: { uri: printer.uri } }, settings);
  await site.fleet.startAgent("east");
}

/** A network printer that takes nothing until it is told to. */
class ShyPrinter {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  readonly #papers: Buffer[][] = [];
  #takes = false;

  private constructor() {
    this.#server = createServer({ pauseOnConnect: true }, (socket) => {
      const paper: Buffer[] = [];
      this.#papers.push(paper);
      this.#sockets.push(socket);
      socket.on("error", () => {});
      socket.on("data", (bytes) => paper.push(bytes));
      if (this.#takes) socket.resume();
      else socket.pause();
    });
  }

  static async open(): Promise<ShyPrinter> {
    const printer = new ShyPrinter();
    printer.#server.listen(0, "127.0.0.1");
    await once(printer.#server, "listening");
    return printer;
  }

  get uri(): string {
    const address = this.#server.address();
    return `tcp:127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
  }

  get pieces(): Piece[] {
    const known = { printer: "east", isConfirmed: false, aroundBytes: 0 };
    return this.#papers.map((bytes) => ({ ...known, bytes: Buffer.concat(bytes) }));
  }

  take(): void {
    this.#takes = true;
    for (const socket of this.#sockets) socket.resume();
  }

  refuse(): void {
    this.#takes = false;
  }

  unplug(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  close(): void {
    this.unplug();
    this.#server.close();
  }
}
