/**
 * A keeper in a process of its own, so that it can be killed. It prints into a folder; the escrow is its parent's,
 * reached over IPC, since it must outlive the kill.
 */
import Database from "better-sqlite3";
import { systemTime } from "../../agent/clock.ts";
import type { EscrowAsk } from "../../agent/escrow-port.ts";
import { openKeeper } from "../../agent/keeper.ts";
import { openDevice } from "../../agent/open-device.ts";
import { profileOf } from "../../agent/profile.ts";
import type { EscrowShare, Ticket } from "../../wire/agent-call.ts";
import { decodeBase64 } from "../../wire/base64.ts";

export interface ChildSetup {
  readonly dir: string;
  readonly out: string;
  readonly identity: string;
  readonly deviceSecret: string;
  readonly deviceSalt: string;
}
export type ToChild =
  | { readonly op: "submit"; readonly ticket: Ticket; readonly sealed: string }
  | { readonly op: "enter"; readonly otp: string }
  | { readonly op: "answer"; readonly id: number; readonly result: unknown };
export type FromChild =
  | { readonly kind: "ready"; readonly jobs: readonly { job: string; state: string; final: number }[] }
  | { readonly kind: "event"; readonly job: string; readonly state: string; readonly final: boolean }
  | { readonly kind: "done"; readonly op: string; readonly result: string }
  | { readonly kind: "call"; readonly id: number; readonly name: "put" | "ask"; readonly body: unknown };

const setup = JSON.parse(process.argv[2] ?? "{}") as ChildSetup;
const tell = (message: FromChild): void => void process.send?.(message);
const secret = (text: string): Uint8Array => decodeBase64(text) ?? new Uint8Array(0);
const calls = new Map<number, (result: unknown) => void>();
let lastCall = 0;

function call(name: "put" | "ask", body: unknown): Promise<unknown> {
  const id = ++lastCall;
  return new Promise((resolve) => {
    calls.set(id, resolve);
    tell({ kind: "call", id, name, body });
  });
}

/** Ten minutes pass at each start: an entry cut short by a kill costs a try, and those must come back. */
let passedMs = 0;

const keeper = openKeeper({
  dir: setup.dir,
  secrets: {
    identity: setup.identity,
    deviceSecret: secret(setup.deviceSecret),
    deviceSalt: secret(setup.deviceSalt),
  },
  printers: [{ name: "lobby", uri: `file:${setup.out}`, profile: profileOf("raw") }],
  policy: { reserveBytes: 0, graceMs: 24 * 3_600_000, deliveredGraceMs: 0 },
  time: { wall: systemTime.wall, monotonic: () => performance.now() + passedMs },
  stretchCost: 16,
  openDevice,
  escrow: {
    reachable: true,
    put: async (share: EscrowShare) => (await call("put", share)) as "stored" | "ended" | "conflict",
    ask: async (asks: readonly EscrowAsk[]) =>
      ((await call("ask", asks)) as (string | null)[]).map((text) => (text === null ? null : secret(text))),
    claim: async () => true,
  },
  signals: { onEvent: ({ job, state, final }) => tell({ kind: "event", job, state, final }) },
});

async function obey(message: ToChild): Promise<void> {
  switch (message.op) {
    case "answer":
      calls.get(message.id)?.(message.result);
      calls.delete(message.id);
      return;
    case "enter":
      return tell({ kind: "done", op: "enter", result: (await keeper.release.enter(message.otp)).kind });
    case "submit": {
      const { ticket } = message;
      if (keeper.arrivals.consider(ticket) === "known")
        return tell({ kind: "done", op: "submit", result: "known" });
      const sealed = secret(message.sealed);
      const arrival = await keeper.arrivals.begin(ticket);
      for (let at = 0; at < sealed.length; at += 98_304) await arrival.push(sealed.subarray(at, at + 98_304));
      return tell({ kind: "done", op: "submit", result: await arrival.finish(ticket) });
    }
  }
}

process.on("message", (message) => void obey(message as ToChild));
await keeper.start();
passedMs = 600_000;
const db = new Database(`${setup.dir}/jobs.db`, { readonly: true });
const jobs = db.prepare("SELECT job, state, final FROM job").all() as {
  job: string;
  state: string;
  final: number;
}[];
db.close();
tell({ kind: "ready", jobs });
