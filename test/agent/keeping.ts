/** A keeper in a temporary folder, with printers that misbehave on demand, an escrow in memory and a clock of its own. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Escrow, EscrowAsk } from "../../agent/escrow-port.ts";
import { openKeeper } from "../../agent/keeper.ts";
import type { Keeper, KeeperPolicy, Timing, Verdict } from "../../agent/keeper-port.ts";
import type { PanelState } from "../../agent/panel.ts";
import type { PrinterStatus } from "../../agent/printer-status.ts";
import { type ProfileName, profileOf } from "../../agent/profile.ts";
import type { EscrowShare, JobEvent, Ticket } from "../../wire/agent-call.ts";
import { decodeBase64 } from "../../wire/base64.ts";
import { PlatenError } from "../../wire/error.ts";
import { type JobRef, jobKey } from "../../wire/name.ts";
import type { JobState } from "../../wire/state.ts";
import { FakePrinter, type PrinterModel } from "./fake-device.ts";
import { type KeyPair, makeKeyPair, sealJob } from "./sealing.ts";

export const OTP = "48213907";
export const NOW_S = 1_800_000_000;

/** Insert-only, answers by tag, as the broker's does; `away` makes every call fail. */
export class MemoryEscrow implements Escrow {
  readonly shares = new Map<string, EscrowShare>();
  readonly ended = new Set<string>();
  readonly asked: EscrowAsk[][] = [];
  readonly claims: string[] = [];
  away = false;
  /** Reachable as far as anybody knows, yet no call is answered. */
  silent = false;
  grantsClaims = true;
  onPut: (() => Promise<void>) | null = null;

  get reachable(): boolean {
    return !this.away;
  }

  async put(share: EscrowShare): Promise<"stored" | "ended" | "conflict"> {
    this.#mustAnswer();
    await this.onPut?.();
    if (this.ended.has(jobKey(share))) return "ended";
    const key = `${jobKey(share)}/${share.attempt}`;
    const there = this.shares.get(key);
    if (there && there.share !== share.share) return "conflict";
    this.shares.set(key, share);
    return "stored";
  }

  async ask(asks: readonly EscrowAsk[]): Promise<(Uint8Array | null)[]> {
    this.asked.push([...asks]);
    this.#mustAnswer();
    return asks.map((ask) => {
      const share = this.shares.get(`${jobKey(ask)}/${ask.attempt}`);
      return share && share.tag === ask.tag ? decodeBase64(share.share) : null;
    });
  }

  async claim(ref: JobRef, printer: string): Promise<boolean> {
    this.#mustAnswer();
    this.claims.push(`${jobKey(ref)}@${printer}`);
    return this.grantsClaims;
  }

  #mustAnswer(): void {
    if (this.away || this.silent)
      throw new PlatenError("broker-unreachable", { address: "test", why: "away" });
  }
}

/** Wall clock and monotonic clock, moved by hand. */
export class HandTime {
  wallS = NOW_S;
  monotonicMs = 1000;

  wall = (): number => this.wallS;
  monotonic = (): number => this.monotonicMs;

  pass(seconds: number): void {
    this.wallS += seconds;
    this.monotonicMs += seconds * 1000;
  }
}

export interface Submission {
  readonly user?: string;
  readonly job?: string;
  readonly document?: Uint8Array;
  readonly manifest?: object;
  readonly ticket?: Partial<Ticket>;
  /** Instead of sealing. */
  readonly sealed?: Uint8Array;
  readonly partBytes?: number;
}

export class Keeping {
  readonly dir = mkdtempSync(join(tmpdir(), "keeping-"));
  readonly escrow = new MemoryEscrow();
  readonly time = new HandTime();
  readonly printers: Readonly<Record<string, FakePrinter>>;
  readonly keys: KeyPair;
  readonly events: JobEvent[] = [];
  readonly panel: PanelState[] = [];
  readonly timings: Timing[] = [];
  readonly alarms: number[] = [];
  readonly statuses: PrinterStatus[] = [];
  readonly #deviceSecret = randomBytes(32);
  readonly #deviceSalt = randomBytes(16);
  readonly #profiles: Readonly<Record<string, ProfileName>>;
  readonly #policy: Partial<KeeperPolicy>;
  readonly #watchers = new Set<() => void>();
  /** N of the derivation; null where a test measures it as it is in earnest. */
  readonly #stretchCost: number | null;
  keeper!: Keeper;

