/** The sender's part of the demo, with its clock. */
import type { Profile } from "../../client/profile.ts";
import { nodeCipher } from "../../wire/cipher-node.ts";
import { PlatenError } from "../../wire/error.ts";
import type { Child, LogLine } from "./child.ts";
import { type Folders, PRINTER } from "./stage.ts";
import type { Moments } from "./timeline.ts";

export interface Sent {
  readonly job: string;
  readonly otp: string;
  /** Unix milliseconds. */
  readonly startMs: number;
  readonly storedMs: number;
  /** Settles when the broker told the sender that the job printed; rejects when it told otherwise, or nothing in time. */
  ended(timeoutMs: number): Promise<void>;
}

/** Sends through the client library, as `platen send` does, and goes on following. */
export async function sendDocument(
  folders: Folders,
  profile: Profile,
  { path, name }: { path: string; name: string },
  signal: AbortSignal,
): Promise<Sent> {
  const { openSession } = await import("../../client/session.ts");
  const { sendDocuments } = await import("../../client/send.ts");
  const session = await openSession(profile, { signal });
  try {
    const startMs = Date.now();
    const order = { target: PRINTER, documents: [{ file: path, name, type: "application/pdf" }] };
    const { otp, jobs } = await sendDocuments(session, folders.sender, order, { signal });
    const storedMs = Date.now();
    const job = jobs[0]?.job ?? "";
    const told = followToEnd(session, job, signal).finally(() => session.close());
    // Whoever waits for it hears of it; until then it is no unhandled rejection.
    told.catch(() => {});
    return { job, otp, startMs, storedMs, ended: (timeoutMs) => within(told, timeoutMs) };
  } catch (error) {
    await session.close();
    throw error;
  }
}

type Session = Awaited<ReturnType<typeof import("../../client/session.ts").openSession>>;

async function followToEnd(session: Session, job: string, signal: AbortSignal): Promise<void> {
  const { followJob } = await import("../../client/follow.ts");
  let last = "unknown";
  for await (const { state } of followJob(session, job, { signal })) last = state;
  if (last === "printed" || last === "delivered") return;
  throw new PlatenError("internal", { what: `the sender was told “${last}”` });
}

function within(told: Promise<void>, timeoutMs: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const details = {
    who: "the broker",
    seconds: timeoutMs / 1000,
    meaning: "The sender was not told the end.",
  };
  const timer = setTimeout(() => late.reject(new PlatenError("timeout", details)), timeoutMs);
  return Promise.race([told, late.promise]).finally(() => clearTimeout(timer));
}

/** How long sealing takes by itself; while sending it goes on between the parts. Milliseconds. */
export async function measureSeal(document: Uint8Array): Promise<number> {
  const { createEnvelope, sealDocument } = await import("../../client/seal.ts");
  const { generateX25519Identity, identityToRecipient } = await import("age-encryption");
  const recipient = await identityToRecipient(await generateX25519Identity());
  const startMs = performance.now();
  const envelope = await createEnvelope([recipient], { v: 1, otp: "00000000" });
  for await (const _ of sealDocument(envelope, nodeCipher, once(document)));
  return performance.now() - startMs;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** The agent's own clock where it tells (monotonic, `ms`); the machine's between the programs. */
export function collectMoments({ job, startMs, storedMs }: Sent, agent: Child): Moments {
  const line = (event: string): LogLine | null =>
    agent.lines.find((found) => found.event === event && found.job === job) ?? null;
  const ms = (event: string) => {
    const told = line(event)?.ms;
    return typeof told === "number" ? told : null;
  };
  const held = line("held");
  return {
    start: startMs,
    stored: storedMs,
    held: held ? new Date(held.time).getTime() : null,
    enter: ms("entered"),
    firstByte: ms("first-byte"),
    lastByte: ms("last-byte"),
    destroyed: ms("destroyed"),
  };
}
