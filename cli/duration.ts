/** How long something lasts, as people type and read it: `2h`, `90m`, `1h30m`, `7d`. */

const UNIT_SECONDS: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1 };

/** Seconds; null when it is no duration. Units go from large to small, each at most once; a bare number has no meaning. */
export function parseDuration(text: string): number | null {
  const match = /^(?:(\d{1,7})d)?(?:(\d{1,7})h)?(?:(\d{1,7})m)?(?:(\d{1,7})s)?$/.exec(text.trim());
  if (!match?.[0]) return null;
  const [, d, h, m, s] = match;
  const units: [string | undefined, number][] = [
    [d, 86_400],
    [h, 3600],
    [m, 60],
    [s, 1],
  ];
  return units.reduce((sum, [count, seconds]) => sum + Number(count ?? 0) * seconds, 0);
}

/** The two largest units that are not nothing: `1 d 3 h`, `2 h`, `45 s`. */
export function formatDuration(seconds: number): string {
  let rest = Math.max(0, Math.round(seconds));
  const words: string[] = [];
  for (const [unit, size] of Object.entries(UNIT_SECONDS)) {
    const count = Math.floor(rest / size);
    rest %= size;
    if (count > 0) words.push(`${count} ${unit}`);
    else if (words.length > 0) break;
    if (words.length === 2) break;
  }
  return words.join(" ") || "0 s";
}

/** A measured time: `3.4 ms`, `812 ms`, `2.31 s`. */
export function formatMs(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(2)} s`;
}
