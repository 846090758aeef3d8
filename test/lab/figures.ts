/** What the machine itself says of what it takes: for docs/image.md. Its seconds are the guest's own. */
import type { Pi } from "./pi.ts";

export interface Figures {
  /** From the kernel's first moment until systemd calls the agent started: the panel answers; a first start enrols after that. */
  readonly startedSeconds: number;
  readonly agentRssMib: number;
  readonly availableMib: number;
  /** Of one core, while nobody does anything. */
  readonly idlePercent: number;
  readonly idleWritesPerMinute: number;
}

const IDLE_SECONDS = 60;

export async function measureFigures(pi: Pi): Promise<Figures> {
  const pid = (await pi.ask("systemctl show --property=MainPID --value platen-agent")).trim();
  const started = await pi.ask(
    "systemctl show --property=ActiveEnterTimestampMonotonic --value platen-agent",
  );
  const rss = await pi.ask(`grep VmRSS /proc/${pid}/status`);
  const available = await pi.ask("grep MemAvailable /proc/meminfo");
  const [before, wearBefore] = [await readUse(pi, pid), await pi.wear()];
  await pi.ask(`sleep ${IDLE_SECONDS}`);
  const [after, wearAfter] = [await readUse(pi, pid), await pi.wear()];
  const guestSeconds = after.atSeconds - before.atSeconds;
  return {
    startedSeconds: Number(started) / 1e6,
    agentRssMib: numberIn(rss) / 1024,
    availableMib: numberIn(available) / 1024,
    idlePercent: (100 * (after.cpuSeconds - before.cpuSeconds)) / guestSeconds,
    idleWritesPerMinute: ((wearAfter.writtenBytes - wearBefore.writtenBytes) * 60) / guestSeconds,
  };
}

/** Seconds since the kernel's first moment at which the agent logged this event first; the guest's own. */
export async function secondsUntil(pi: Pi, event: string): Promise<number> {
  const line = await pi.ask(
    `journalctl -b -u platen-agent -o short-monotonic | grep -m 1 '"event":"${event}"'`,
  );
  return numberIn(line);
}

async function readUse(pi: Pi, pid: string): Promise<{ atSeconds: number; cpuSeconds: number }> {
  const [uptime = "", stat = ""] = (await pi.ask(`cat /proc/uptime /proc/${pid}/stat`)).split("\n");
  // utime and stime: fields 14 and 15 of proc(5), in hundredths; the name before them may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    atSeconds: Number(uptime.split(" ")[0]),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
  };
}

function numberIn(text: string): number {
  return Number(/\d+(\.\d+)?/.exec(text)?.[0]);
}
