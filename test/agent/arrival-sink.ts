/** The inbox's other end as a bare port: takes parts into memory, can be told to refuse, to fail, or to hold back. */
import type { Arrival, Arrivals } from "../../agent/keeper-port.ts";
import type { Ticket } from "../../wire/agent-call.ts";
import { PlatenError } from "../../wire/error.ts";
import { type JobRef, jobKey } from "../../wire/name.ts";
import type { Reason } from "../../wire/reason.ts";

export interface ArrivalSink extends Arrivals {
  /** Parts of each job so far, of the present attempt. */
  readonly parts: Map<string, string[]>;
  readonly held: string[];
  readonly abandoned: string[];
  readonly dropped: string[];
  /** Refuse the job with this reason at its first part. */
  refuse: Reason | null;
  /** Reject `begin` with this. */
  beginError: Error | null;
  /** `finish` rejects so many times with `broker-unreachable`. */
  finishFailures: number;
  /** While set, pushes wait for it. */
  gate: Promise<void> | null;
}

export function openArrivalSink(): ArrivalSink {
  const known = new Set<string>();
  const sink: ArrivalSink = {
    parts: new Map(),
    held: [],
    abandoned: [],
    dropped: [],
    refuse: null,
    beginError: null,
    finishFailures: 0,
    gate: null,
    consider: (ticket) => (known.has(jobKey(ticket)) ? "known" : "fetch"),
    remind: () => undefined,
    begin: async (ticket) => {
      if (sink.beginError) throw sink.beginError;
      if (known.has(jobKey(ticket))) throw new TypeError(`${jobKey(ticket)} is known`);
      known.add(jobKey(ticket));
      return openArrival(sink, known, ticket);
    },
    drop: async (ticket) => {
      if (known.has(jobKey(ticket))) throw new Error("dropped while it arrives");
      sink.dropped.push(ticket.job);
    },
  };
  return sink;
}

function openArrival(sink: ArrivalSink, known: Set<string>, ref: JobRef): Arrival {
  const key = jobKey(ref);
  const parts: string[] = [];
  sink.parts.set(ref.job, parts);
  let refused: Reason | null = null;
  let pushing = false;
  return {
    ref,
    attempt: "0123456789abcdef",
    get refused() {
      return refused;
    },
    push: async (bytes) => {
      if (pushing) throw new TypeError("overlapping pushes");
      pushing = true;
      await sink.gate;
      pushing = false;
      parts.push(Buffer.from(bytes).toString());
      refused = sink.refuse;
    },
    finish: async (ticket: Ticket) => {
      if (sink.finishFailures > 0) {
        sink.finishFailures--;
        throw new PlatenError("broker-unreachable", { address: "escrow", why: "test" });
      }
      if (parts.length !== ticket.parts) throw new Error("not all parts");
      sink.held.push(ref.job);
      return "held";
    },
    abandon: async () => {
      sink.abandoned.push(ref.job);
      known.delete(key);
    },
  };
}
