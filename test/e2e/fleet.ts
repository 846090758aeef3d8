/**
 * A whole fleet for a test: real programs as child processes, in a temporary folder, on a free port. Printers write to
 * folders, keypads are named pipes; senders are the client library.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { enrolAgent } from "../../agent/enrol.ts";
import { callAdmin } from "../../broker/admin-client.ts";
import type { AdminArgs, AdminOp, AdminResults } from "../../broker/admin-schema.ts";
import { Child } from "../../cli/demo/child.ts";
import { followJob } from "../../client/follow.ts";
import { join as joinBroker } from "../../client/join.ts";
import type { Profile } from "../../client/profile.ts";
import { type Receipt, sendDocuments } from "../../client/send.ts";
import { openSession } from "../../client/session.ts";

const START_MS = 90_000;

/** Settings of an agent that destroys at once what was delivered. */
export const NOTHING_KEPT = "[policy]\ndeliveredGraceSeconds = 0\n";

export interface PrinterSettings {
  /** Default: a folder that gets one file per job. */
  readonly uri?: string;
  readonly profile?: string;
}

export interface Sender {
  readonly dir: string;
  readonly profile: Profile;
}

export class Fleet {
  readonly root = mkdtempSync(join(tmpdir(), "platen-e2e-"));
  readonly port: number;
  readonly #programs = new Map<string, Child>();
  #starts = 0;

  private constructor(port: number) {
    this.port = port;
    mkdirSync(this.path("logs"));
  }

  /** A broker that runs; `settings` is TOML put before the listening table. */
  static async start(settings = ""): Promise<Fleet> {
    const fleet = new Fleet(await findFreePort());
    const address = `localhost:${fleet.port}`;
    writeFileSync(
      fleet.path("broker.toml"),
      `address = "${address}"\n${settings}\n[listen]\nhost = "localhost"\nport = ${fleet.port}\n`,
    );
    await fleet.startBroker();
    return fleet;
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  admin<O extends AdminOp>(op: O, args: AdminArgs<O>): Promise<AdminResults[O]> {
    return callAdmin(this.path("broker"), op, args);
  }

  startBroker(): Promise<Child> {
    return this.#start("broker", [
      "broker",
      "--data",
      this.path("broker"),
      "--config",
      this.path("broker.toml"),
    ]);
  }

  /** Adds printers of one new agent, named after the first, enrols and writes its settings. Does not start it. */
  async addAgent(printers: Readonly<Record<string, PrinterSettings>>, settings = ""): Promise<string> {
    const [agent = "", ...others] = Object.keys(printers);
    const { code } = await this.admin("printer.add", { name: agent });
    for (const name of others) await this.admin("printer.add", { name, agent });
    await enrolAgent(code ?? "", this.path(agent));
    this.configureAgent(agent, printers, settings);
    return agent;
  }

  configureAgent(agent: string, printers: Readonly<Record<string, PrinterSettings>>, settings = ""): void {
    const tables = Object.entries(printers).map(([name, { uri, profile }]) => {
      if (uri === undefined) mkdirSync(this.path("printed", name), { recursive: true });
      return `[printer.${name}]\nuri = "${uri ?? `file:${this.path("printed", name)}`}"\nprofile = "${profile ?? "raw"}"\n`;
    });
    const keypads = `keypads = ["pipe:${this.path(`${agent}.keypad`)}"]\n`;
    writeFileSync(this.path(`${agent}.toml`), keypads + settings + tables.join("\n"));
  }

  startAgent(agent: string): Promise<Child> {
    return this.#start(agent, ["agent", "--data", this.path(agent), "--config", this.path(`${agent}.toml`)]);
  }

  /** The running program: `broker`, or an agent's name. */
  program(name: string): Child {
    const program = this.#programs.get(name);
    if (!program) throw new Error(`${name} was not started`);
    return program;
  }

  /** SIGKILL, as a power cut would. */
  async kill(name: string): Promise<void> {
    const program = this.program(name);
    void program.kill();
    await program.stop();
  }

  async stop(name: string): Promise<void> {
    await this.program(name).stop();
  }

  async addSender(user: string): Promise<Sender> {
    const access = await this.admin("user.add", { name: user });
    if (access.kind !== "invite") throw new Error("no invite was given");
    const dir = this.path(`sender-${user}`);
    return { dir, profile: await joinBroker(access.code, dir) };
  }

  /** Sends files and settles at `stored`. */
  async send(sender: Sender, target: string, files: readonly string[], order: object = {}): Promise<Receipt> {
    const session = await openSession(sender.profile);
    try {
      const documents = files.map((file) => ({ file, name: basename(file) }));
      return await sendDocuments(session, sender.dir, { target, documents, ...order });
    } finally {
      await session.close();
    }
  }

  /** Follows a job until it is in one of `states`, or ends; the last status. */
  async follow(sender: Sender, job: string, ...states: string[]) {
    const session = await openSession(sender.profile);
    const giveUp = AbortSignal.timeout(30_000);
    try {
      let last: Awaited<ReturnType<ReturnType<typeof followJob>["next"]>>["value"] | null = null;
      for await (const status of followJob(session, job, { signal: giveUp })) {
        last = status;
        if (states.includes(status.state)) break;
      }
      if (!last) throw new Error(`nothing was said of ${job}`);
      return last;
    } finally {
      await session.close();
    }
  }

  /** Types at an agent's keypad; digits alone are not submitted. */
  async type(agent: string, keys: string): Promise<void> {
    const pipe = await open(this.path(`${agent}.keypad`), "w");
    try {
      await pipe.write(keys);
    } finally {
      await pipe.close();
    }
  }

  /** What came out of a printer so far, one buffer per job, in order of their names. */
  printed(printer: string): Buffer[] {
    const dir = this.path("printed", printer);
    return readdirSync(dir)
      .sort()
      .map((name) => readFileSync(join(dir, name)));
  }

  /** Ends every program and removes the folder; PLATEN_KEEP=1 (or `keeps`) leaves it, with the logs. */
  async close(keeps = Boolean(process.env.PLATEN_KEEP)): Promise<void> {
    await Promise.all([...this.#programs.values()].map((program) => program.stop()));
    if (!keeps) rmSync(this.root, { recursive: true, force: true });
  }

  async #start(name: string, args: string[]): Promise<Child> {
    const log = this.path("logs", `${name}-${this.#starts++}.log`);
    const program = new Child(name, args, log, false);
    this.#programs.set(name, program);
    await program.waitFor(({ event }) => /ready|locked/.test(String(event)), "ready", START_MS);
    return program;
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(0, "localhost", resolve);
  await promise;
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
