/** Ctrl-C while something is under way: it is wound up, once; who insists gets out at once. */
import { EXIT_INTERRUPTED } from "./failure.ts";

/** npm and some shells pass on a Ctrl-C that the terminal sent already: two so close together are one. */
const ECHO_MS = 1000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runs `work` with a signal that Ctrl-C (and SIGTERM, SIGHUP) aborts; `meaning` is then what the person reads. */
export async function interruptible<T>(
  meaning: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let firstMs: number | null = null;
  const interrupt = () => {
    const now = performance.now();
    if (firstMs !== null && now - firstMs > ECHO_MS) process.exit(EXIT_INTERRUPTED);
    firstMs ??= now;
    controller.abort(new DOMException(meaning, "AbortError"));
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  try {
    return await work(controller.signal);
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}
