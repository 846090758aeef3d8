/** One document on its way in: from the first byte to `held`, or to the reason why not. */
import type { Ticket } from "../wire/agent-call.ts";
import { PlatenError } from "../wire/error.ts";
import type { Manifest } from "../wire/manifest.ts";
import type { JobRef } from "../wire/name.ts";
import type { Reason } from "../wire/reason.ts";
import type { JobState } from "../wire/state.ts";
import { type ExpiryPolicy, judgeExpiry, judgeManifest } from "./arrival-check.ts";
import type { Clock } from "./clock.ts";
import type { Escrow } from "./escrow-port.ts";
import { type Found, type Intake, Refusal } from "./intake.ts";
import type { Jobs } from "./jobs.ts";
import type { Arrival } from "./keeper-port.ts";
import type { Seen } from "./seen.ts";
import type { SpoolWriter } from "./spool-writer.ts";
import { faultOfStorage } from "./storage-fault.ts";
import type { Stretch } from "./stretch.ts";
import { type Share, toEscrow, type Vault } from "./vault.ts";

/** The escrow keeps a share whose end nobody knows until we drop it. */
const NEVER_S = 253_402_300_799;
const ATTEMPT_GONE = "The attempt was thrown away; the document stays at the broker and comes again.";

/** What an arrival works with. */
export interface ArrivalRoom {
  readonly jobs: Jobs;
  readonly seen: Seen;
  readonly vault: Vault;
  readonly stretch: Stretch;
  readonly escrow: Escrow;
  readonly clock: Clock;
  readonly policy: ExpiryPolicy;
  /** Whether these printers print what begins with `head`. */
  readonly speaks: (printers: readonly string[], head: Uint8Array, manifest: Manifest) => boolean;
}

type Stage =
  | { readonly kind: "open" }
  /** Recorded on disk; the escrow has not confirmed. */
  | { readonly kind: "recorded"; readonly share: Share }
  | { readonly kind: "over"; readonly state: JobState; readonly reason: Reason | null }
  | { readonly kind: "gone" };

export class OpenArrival implements Arrival {
  readonly ref: JobRef;
  readonly attempt: string;
  readonly #room: ArrivalRoom;
  readonly #intake: Intake;
  readonly #writer: SpoolWriter;
  readonly #onOver: () => void;
  #stage: Stage = { kind: "open" };
  /** Derived while the rest still comes in. */
  #st: Promise<Uint8Array> | null = null;

  /** @param input owned from now on; @param onOver called once, when the job is held, ended or thrown away */
  constructor(
    name: { readonly ref: JobRef; readonly attempt: string },
    room: ArrivalRoom,
    input: { readonly intake: Intake; readonly writer: SpoolWriter },
    onOver: () => void,
  ) {
    this.ref = name.ref;
    this.attempt = name.attempt;
    this.#room = room;
    this.#intake = input.intake;
    this.#writer = input.writer;
    this.#onOver = onOver;
  }

  get refused(): Reason | null {
    return this.#stage.kind === "over" ? this.#stage.reason : null;
  }