  private constructor(
    keys: KeyPair,
    profiles: Readonly<Record<string, ProfileName>>,
    policy: Partial<KeeperPolicy>,
    models: Readonly<Record<string, PrinterModel>>,
    stretchCost: number | null,
  ) {
    this.keys = keys;
    this.#stretchCost = stretchCost;
    this.#profiles = profiles;
    this.#policy = policy;
    this.printers = Object.fromEntries(Object.keys(profiles).map((name) => [name, new FakePrinter()]));
    for (const [name, model] of Object.entries(models)) {
      const printer = this.printers[name] as FakePrinter;
      printer.model = model;
      // The line itself cannot say: what is known the printer said.
      printer.status = { ready: "unknown", reason: null, source: "none" };
    }
  }

  /**
   * @param policy unless it says so, nothing that was delivered is kept
   * @param models printers with a back-channel
   * @param stretchCost null: as in earnest
   */
  static async open(
    profiles: Readonly<Record<string, ProfileName>> = { lobby: "raw" },
    policy: Partial<KeeperPolicy> = {},
    models: Readonly<Record<string, PrinterModel>> = {},
    stretchCost: number | null = 16,
  ): Promise<Keeping> {
    const keeping = new Keeping(await makeKeyPair(), profiles, policy, models, stretchCost);
    await keeping.start();
    return keeping;
  }

  get printer(): FakePrinter {
    return this.printers.lobby as FakePrinter;
  }

  /** @param changed settings that are others than before */
  async start(changed: Partial<KeeperPolicy> = {}): Promise<void> {
    this.keeper = openKeeper({
      dir: this.dir,
      secrets: {
        identity: this.keys.identity,
        deviceSecret: Uint8Array.from(this.#deviceSecret),
        deviceSalt: Uint8Array.from(this.#deviceSalt),
      },
      printers: Object.entries(this.#profiles).map(([name, profile]) => {
        const backChannel = this.printers[name]?.model !== null;
        return { name, uri: `fake:${name}`, profile: profileOf(profile), backChannel };
      }),
      policy: { reserveBytes: 0, deliveredGraceMs: 0, ...this.#policy, ...changed },
      escrow: this.escrow,
      openDevice: (uri) => (this.printers[uri.slice(5)] as FakePrinter).open(),
      time: this.time,
      ...(this.#stretchCost !== null && { stretchCost: this.#stretchCost }),
      signals: {
        onEvent: (event) => this.#note(this.events, event),
        onPanel: (state) => this.#note(this.panel, state),
        onStatus: (_, status) => this.#note(this.statuses, status),
        onTiming: (timing) => this.#note(this.timings, timing),
        onAlarm: ({ failures }) => this.#note(this.alarms, failures),
      },
    });
    await this.keeper.start();
  }

  async restart(): Promise<void> {
    await this.keeper.stop(0);
    await this.start();
  }

  async close(): Promise<void> {
    await this.keeper.stop(0);
    rmSync(this.dir, { recursive: true });
  }

  ticket(submission: Submission, bytes: number | null): Ticket {
    const { user = "alice", job = "job-00000001" } = submission;
    const target = "lobby";
    const printers = Object.keys(this.#profiles);
    const base = { user, job, target, printers, want: "take", reason: null, parts: 1, bytes } as const;
    return { ...base, expires: null, otp: 8, group: false, ...submission.ticket };
  }

  seal(submission: Submission): Promise<Buffer> {
    const { document = Buffer.from("hello\n"), manifest = {} } = submission;
    return sealJob(this.keys.recipient, { otp: OTP, ...manifest }, document);
  }

  /** The whole way in; resolves with the state it ends in. */
  async submit(submission: Submission = {}): Promise<JobState> {
    const sealed = submission.sealed ?? (await this.seal(submission));
    const ticket = this.ticket(submission, sealed.length);
    const arrival = await this.keeper.arrivals.begin(ticket);
    const { partBytes = 96 * 1024 } = submission;
    for (let at = 0; at < sealed.length; at += partBytes)
      await arrival.push(sealed.subarray(at, at + partBytes));
    return await arrival.finish(ticket);
  }

  enter(otp = OTP): Promise<Verdict> {
    return this.keeper.release.enter(otp);
  }

  /** Resolves once `test` holds; looked at after every event, timing and panel state. */
  until(test: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!test()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  /** Resolves once this many jobs are printed and every trace of them is destroyed. */
  destroyed(count = 1): Promise<void> {
    return this.until(() => this.timings.filter(({ step }) => step === "destroyed").length >= count);
  }

  states(job = "job-00000001"): string[] {
    return this.events.filter((event) => event.job === job).map(({ state }) => state);
  }

  /** The last event of a job. */
  last(job = "job-00000001"): JobEvent | undefined {
    return this.events.findLast((event) => event.job === job);
  }

  spooled(): string[] {
    return readdirSync(join(this.dir, "spool"));
  }

  #note<T>(list: T[], value: T): void {
    list.push(value);
    for (const look of [...this.#watchers]) look();
  }
}
