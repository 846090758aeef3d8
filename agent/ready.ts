/** What systemd is told, where it asks. Node has no Unix datagram sockets, so `systemd-notify` does the telling. */
import { spawn } from "node:child_process";

type Environment = Readonly<Record<string, string | undefined>>;

export interface Readiness {
  /**
   * `READY=1` once, and from then on the watchdog's pings for as long as `checkHealth` finds nothing. A program that
   * hangs cannot ask it: then the pings end too, and systemd starts the program anew.
   */
  sayReady(checkHealth?: () => string | null): void;
  /** One line for `systemctl status`. */
  sayStatus(text: string): void;
  sayStopping(): void;
  close(): void;
}

/** Does nothing outside systemd. `notify` is replaced in tests. */
export function openReadiness(
  env: Environment = process.env,
  notify: (args: readonly string[]) => void = spawnNotify,
): Readiness {
  const asked = env.NOTIFY_SOCKET !== undefined && env.NOTIFY_SOCKET !== "";
  let timer: NodeJS.Timeout | null = null;
  const tell = (...args: string[]) => {
    if (asked) notify(args);
  };
  const stop = () => {
    if (timer) clearInterval(timer);
    timer = null;
  };
  return {
    sayReady: (checkHealth = () => null) => {
      tell("--ready");
      const everyMs = watchdogMs(env);
      if (!asked || everyMs === null || timer) return;
      timer = setInterval(() => {
        const ailment = checkHealth();
        if (ailment === null) tell("WATCHDOG=1");
        else tell(`--status=not well: ${ailment}`);
      }, everyMs);
      timer.unref();
    },
    sayStatus: (text) => tell(`--status=${text}`),
    sayStopping: () => {
      stop();
      tell("STOPPING=1");
    },
    close: stop,
  };
}

/** Half of what systemd allows (sd_watchdog_enabled(3)); null when it does not watch this process. */
function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: Environment): number | null {
  if (!/^[1-9][0-9]{0,15}$/.test(WATCHDOG_USEC ?? "")) return null;
  // The launcher (cli/platen.mjs) may stand in between: then the variables are addressed to it.
  if (WATCHDOG_PID && ![process.pid, process.ppid].includes(Number(WATCHDOG_PID))) return null;
  return Math.max(100, Math.floor(Number(WATCHDOG_USEC) / 2000));
}

/** systemd may be slow, but these must not pile up. */
const NOTIFY_MS = 20_000;

function spawnNotify(args: readonly string[]): void {
  // The helper is the sender (NotifyAccess=all). No --pid: it would make this process the main one, and where the
  // launcher stands in between, systemd would never learn its exit status.
  const child = spawn("systemd-notify", args, { stdio: "ignore", timeout: NOTIFY_MS });
  child.on("error", () => undefined);
  child.unref();
}
