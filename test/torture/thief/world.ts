/**
 * What is stolen from: a fleet whose every byte goes through a tap, its fleet key elsewhere, documents that wait and
 * some of every other fate. All that must not be found is known here, and where some of it may be.
 */
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { enrolAgent } from "../../../agent/enrol.ts";
import { readEnrolmentFile } from "../../../agent/enrolment.ts";
import { signPending } from "../../../broker/fleet-bundle.ts";
import { join as joinBroker } from "../../../client/join.ts";
import { type CodeKind, formatCode, parseCode } from "../../../wire/code.ts";
import { type FleetKey, formatPublicKey, generateFleetKey } from "../../../wire/minisign.ts";
import { Fleet, type Sender } from "../../e2e/fleet.ts";
import type { Random } from "../random.ts";
import { makeNeedles, type Needle, otpNeedles, type Place, type Secret, sliceNeedles } from "./needles.ts";
import { Samples } from "./samples.ts";
import { Tap } from "./tap.ts";

const AGENT = "lobby";
/** Its connection breaks after so many bytes. */
const CUTTING = "attic";
const CUT_BYTES = 20_000;
/** Long enough that no OTP turns up by chance among the digits of a log. */
const OTP_DIGITS = 12;
/** The agent looks for what is over every 15 s. */
const SETTLE_MS = 90_000;
const USERS = ["alice", "bob", "carol"] as const;

export type Fate = "held" | "printed" | "cancelled" | "interrupted" | "expired";

export interface Doc {
  readonly user: string;
  readonly job: string;
  readonly otp: string;
  readonly name: string;
  readonly body: Buffer;
  readonly fate: Fate;
}

export class ThiefWorld {
  readonly fleet: Fleet;
  readonly folder: string;
  readonly docs: Doc[] = [];
  readonly #random: Random;
  readonly #key: FleetKey;
  readonly #secrets: Secret[] = [];
  readonly #senders = new Map<string, Sender>();
  readonly #printer: Server;
  readonly #samples: Samples[] = [];
  #tap!: Tap;

  private constructor(fleet: Fleet, folder: string, random: Random, key: FleetKey, printer: Server) {
    this.fleet = fleet;
    this.folder = folder;
    this.#random = random;
    this.#key = key;
    this.#printer = printer;
  }

