/**
 * Can two rows of times be told apart? Welch's t test, as dudect does it (Reparaz, Balasch, Verbauwhede, 2016): once on
 * all of the times, then on those below some percentiles of all, because the slow tail is the machine's and not the
 * program's. The threshold is stated before anything is measured.
 */

/** |t| beyond which the rows differ. Chance alone goes there about seven times in a million. */
export const T_THRESHOLD = 4.5;
const CROPS = [1, 0.95, 0.9, 0.75, 0.5];

/** Welch's t statistic; 0 where a row is too short to say anything. */
export function welchT(a: readonly number[], b: readonly number[]): number {
  if (a.length < 2 || b.length < 2) return 0;
  const [one, other] = [describe(a), describe(b)];
  const error = Math.sqrt(one.variance / a.length + other.variance / b.length);
  const difference = one.mean - other.mean;
  if (error === 0) return difference === 0 ? 0 : Math.sign(difference) * Number.POSITIVE_INFINITY;
  return difference / error;
}

/** The largest |t| over the crops; the same limit cuts both rows. */
export function largestT(a: readonly number[], b: readonly number[]): number {
  const all = [...a, ...b].sort((x, y) => x - y);
  return Math.max(
    ...CROPS.map((crop) => {
      const limit = all[Math.ceil(all.length * crop) - 1] ?? 0;
      const below = (times: readonly number[]) => times.filter((time) => time <= limit);
      return Math.abs(welchT(below(a), below(b)));
    }),
  );
}

export function median(times: readonly number[]): number {
  return [...times].sort((x, y) => x - y)[Math.floor(times.length / 2)] ?? 0;
}

function describe(times: readonly number[]): { mean: number; variance: number } {
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  const squares = times.reduce((sum, time) => sum + (time - mean) ** 2, 0);
  return { mean, variance: squares / (times.length - 1) };
}
