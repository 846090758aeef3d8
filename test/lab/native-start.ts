/** The agent's own start-up code on this host, on data that lay on a card whose power was cut. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { systemTime } from "../../agent/clock.ts";
import type { Escrow } from "../../agent/escrow-port.ts";
import { openSecrets } from "../../agent/identity.ts";
import { openKeeper } from "../../agent/keeper.ts";
import type { Keeper } from "../../agent/keeper-port.ts";
import { openDevice } from "../../agent/open-device.ts";
import { profileOf } from "../../agent/profile.ts";
import { BootShareFile } from "../../broker/boot-shares.ts";
import { decodeRecord } from "../../broker/escrow-record.ts";
import { SlotFile } from "../../broker/slot-file.ts";
import { jobKey } from "../../wire/name.ts";

/** Where things lie: the agent's folder from the card, the broker's as it is now, and a printer that is a folder. */
export interface NativePlaces {
  readonly agentFolder: string;
  readonly brokerFolder: string;
  readonly tray: string;
  /** Its name at the broker, also that of its printer. */
  readonly agent: string;
}

export interface StartedJob {
  readonly job: string;
  readonly state: string;
  readonly final: number;
}

export class NativeStart {
  readonly #places: NativePlaces;
  readonly #keeper: Keeper;
  readonly #ended = new Map<string, string>();

  private constructor(places: NativePlaces) {
    this.#places = places;
    mkdirSync(places.tray, { recursive: true });
    this.#keeper = openKeeper({
      dir: join(places.agentFolder, "jobs"),
      secrets: readSecrets(places),
      printers: [{ name: places.agent, uri: `file:${places.tray}`, profile: profileOf("raw") }],
      policy: { reserveBytes: 0 },
      time: systemTime,
      openDevice,
      escrow: escrowOf(places),
      signals: {
        onEvent: ({ job, state }) => {
          this.#ended.set(job, state);
        },
      },
    });
  }

  /** Recovers as after every start. The caller ends it. Rejects with what the agent would end with. */
  static async begin(places: NativePlaces): Promise<NativeStart> {
    const start = new NativeStart(places);
    await start.#keeper.start();
    return start;
  }

  jobs(): StartedJob[] {
    return this.#query<StartedJob>("SELECT job, state, final FROM job");
  }

  /** What is wrong with what recovery left: one line each. */
  faults(): string[] {
    const [{ integrity_check: integrity } = { integrity_check: "silent" }] = this.#query<{
      integrity_check: string;
    }>("PRAGMA integrity_check");
    const wanted = new Set(
      this.#query<{ attempt: string }>("SELECT attempt FROM job WHERE final = 0").map(
        ({ attempt }) => `${attempt}.sealed`,
      ),
    );
    const files = readdirSync(join(this.#places.agentFolder, "jobs", "spool"));
    return [
      ...(integrity === "ok" ? [] : [`integrity: ${integrity}`]),
      ...files.filter((file) => !wanted.has(file)).map((file) => `orphan: ${file}`),
      ...[...wanted].filter((file) => !files.includes(file)).map((file) => `gone: ${file}`),
      ...this.jobs()
        .filter(({ state, final }) => final === 0 && !/^(held|interrupted|delivered)$/.test(state))
        .map(({ job, state }) => `${job} rests as ${state}`),
    ];
  }

  /** What comes out when this OTP is typed; null where nothing does. */
  async release(job: string, otp: string): Promise<Buffer | null> {
    this.#ended.delete(job);
    const { kind } = await this.#keeper.release.enter(otp);
    if (kind !== "released") return null;
    while (!/^(printed|delivered|interrupted)$/.test(this.#ended.get(job) ?? "")) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const [file] = readdirSync(this.#places.tray);
    return file === undefined ? null : readFileSync(join(this.#places.tray, file));
  }

  async end(): Promise<void> {
    await this.#keeper.stop();
    rmSync(this.#places.tray, { recursive: true, force: true });
  }

  #query<T>(sql: string): T[] {
    const database = new Database(join(this.#places.agentFolder, "jobs", "jobs.db"), { readonly: true });
    try {
      return database.prepare<[], T>(sql).all();
    } finally {
      database.close();
    }
  }
}

/** As the broker would release them: the card's half, opened with the broker's. */
function readSecrets({ agentFolder, brokerFolder, agent }: NativePlaces) {
  const shares = new BootShareFile(join(brokerFolder, "boot-shares.slots"));
  try {
    const share = shares.get(agent);
    if (share === null) throw new Error(`the broker has no boot share of ${agent}`);
    return openSecrets(readFileSync(join(agentFolder, "identity.sealed")), share);
  } finally {
    shares.close();
  }
}

/** Answers with what lies at the broker; takes what it is given and forgets it. */
function escrowOf({ brokerFolder }: NativePlaces): Escrow {
  const slots = new SlotFile(join(brokerFolder, "escrow.slots"));
  const records = [...slots.entries()].flatMap(({ record }) => decodeRecord(record) ?? []);
  const kept = records.map((one) => ({ ...one, tag: Buffer.from(one.tag), share: Buffer.from(one.share) }));
  slots.close();
  return {
    reachable: true,
    put: async () => "stored",
    ask: async (asks) =>
      asks.map((ask) => {
        const found = kept.find((one) => jobKey(one) === jobKey(ask) && one.attempt === ask.attempt);
        return found?.tag.equals(Buffer.from(ask.tag, "base64")) ? found.share : null;
      }),
    claim: async () => true,
  };
}
