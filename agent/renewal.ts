/**
 * The agent's certificate is renewed over the running session when a third of its life is left. Where that fails, log
 * and condition say so while there is still time to act; it is tried again every hour.
 */
import { X509Certificate } from "node:crypto";
import type { Calls } from "./calls.ts";

export interface RenewalPorts {
  readonly calls: Calls;
  readonly agent: string;
  readonly address: string;
  /** PEM; never changes. */
  readonly key: string;
  /** Stores the fresh certificate durably; the next dial uses it. */
  readonly store: (certificatePem: string) => void;
  /** `until`: the end of the certificate in use. `error` is null after a success. */
  readonly onOutcome: (until: Date, error: unknown) => void;
}

const CHECK_MS = 3600_000;
const YEAR_MS = 365 * 86_400_000;

export class Renewal {
  readonly #ports: RenewalPorts;
  #certificate: string;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;

  constructor(ports: RenewalPorts, certificate: string) {
    this.#ports = ports;
    this.#certificate = certificate;
  }

  /** PEM; what the next dial shows. */
  get certificate(): string {
    return this.#certificate;
  }

  /** Looks now, by the broker's clock, and then every hour until {@link pause}. */
  check(unixSeconds: number): void {
    this.pause();
    const startedMs = performance.now();
    const look = () => {
      const nowMs = unixSeconds * 1000 + performance.now() - startedMs;
      if (isRenewalDue(this.#certificate, nowMs)) this.#running ??= this.#renew();
    };
    look();
    this.#timer = setInterval(look, CHECK_MS);
    this.#timer.unref();
  }

  pause(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** What a refused login means for this agent, and what helps. @param nowMs of this machine's clock */
  explainRefusal(nowMs: number): string {
    const { validToDate } = new X509Certificate(this.#certificate);
    const day = validToDate.toISOString().slice(0, 10);
    const remedy = "What is held here can still be printed. Then run on the broker: platen printer replace";
    return validToDate.getTime() <= nowMs
      ? `The certificate ended on ${day}. ${remedy}; and enrol here again.`
      : `Revoked, or one of the two clocks is wrong: the certificate is good until ${day}. ${remedy}, if it was revoked.`;
  }

  async #renew(): Promise<void> {
    const { calls, agent, address, key, store, onOutcome } = this.#ports;
    try {
      // Loaded here: nothing else in a running agent needs it, and it takes a tenth of a second.
      const { createCsr, checkCertificate } = await import("./tls-key.ts");
      const { certificate } = await calls.call("renew", { csr: await createCsr(key, agent) });
      checkCertificate(certificate, key, address);
      store(certificate);
      this.#certificate = certificate;
      onOutcome(new X509Certificate(certificate).validToDate, null);
    } catch (error) {
      onOutcome(new X509Certificate(this.#certificate).validToDate, error);
    } finally {
      this.#running = null;
    }
  }
}

/** When a third of its life is left. Ours begin in 1970, whenever they were issued, and are given for a year. */
export function isRenewalDue(certificatePem: string, nowMs: number): boolean {
  const { validFromDate, validToDate } = new X509Certificate(certificatePem);
  const [from, to] = [validFromDate.getTime(), validToDate.getTime()];
  return nowMs >= to - Math.min(to - from, YEAR_MS) / 3;
}
