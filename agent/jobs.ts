/** The jobs of this agent: rows, and for every change of state an event in the same transaction. */
import { randomUUID } from "node:crypto";
import type { JobEvent, Ticket } from "../wire/agent-call.ts";
import type { JobRef } from "../wire/name.ts";
import type { Clock } from "./clock.ts";
import type { Db } from "./database.ts";
import type { BytesTaken } from "./device.ts";
import type { GraceState, Graces } from "./graces.ts";
import { fromRow, type Job, type JobRow, toRow } from "./job.ts";
import { FIRST_PHASE, type MachineEvent, next, type Phase } from "./job-machine.ts";
import type { EventOutbox } from "./outbox.ts";

/** What a change of state may set beside the state. */
export type JobFields = Partial<
  Pick<
    Job,
    | "printer"
    | "record"
    | "sealedBytes"
    | "bytes"
    | "sealedExpires"
    | "expires"
    | "copiesDone"
    | "target"
    | "printers"
    | "group"
  >
> & {
  /** Told in the event where it is not the document's size; nothing is told of an interruption without it. */
  readonly handedOver?: BytesTaken;
};

const COLUMNS = [
  "user",
  "job",
  "target",
  "printers",
  "grouped",
  "attempt",
  "otp_digits",
  "state",
  "reason",
  "final",
  "again",
  "printer",
  "record",
  "sealed_bytes",
  "bytes",
  "sealed_expires",
  "expires",
  "copies_done",
  "ended_at",
] as const satisfies readonly (keyof JobRow)[];

/** What is told of how much was handed over. */
interface Told {
  readonly atLeast: number | null;
  readonly atMost: number | null;
}
const UNKNOWN: Told = { atLeast: null, atMost: null };

/** What may be told of a second copy; the rest is told of the job. */
const OF_A_COPY: ReadonlySet<MachineEvent["kind"]> = new Set(["entered", "started", "finished", "broke"]);

export interface JobsRoom {
  readonly clock: Clock;
  readonly outbox: EventOutbox;
  readonly graces: Graces;
  /** Called after the commit, in order. */
  readonly onEvent: (event: JobEvent) => void;
}

export class Jobs {
  readonly #db: Db;
  readonly #room: JobsRoom;
  readonly #find;
  readonly #live;
  readonly #insert;
  readonly #update;
  readonly #delete;
  #told: JobEvent[] | null = null;

