/**
 * A place where people print: a broker and a sender on this host, and beside the printer a Pi that started from a card.
 * What is asserted is seen from outside: at the printer's cable, at the broker, on the pins, on the card.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { followJob } from "../../client/follow.ts";
import { openSession } from "../../client/session.ts";
import { formatCode, parseCode } from "../../wire/code.ts";
import type { JobStatus } from "../../wire/status.ts";
import { Fleet, type Sender } from "../e2e/fleet.ts";
import { Card } from "./card.ts";
import { Lamps } from "./lamps.ts";
import { PATIENCE_MS, until } from "./patience.ts";
import { BROKER_ADDRESS, Pi, type PiOptions } from "./pi.ts";
import { UsbKeypad } from "./usb-keypad.ts";
import { UsbPrinter } from "./usb-printer.ts";

export interface SentJob {
  readonly job: string;
  readonly otp: string;
}

export class Site {
  readonly folder = mkdtempSync(join(tmpdir(), "platen-site-"));
  readonly fleet: Fleet;
  readonly card: Card;
  readonly sender: Sender;
  readonly printer = new UsbPrinter();
  readonly keypad = new UsbKeypad();
  readonly lamps = new Lamps(() => this.pi.file("qemu.log"));
  #pi: Pi | null = null;
  #files = 0;

  private constructor(fleet: Fleet, sender: Sender, card: Card) {
    this.fleet = fleet;
    this.sender = sender;
    this.card = card;
  }

  static async open(image: string): Promise<Site> {
    // A handshake takes an emulated machine on a busy host longer than any stranger is given.
    const settings = `tls.names = ["${BROKER_ADDRESS.split(":")[0]}"]\nlimits.loginSeconds = 300`;
    const fleet = await Fleet.start(settings);
    const sender = await fleet.addSender("ada");
    const card = await Card.flash(image, fleet.root);
    return new Site(fleet, sender, card);
  }

  /** The machine that is on. */
  get pi(): Pi {
    if (this.#pi === null) throw new Error("the power is off");
    return this.#pi;
  }

  /** A new agent's claim code, as the Pi can use it: for the address that leads here from there. */
  async claim(agent: string, ...others: readonly string[]): Promise<string> {
    const { code } = await this.fleet.admin("printer.add", { name: agent });
    for (const name of others) await this.fleet.admin("printer.add", { name, agent });
    const contact = parseCode("claim", code ?? "");
    if (contact === null) throw new Error(`no claim code: ${code}`);
    return formatCode({ ...contact, address: BROKER_ADDRESS });
  }

  /** With a port for the printer and one for the keypad, and the broker where agents look for it. */
  async powerOn(options: PiOptions = {}): Promise<Pi> {
    this.#pi = await Pi.boot(this.card, this.folder, {
      ports: ["printer", "keypad"],
      brokerPort: this.fleet.port,
      ...options,
    });
    return this.#pi;
  }

  /** Printer and keypad. */
  async plugIn(): Promise<void> {
    await this.printer.plugInto(this.pi.port("printer"));
    await this.keypad.plugInto(this.pi.port("keypad"));
  }

  /** Resolves once the agent of a claim has told the broker who it is. */
  async enrolled(agent: string): Promise<void> {
    await until(
      `the enrolment of ${agent}`,
      async () => {
        const { printers } = await this.fleet.admin("printer.list", {});
        return printers.some(({ name, offered }) => name === agent && offered) ? true : null;
      },
      async () => (await this.pi.run("journalctl -b -o cat -n 30")).output,
    );
  }

  /** Resolves once an agent that was enrolled before serves again. */
  async ready(): Promise<void> {
    await this.pi.until(`journalctl -b -u platen-agent | grep -q '"event":"ready"'`);
  }

  /** The plug is pulled. */
  async cutPower(): Promise<void> {
    await this.#pi?.close();
    this.#pi = null;
  }

  /** Settles when the broker has it; the OTP as a person would get it. */
  async send(target: string, content: Uint8Array, order: object = {}): Promise<SentJob> {
    this.#files += 1;
    const file = join(this.folder, `document-${this.#files}`);
    writeFileSync(file, content);
    const { otp, jobs } = await this.fleet.send(this.sender, target, [file], order);
    return { job: jobs[0]?.job ?? "", otp };
  }

  /** What the sender is told, until it is one of `states`. */
  async follow(job: string, ...states: readonly string[]): Promise<JobStatus> {
    const session = await openSession(this.sender.profile);
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const said: string[] = [];
    try {
      for await (const status of followJob(session, job, { signal, isLast: () => false })) {
        said.push(`${status.state} ${status.reason ?? ""}`);
        if (states.includes(status.state)) return status;
      }
    } catch (cause) {
      throw new Error(`never ${states.join(" or ")}: ${said.join(", ")}`, { cause });
    } finally {
      await session.close();
    }
    throw new Error(`never ${states.join(" or ")}: ${said.join(", ")}`);
  }

  /** Sends and waits until the agent holds it. */
  async hold(target: string, content: Uint8Array, order: object = {}): Promise<SentJob> {
    const sent = await this.send(target, content, order);
    await this.follow(sent.job, "held");
    return sent;
  }

  /** At the keypad, as a person does it. */
  async enter(otp: string): Promise<void> {
    await this.keypad.type(`${otp}\n`, "pad", 60);
  }

  async close(): Promise<void> {
    await this.cutPower();
    await this.fleet.close();
    await this.card.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
