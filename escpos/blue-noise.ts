/** Side of the mask; it repeats without seams. */
export const BLUE_NOISE_SIZE = 64;

const COUNT = BLUE_NOISE_SIZE * BLUE_NOISE_SIZE;
const SIGMA = 1.9;
/** Where the Gaussian is as good as zero. */
const REACH = 8;

/** Dots on a torus, and at each place how crowded it is. */
class Pattern {
  readonly ones = new Uint8Array(COUNT);
  readonly #energy = new Float64Array(COUNT);

  flip(at: number): void {
    const sign = this.ones[at] === 1 ? -1 : 1;
    this.ones[at] = sign === 1 ? 1 : 0;
    const wrap = BLUE_NOISE_SIZE - 1;
    for (let dy = -REACH; dy <= REACH; dy += 1) {
      const row = (((at >> 6) + dy) & wrap) << 6;
      for (let dx = -REACH; dx <= REACH; dx += 1) {
        const place = row | ((at + dx) & wrap);
        const energy = Math.exp(-(dx * dx + dy * dy) / (2 * SIGMA * SIGMA));
        this.#energy[place] = (this.#energy[place] as number) + sign * energy;
      }
    }
  }

  /** The tightest cluster of ones, or the largest void among zeros. */
  extreme(value: 0 | 1): number {
    let best = -1;
    let bestEnergy = Number.POSITIVE_INFINITY;
    for (let at = 0; at < COUNT; at += 1) {
      if (this.ones[at] !== value) continue;
      const energy = value === 1 ? -(this.#energy[at] as number) : (this.#energy[at] as number);
      if (energy < bestEnergy) {
        best = at;
        bestEnergy = energy;
      }
    }
    return best;
  }
}

/** A tenth of the places at random (always the same), then evened out. */
function startPattern(): Pattern {
  const pattern = new Pattern();
  let seed = 20251120;
  for (let left = Math.floor(COUNT / 10); left > 0; ) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const at = seed >>> 20;
    if (pattern.ones[at] === 1) continue;
    pattern.flip(at);
    left -= 1;
  }
  for (;;) {
    const cluster = pattern.extreme(1);
    pattern.flip(cluster);
    const hole = pattern.extreme(0);
    pattern.flip(hole);
    if (hole === cluster) return pattern;
  }
}

/**
 * A blue-noise threshold mask by Ulichney's void-and-cluster method (1993): each place has a rank of its own, and the
 * places below any rank lie as evenly as can be. Takes some tens of milliseconds; a table of it would be larger than
 * all the rest of the dithering.
 *
 * @returns thresholds between 0 and 1, row by row
 */
export function makeBlueNoise(): Float32Array {
  const up = startPattern();
  const thresholds = new Float32Array(COUNT);
  const down = new Pattern();
  for (let at = 0; at < COUNT; at += 1) if (up.ones[at] === 1) down.flip(at);
  const first = Math.floor(COUNT / 10);
  for (let rank = first - 1; rank >= 0; rank -= 1) {
    const cluster = down.extreme(1);
    down.flip(cluster);
    thresholds[cluster] = (rank + 0.5) / COUNT;
  }
  for (let rank = first; rank < COUNT; rank += 1) {
    const hole = up.extreme(0);
    up.flip(hole);
    thresholds[hole] = (rank + 0.5) / COUNT;
  }
  return thresholds;
}
