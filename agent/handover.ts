/** From a right OTP to a printer's worker: the printer is asked, a group's job claimed, then one commit, then bytes. */
import type { Clock } from "./clock.ts";
import type { OpenedJob } from "./document.ts";
import type { Escrow } from "./escrow-port.ts";
import type { Job } from "./job.ts";
import type { JobRecord } from "./job-record.ts";
import type { Jobs } from "./jobs.ts";
import type { KeeperSignals, Verdict } from "./keeper-port.ts";
import type { OpenPrinter } from "./open-printer.ts";
import type { Tries } from "./tries.ts";
import type { Worker } from "./worker.ts";

/** What a handover works with. */
export interface HandoverRoom {
  readonly jobs: Jobs;
  readonly escrow: Escrow;
  readonly tries: Tries;
  readonly clock: Clock;
  readonly workers: readonly Worker[];
  readonly signals: KeeperSignals;
}

type Place =
  /** `printer` is open when it is idle; null: jobs wait there. */
  | { readonly kind: "there"; readonly worker: Worker; readonly printer: OpenPrinter | null }
  | { readonly kind: "none"; readonly verdict: Verdict };

type Claimed =
  | { readonly kind: "granted"; readonly opened: readonly OpenedJob[] }
  | { readonly kind: "none"; readonly verdict: Verdict };

export class Handover {
  readonly #room: HandoverRoom;

  constructor(room: HandoverRoom) {
    this.#room = room;
  }

  /**
   * Releases jobs in this order; the charge of a right OTP comes back in the same commit. Nothing is used up when the
   * printer cannot print or a claim is refused.
   * @param kept filled with the records that a worker took over: the others stay the caller's to wipe
   */
  async release(ordered: readonly OpenedJob[], kept: Set<JobRecord>, enteredAtMs: number): Promise<Verdict> {
    const verdicts: Verdict[] = [];
    for (const together of groupByPrinters(ordered)) {
      const isFirst = !verdicts.some(({ kind }) => kind === "released");
      verdicts.push(await this.#releaseAt(together, kept, isFirst, enteredAtMs));
    }
    const released = verdicts.filter((verdict) => verdict.kind === "released");
    if (released.length === 0) {
      this.#room.tries.giveBack();
      return verdicts[0] ?? { kind: "not-accepted" };
    }
    const jobs = released.reduce((sum, verdict) => sum + verdict.jobs, 0);
    return { kind: "released", jobs, waiting: released.every(({ waiting }) => waiting) };
  }

  async #releaseAt(
    together: readonly OpenedJob[],
    kept: Set<JobRecord>,
    isFirst: boolean,
    enteredAtMs: number,
  ): Promise<Verdict> {
    const place = await this.#takePrinter(together[0]?.job.printers ?? []);
    if (place.kind === "none") return place.verdict;
    const { worker, printer } = place;
    try {
      const claimed = await this.#claim(together, worker.name);
      const taken =
        claimed.kind === "none" ? [] : this.#commit(claimed.opened, worker, printer !== null, isFirst);
      if (claimed.kind === "none" || taken.length === 0) {
        await printer?.dispose();
        return claimed.kind === "none" ? claimed.verdict : { kind: "not-accepted" };
      }
      for (const { job, record } of taken) {
        kept.add(record);
        const { user, job: id } = job;
        this.#room.signals.onTiming({
          user,
          job: id,
          step: "entered",
          atMs: enteredAtMs,
          printer: worker.name,
        });
      }
      worker.print(taken, printer);
      return { kind: "released", jobs: taken.length, waiting: printer === null };
    } catch (cause) {
      await printer?.dispose();
      throw cause;
    }
  }

  /** The first idle printer that can print; else the first busy one, to wait there; else what an idle one needs. */
  async #takePrinter(printers: readonly string[]): Promise<Place> {
    const ours = this.#room.workers.filter(({ name }) => printers.includes(name));
    let care: Verdict = { kind: "printer-care", printer: printers[0] ?? "", reason: "offline" };
    for (const worker of ours.filter(({ isBusy }) => !isBusy)) {
      const readiness = await worker.ask();
      if (readiness.kind === "ready") return { kind: "there", worker, printer: readiness.printer };
      care = { kind: "printer-care", printer: worker.name, reason: readiness.reason };
    }
    const busy = ours.find(({ isBusy }) => isBusy);
    return busy ? { kind: "there", worker: busy, printer: null } : { kind: "none", verdict: care };
  }

  /** Jobs that other agents hold too print at one of them only: the broker says where. */
  async #claim(together: readonly OpenedJob[], printer: string): Promise<Claimed> {
    const granted: OpenedJob[] = [];
    for (const opened of together) {
      try {
        if (!opened.job.group || (await this.#room.escrow.claim(opened.job, printer))) granted.push(opened);
      } catch {
        // Without the broker nobody knows whether it prints elsewhere. It may have granted this all the same.
        for (const { job } of together) this.#room.jobs.disclaim(job);
        return { kind: "none", verdict: { kind: "locked" } };
      }
    }
    return granted.length > 0
      ? { kind: "granted", opened: granted }
      : { kind: "none", verdict: { kind: "not-accepted" } };
  }

  /** One commit between the entry and the first byte. Returns what is released, with its rows as they are now. */
  #commit(opened: readonly OpenedJob[], worker: Worker, starts: boolean, givesBack: boolean): OpenedJob[] {
    const { jobs, tries } = this.#room;
    return jobs.commit(() => {
      const taken: OpenedJob[] = [];
      for (const { job, record } of opened) {
        // A second copy begins at the first page.
        const fresh = job.state === "delivered" ? { copiesDone: 0 } : {};
        const entered = jobs.apply(job, { kind: "entered" }, { printer: worker.name, ...fresh });
        if (!entered) continue;
        const isStarting = starts && taken.length === 0;
        const now: Job | null = isStarting ? jobs.apply(job, { kind: "started" }) : entered;
        taken.push({ job: now ?? entered, record });
      }
      if (givesBack && taken.length > 0) tries.giveBack();
      return taken;
    });
  }
}

/** Jobs of one OTP go to one printer as long as they may. */
function groupByPrinters(ordered: readonly OpenedJob[]): OpenedJob[][] {
  return [...Map.groupBy(ordered, ({ job }) => job.printers.join(" ")).values()];
}
