/** One run of QEMU: a process with a folder for its sockets and logs, gone with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { CommandChannel } from "./command-channel.ts";

export class Qemu {
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(folder: string, process: ChildProcess) {
    this.#folder = folder;
    this.#process = process;
    this.#ended = once(process, "exit");
  }

  /** `describe` gives the arguments for the run's own folder, made under `parent`. */
  static async start(
    program: string,
    parent: string,
    describe: (folder: string) => readonly string[],
  ): Promise<Qemu> {
    const folder = await mkdtemp(join(parent, "guest-"));
    const log = await open(join(folder, "qemu.log"), "a");
    // A session of its own, which the kernel gives a share of its own; and it goes when we go, however that is.
    const child = spawn("setpriv", ["--pdeathsig", "KILL", program, ...describe(folder)], {
      stdio: ["ignore", log.fd, log.fd],
      detached: true,
    });
    await log.close();
    return new Qemu(folder, child);
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Settles when it ended, by itself or not. */
  get ended(): Promise<unknown> {
    return this.#ended;
  }

  file(name: string): string {
    return join(this.#folder, name);
  }

  /** What a program connects to that plays this port's other side. */
  socket(name: string): string {
    return this.file(`${name}.sock`);
  }

  /** Connects to a socket of QEMU's as soon as it listens there. */
  async dial(name: string): Promise<Socket> {
    for (;;) {
      const socket = connect(this.socket(name));
      try {
        await once(socket, "connect");
        return socket;
      } catch {
        if (!this.isRunning) throw new Error(`QEMU ended:\n${await this.log()}`);
        await pause(50);
      }
    }
  }

  /** The guest's command channel, once somebody in the guest listens. */
  async commands(withinMs: number): Promise<CommandChannel> {
    const channel = new CommandChannel(await this.dial("commands"));
    const deadline = new AbortController();
    try {
      await Promise.race([
        channel.ready,
        pause(withinMs, undefined, { signal: deadline.signal }).then(() => {
          throw new Error(`nobody answered within ${withinMs / 1000} s`);
        }),
        this.#ended.then(() => {
          throw new Error("QEMU ended");
        }),
      ]);
      return channel;
    } catch (cause) {
      channel.close();
      throw new Error(`the guest did not start:\n${(await this.log()).slice(-3000)}`, { cause });
    } finally {
      deadline.abort();
    }
  }

  /** What QEMU itself said, then what the guest wrote to its console. */
  async log(): Promise<string> {
    const [qemu, console] = await Promise.all(
      ["qemu.log", "console.log"].map((name) => readFile(this.file(name), "utf8").catch(() => "")),
    );
    return `${qemu}${console}`;
  }

  /** SIGKILL: what the guest had not written is lost, what QEMU had is not. Idempotent. */
  async cutPower(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#ended;
  }

  async close(): Promise<void> {
    await this.cutPower();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A character device that QEMU listens on, beside `console.log`. */
export function socketDevice(folder: string, name: string): string {
  return `socket,id=${name},path=${folder}/${name}.sock,server=on,wait=off`;
}