  async push(bytes: Uint8Array): Promise<void> {
    if (this.#stage.kind !== "open") return;
    try {
      await this.#intake.push(bytes);
      if (!this.#st && this.#intake.manifest) this.#st = this.#derive(this.#intake.manifest);
    } catch (cause) {
      await this.#fail(cause);
    }
  }

  async finish(final: Ticket): Promise<JobState> {
    if (this.#stage.kind === "gone") throw new TypeError("this arrival was thrown away");
    try {
      if (this.#stage.kind === "open") await this.#record(final);
      if (this.#stage.kind === "recorded") await this.#confirm(this.#stage.share);
    } catch (cause) {
      await this.#fail(cause);
    }
    return this.#stage.kind === "over" ? this.#stage.state : "arriving";
  }

  async abandon(): Promise<void> {
    if (this.#stage.kind === "over" || this.#stage.kind === "gone") return;
    await this.#throwAway();
  }

  /** The job was ended by a `drop` while it came in; its row says so already. */
  async cut(state: JobState, reason: Reason | null): Promise<void> {
    await this.#leave({ kind: "over", state, reason });
  }

  /** Judges what came, and makes the record durable. */
  async #record(final: Ticket): Promise<void> {
    const { clock, policy, seen, vault } = this.#room;
    const { found, manifest } = this.#judge(final);
    const hash = vault.seenHash(found.fileKey);
    if (seen.isReplay(hash, this.ref)) throw new Refusal("replayed");
    const expiry = judgeExpiry(manifest, final, policy, clock.now());
    if (expiry.kind === "refused") throw new Refusal(expiry.reason);
    if (expiry.kind === "over") return await this.#expire();
    const [st, sealedBytes] = await Promise.all([this.#st ?? this.#derive(manifest), this.#writer.end()]);
    // It may have been dropped meanwhile.
    if (this.#stage.kind === "open") {
      const { expires } = expiry;
      this.#stage = { kind: "recorded", share: this.#seal(final, found, { hash, st, sealedBytes, expires }) };
    }
    this.#wipe();
  }

  #derive({ otp }: Manifest): Promise<Uint8Array> {
    const st = this.#room.stretch.derive(otp, "arrival");
    st.catch(() => undefined);
    return st;
  }

  #wipe(): void {
    this.#st?.then(
      (st) => st.fill(0),
      () => undefined,
    );
    this.#intake.wipe();
  }

  /** The record, sealed under a fresh share, durable with the memory of its file key. */
  #seal(
    final: Ticket,
    found: Found,
    made: { hash: Uint8Array; st: Uint8Array; sealedBytes: number; expires: number | null },
  ): Share {
    const { jobs, seen, vault } = this.#room;
    const { sealedBytes, st, expires } = made;
    const { otp: _, ...manifest } = manifestOf(found);
    const { fileKey, payloadNonce, documentBytes: bytes } = found;
    const sealedExpires = expires ?? 0;
    const share = vault.drawShare();
    const terms = { ...this.ref, target: final.target, sealedExpires, sealedBytes };
    const record = vault.seal({ fileKey, payloadNonce, manifest }, terms, share, st);
    const { target, printers, group } = final;
    jobs.commit(() => {
      if (seen.isReplay(made.hash, this.ref)) throw new Refusal("replayed");
      seen.remember(made.hash, this.ref);
      jobs.note(this.ref, { record, sealedBytes, bytes, sealedExpires, expires, target, printers, group });
    });
    const tag = vault.tag(st, this.ref);
    return { ...this.ref, attempt: this.attempt, tag, share, expires: expires ?? NEVER_S };
  }

  #judge(final: Ticket): { found: Found; manifest: Manifest } {
    if (final.bytes === null) throw new TypeError("finish needs the final ticket");
    if (this.#intake.received !== final.bytes) throw new Refusal("incomplete");
    const found = this.#intake.end();
    const refused = judgeManifest(found.manifest, final);
    if (refused) throw new Refusal(refused);
    const manifest = manifestOf(found);
    if (manifest.sha256 !== undefined && manifest.sha256 !== found.sha256) throw new Refusal("damaged");
    if (!manifest.raw && !this.#room.speaks(final.printers, found.head, manifest))
      throw new Refusal("language");
    return { found, manifest };
  }

  /** Escrow first, then `held`: a job nobody could open after a restart would be lost. */
  async #confirm(share: Share): Promise<void> {
    const answer = await this.#room.escrow.put(toEscrow(share));
    if (this.#stage.kind !== "recorded") return;
    switch (answer) {
      case "stored":
        return await this.#hold(share);
      case "ended":
        // Why, the broker's `drop` says: it is here already, or comes with the next session.
        return await this.#throwAway();
      case "conflict":
        throw new PlatenError("internal", { what: "the escrow holds another share under a fresh attempt" });
    }
  }

  async #hold(share: Share): Promise<void> {
    this.#room.vault.hold(share);
    try {
      this.#room.jobs.apply(this.ref, { kind: "sealed" });
    } catch (cause) {
      this.#room.vault.drop(share);
      throw cause;
    }
    this.#stage = { kind: "over", state: "held", reason: null };
    this.#onOver();
  }

  async #expire(): Promise<void> {
    this.#room.jobs.apply(this.ref, { kind: "time-over" });
    await this.#leave({ kind: "over", state: "expired", reason: "expired" });
  }

  /** A refusal is the sender's news; what the escrow could not answer may be asked again; anything else ends the attempt. */
  async #fail(cause: unknown): Promise<void> {
    if (this.#stage.kind === "over") return;
    if (cause instanceof Refusal) return await this.#refuse(cause.reason);
    const isAway = cause instanceof PlatenError && cause.entry.retry && cause.code !== "disk-full";
    if (isAway && this.#stage.kind === "recorded") throw cause;
    await this.#throwAway();
    if (cause instanceof TypeError) throw cause;
    throw faultOfStorage(cause, "the agent's folder", ATTEMPT_GONE);
  }

  async #refuse(reason: Reason): Promise<void> {
    if (this.#stage.kind === "over" || this.#stage.kind === "gone") return;
    try {
      this.#room.jobs.apply(this.ref, { kind: "refused", reason });
    } catch (cause) {
      await this.#throwAway();
      throw faultOfStorage(cause, "the agent's folder", ATTEMPT_GONE);
    }
    await this.#leave({ kind: "over", state: "rejected", reason });
  }

  async #throwAway(): Promise<void> {
    if (this.#stage.kind === "over" || this.#stage.kind === "gone") return;
    await this.#leave({ kind: "gone" });
    try {
      this.#room.jobs.forget(this.ref);
    } catch {
      // The disk refuses even that: the next start throws every `arriving` away.
    }
  }

  async #leave(stage: Stage): Promise<void> {
    if (this.#stage.kind === "recorded") this.#stage.share.share.fill(0);
    this.#stage = stage;
    this.#wipe();
    await this.#writer.discard();
    this.#onOver();
  }
}

function manifestOf(found: Found): Manifest {
  if (!found.manifest.ok) throw new Refusal("malformed");
  return found.manifest.manifest;
}
