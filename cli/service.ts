/** Running one of the programs until it is told to stop: SIGTERM, SIGINT (Ctrl-C), or its own end. */

export interface Service {
  /** Rejects when it can never serve. */
  readonly ready?: Promise<void>;
  /** What keeps it from serving until it is started anew; null, or no such method: nothing. */
  checkHealth?(): string | null;
  /** A clean stop; idempotent. */
  close(): Promise<void>;
}

/** What systemd is told (agent/ready.ts). */
export interface Readiness {
  sayReady(checkHealth?: () => string | null): void;
  sayStatus(text: string): void;
  sayStopping(): void;
  close(): void;
}

/** npm and some shells pass on a Ctrl-C that the terminal sent already: two so close together are one. */
const ECHO_MS = 1000;
const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/**
 * Settles after the clean stop that a signal asked for; rejects with what kept the service from serving, stopped too.
 * A second signal later than the echo of the first ends the process at once.
 */
export async function runService(start: () => Promise<Service>, readiness: Readiness): Promise<void> {
  const asked = Promise.withResolvers<"stop">();
  let askedMs: number | null = null;
  const stop = () => {
    const now = performance.now();
    if (askedMs !== null && now - askedMs > ECHO_MS) process.exit(1);
    askedMs ??= now;
    readiness.sayStopping();
    asked.resolve("stop");
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  // Node would open a debugger to everyone on this machine, and with it this program's memory.
  process.on("SIGUSR1", () => {});
  try {
    const service = await start();
    readiness.sayReady(() => service.checkHealth?.() ?? null);
    try {
      const outcome = await Promise.race([service.ready, asked.promise]);
      if (outcome !== "stop") readiness.sayStatus("serving");
      await asked.promise;
    } finally {
      await service.close();
    }
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop);
    readiness.close();
  }
}