  /**
   * @param folder where loot is gathered; the caller removes it
   * @param openS how long what was printed stays open for a second copy
   */
  static async open(folder: string, random: Random, openS: number): Promise<ThiefWorld> {
    const key = generateFleetKey();
    const policy = `[policy]\notpDigits = ${OTP_DIGITS}\notpDigitsLargeGroup = ${OTP_DIGITS}`;
    const fleet = await Fleet.start(`${policy}\n[fleet]\npublicKey = "${formatPublicKey(key)}"\n`);
    const world = new ThiefWorld(fleet, folder, random, key, await openCuttingPrinter());
    try {
      await world.#begin(openS);
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  get agentDir(): string {
    return this.fleet.path(AGENT);
  }

  get brokerDir(): string {
    return this.fleet.path("broker");
  }

  /** What becomes known to the harness later: shares, the identity. */
  addSecrets(...secrets: readonly Secret[]): void {
    this.#secrets.push(...secrets);
  }

  /** Everything that must not be in such a place. */
  needlesFor(place: Place): Needle[] {
    const secrets = this.#secrets.filter(({ mayBe }) => !mayBe.includes(place));
    return [
      ...secrets.flatMap(makeNeedles),
      ...this.docs.flatMap(({ body, name, otp }) => [
        ...sliceNeedles("document", body),
        ...makeNeedles({ what: "name", value: name }),
        ...otpNeedles(otp),
      ]),
    ];
  }

  startAgent() {
    return this.fleet.startAgent(AGENT);
  }

  killAgent(): Promise<void> {
    return this.fleet.kill(AGENT);
  }

  /** Sends a document and brings it to its fate. */
  async send(fate: Fate): Promise<Doc> {
    const user = this.#random.pick(USERS);
    const sender = this.#senders.get(user) as Sender;
    const name = `Kündigung "${this.#hex(8)}" ${this.docs.length}\\ März.pdf`;
    const body = this.#random.bytes(fate === "interrupted" ? 200_000 : this.#random.integer(1000, 12_000));
    const file = join(this.folder, "plain", name);
    writeFileSync(file, body);
    const expires = Math.floor(Date.now() / 1000) + 4;
    const order = { raw: true, ...(fate === "expired" && { expires }) };
    const target = fate === "interrupted" ? CUTTING : AGENT;
    const { otp, jobs } = await this.fleet.send(sender, target, [file], order);
    const doc = { user, job: jobs[0]?.job ?? "", otp, name, body, fate };
    this.docs.push(doc);
    await this.fleet.follow(sender, doc.job, "held");
    await this.#bringTo(fate, doc, sender);
    return doc;
  }

  /** Ends whatever has not ended: printed where it can be, else cancelled. */
  async endAll(): Promise<void> {
    for (const [i, doc] of this.docs.entries()) {
      if (doc.fate === "printed" || doc.fate === "cancelled") continue;
      const sender = this.#senders.get(doc.user) as Sender;
      if (doc.fate === "held" && i % 2 === 0) await this.#print(doc, sender);
      else if (doc.fate !== "expired") await this.#cancel(doc);
    }
  }

  /** Until nothing of any job is left at the broker's escrow. */
  async settled(): Promise<void> {
    const untilMs = performance.now() + SETTLE_MS;
    while ((await this.fleet.admin("status", {})).counts.shares !== 0) {
      if (performance.now() > untilMs) throw new Error("shares are left after the end of all jobs");
      await delay(200);
    }
  }

  type(keys: string): Promise<void> {
    return this.fleet.type(AGENT, keys);
  }

  /** The folders, as they are now; files of a running database included. */
  copy(from: "agent" | "broker", as: string): string {
    const to = join(this.folder, as);
    cpSync(from === "agent" ? this.agentDir : this.brokerDir, to, {
      recursive: true,
      filter: (file) => !file.endsWith(".sock"),
    });
    return to;
  }

  stopSampling(): void {
    for (const samples of this.#samples) samples.stop();
  }

  async close(): Promise<void> {
    this.stopSampling();
    await this.fleet.close();
    await this.#tap?.close();
    this.#printer.close();
  }

  async #begin(openS: number): Promise<void> {
    const { fleet, folder } = this;
    for (const name of ["plain", "paper"]) mkdirSync(join(folder, name), { recursive: true });
    this.#samples.push(new Samples(this.brokerDir, join(folder, "broker-over-time")));
    this.#tap = await Tap.open({
      port: fleet.port,
      brokerDir: this.brokerDir,
      agentDir: (agent) => fleet.path(agent),
      folder,
    });
    await this.#enrol(openS);
    this.#samples.push(new Samples(this.agentDir, join(folder, "card-over-time")));
    for (const user of USERS) await this.#join(user);
    this.addSecrets(
      { what: "fleet key", value: this.#key.seed, mayBe: [] },
      { what: "agent's TLS key", value: pemBody(this.#agentKey()), mayBe: ["card"] },
    );
  }

  async #enrol(openS: number): Promise<void> {
    const { fleet } = this;
    const { code } = await fleet.admin("printer.add", { name: AGENT });
    await fleet.admin("printer.add", { name: CUTTING, agent: AGENT });
    await enrolAgent(this.#reroute("claim", code ?? ""), this.agentDir);
    const address = this.#printer.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const printers = {
      [AGENT]: { uri: `file:${join(this.folder, "paper")}` },
      [CUTTING]: { uri: `tcp:localhost:${port}` },
    };
    fleet.configureAgent(AGENT, printers, `[policy]\ndeliveredGraceSeconds = ${openS}\n`);
    await this.startAgent();
    await fleet.program(AGENT).waitFor(({ event }) => event === "ready", "ready", 20_000);
    // The machine that has the key signs what the broker exports.
    const { bundle } = await fleet.admin("fleet.export", {});
    const { signed } = await fleet.admin("fleet.import", { bundle: signPending(this.#key, bundle) });
    if (signed.length < 2) throw new Error(`signed: ${signed}`);
  }

  async #join(user: string): Promise<void> {
    const access = await this.fleet.admin("user.add", { name: user });
    if (access.kind !== "invite") throw new Error("no invite was given");
    const dir = join(this.folder, "senders", user);
    const profile = await joinBroker(this.#reroute("invite", access.code), dir);
    this.addSecrets({ what: "password", value: profile.password, mayBe: ["relayed"] });
    this.#senders.set(user, { dir, profile });
  }

  /** The same code, by way of the tap; its secret is one of ours from now on. */
  #reroute(kind: CodeKind, code: string): string {
    const contact = parseCode(kind, code);
    if (!contact) throw new Error(`no ${kind}`);
    this.addSecrets(
      { what: kind, value: contact.secret, mayBe: ["relayed"] },
      { what: kind, value: code, mayBe: [] },
    );
    return formatCode({ ...contact, address: `localhost:${this.#tap.port}` });
  }

  async #bringTo(fate: Fate, doc: Doc, sender: Sender): Promise<void> {
    switch (fate) {
      case "printed":
        return this.#print(doc, sender);
      case "cancelled":
        return this.#cancel(doc);
      case "interrupted":
        await this.type(`${doc.otp}\n`);
        await this.fleet.follow(sender, doc.job, "interrupted");
        return;
      case "held":
      case "expired":
        return;
    }
  }

  async #print(doc: Doc, sender: Sender): Promise<void> {
    await this.type(`${doc.otp}\n`);
    await this.fleet.follow(sender, doc.job, "delivered", "printed");
  }

  async #cancel({ user, job }: Doc): Promise<void> {
    await this.fleet.admin("jobs.cancel", { user, job });
    await this.fleet.follow(this.#senders.get(user) as Sender, job, "cancelled");
  }

  #agentKey(): string {
    return Buffer.from(readEnrolmentFile(this.agentDir, "key") ?? "").toString();
  }

  #hex(length: number): string {
    return this.#random.bytes(length).toString("hex").slice(0, length);
  }
}

/** The DER of a PEM file; its text is the base64 of it. */
function pemBody(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64");
}

/** A printer that takes a little and then breaks the connection. */
async function openCuttingPrinter(): Promise<Server> {
  const server = createServer((socket) => {
    let taken = 0;
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      taken += bytes.length;
      if (taken > CUT_BYTES) socket.resetAndDestroy();
    });
  });
  await new Promise<void>((listening) => server.listen(0, "localhost", () => listening()));
  return server;
}