  constructor(db: Db, room: JobsRoom) {
    this.#db = db;
    this.#room = room;
    this.#find = db.prepare<[string, string], JobRow>("SELECT * FROM job WHERE user = ? AND job = ?");
    this.#live = db.prepare<[], JobRow>("SELECT * FROM job WHERE final = 0 ORDER BY id");
    this.#insert = db.prepare<[JobRow]>(
      `INSERT INTO job (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map((name) => `@${name}`).join(", ")})`,
    );
    this.#update = db.prepare<[JobRow]>(
      `UPDATE job SET ${COLUMNS.map((name) => `${name} = @${name}`).join(", ")} WHERE id = @id`,
    );
    this.#delete = db.prepare<[number]>("DELETE FROM job WHERE id = ?");
  }

  find(ref: JobRef): Job | null {
    const row = this.#find.get(ref.user, ref.job);
    return row ? fromRow(row) : null;
  }

  /** All that have not ended, in order of arrival. */
  live(): Job[] {
    return this.#live.all().map(fromRow);
  }

  /** Runs `work` as one durable step; events are told once it is committed. Nests. */
  commit<T>(work: () => T): T {
    if (this.#told) return work();
    const told: JobEvent[] = [];
    this.#told = told;
    let result: T;
    try {
      result = this.#db.transaction(work)();
    } finally {
      this.#told = null;
    }
    for (const event of told) this.#room.onEvent(event);
    return result;
  }

  /** A job begins to arrive. */
  begin(ticket: Ticket, attempt: string): Job {
    return this.commit(() => {
      const fresh = blankJob(ticket, attempt, FIRST_PHASE);
      this.#insert.run(toRow(fresh));
      const job = this.find(ticket) ?? fresh;
      this.#tell(job);
      return job;
    });
  }

  /** A job that ended elsewhere before it came: only its tombstone. */
  bury(ticket: Ticket, phase: Phase): void {
    this.commit(() => {
      const job = { ...blankJob(ticket, "", phase), endedAt: this.#room.clock.stamp() };
      this.#insert.run(toRow(job));
      this.#tell(job);
    });
  }

  /** Moves a job on. Null, and nothing is changed, where the event means nothing in its state. */
  apply(ref: JobRef, event: MachineEvent, fields: JobFields = {}): Job | null {
    return this.commit(() => {
      const job = this.find(ref);
      const phase = job ? next(job, event) : null;
      if (!job || !phase) return null;
      const { handedOver, ...columns } = fields;
      const ended = phase.final ? { record: null, endedAt: this.#room.clock.stamp() } : {};
      const changed: Job = { ...job, ...columns, ...phase, ...ended };
      this.#update.run(toRow(changed));
      this.#keepTime(changed, event);
      // How much was handed over before a power cut nobody knows.
      const size = changed.state === "interrupted" ? null : changed.bytes || null;
      const again = job.again !== null && OF_A_COPY.has(event.kind);
      this.#tell(changed, handedOver ?? { atLeast: size, atMost: size }, again);
      return changed;
    });
  }

  /** Sets fields without a change of state: no event. */
  note(ref: JobRef, fields: Omit<JobFields, "handedOver">): void {
    this.commit(() => {
      const job = this.find(ref);
      if (job && !job.final) this.#update.run(toRow({ ...job, ...fields }));
    });
  }

  /**
   * Tells an end again, or that it came out and is open: the broker speaks as if it had never heard it, and may have
   * been restored from an older copy. Nothing for a job whose news are still to come, or while some are on their way.
   */
  retell(ref: JobRef): void {
    this.commit(() => {
      const job = this.find(ref);
      if (!job || !(job.final || isOpen(job)) || this.#room.outbox.waitsFor(ref)) return;
      const size = job.state === "interrupted" ? null : job.bytes || null;
      this.#tell(job, { atLeast: size, atMost: size });
    });
  }

  /**
   * Tells again that a group's job is held: a claim on it may stand at the broker that came to nothing here, and would
   * keep the other printers from it. Nothing in any other state.
   */
  disclaim(ref: JobRef): void {
    this.commit(() => {
      const job = this.find(ref);
      if (job?.state === "held" && job.group)
        this.#tell(job, { atLeast: job.bytes || null, atMost: job.bytes || null });
    });
  }

  /** Throws an arrival away as if it had never begun. */
  forget(ref: JobRef): void {
    this.commit(() => {
      const job = this.find(ref);
      if (job?.state === "arriving") this.#delete.run(job.id);
    });
  }

  /** In the same step as the state: whatever rests open has a time at which it ends. */
  #keepTime(job: Job, { kind }: MachineEvent): void {
    const { graces } = this.#room;
    if (job.final) graces.end(job);
    else if ((kind === "finished" || kind === "broke") && isOpen(job)) graces.begin(job, job.state);
  }

  #tell(job: Job, { atLeast, atMost }: Told = UNKNOWN, again = false): void {
    const at = this.#room.clock.stamp();
    const leftMs = isOpen(job) ? this.#room.graces.leftMs(job) : 0;
    const event: JobEvent = {
      id: randomUUID(),
      user: job.user,
      job: job.job,
      state: job.state,
      reason: job.reason,
      printer: job.printer,
      at,
      bytes: atLeast,
      ...(atMost === atLeast || atMost === null ? {} : { bytesAtMost: atMost }),
      ...(leftMs > 0 && { until: at + Math.ceil(leftMs / 1000) }),
      ...(again && { again }),
      final: job.final,
    };
    this.#room.outbox.add(event);
    this.#told?.push(event);
  }
}

/** Its OTP prints it again. */
function isOpen(job: Job): job is Job & { readonly state: GraceState } {
  return !job.final && (job.state === "interrupted" || job.state === "delivered");
}

function blankJob(ticket: Ticket, attempt: string, phase: Phase): Job {
  return {
    ...phase,
    id: 0,
    user: ticket.user,
    job: ticket.job,
    target: ticket.target,
    printers: ticket.printers,
    group: ticket.group,
    attempt,
    otpDigits: ticket.otp,
    printer: null,
    record: null,
    sealedBytes: 0,
    bytes: 0,
    sealedExpires: 0,
    expires: null,
    copiesDone: 0,
    endedAt: null,
  };
}
