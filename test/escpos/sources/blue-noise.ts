/** Makes the mask of escpos/blue-noise.table.ts by Ulichney's void-and-cluster method (1993), 64 x 64, toroidal. */
const SIZE = 64;
const COUNT = SIZE * SIZE;
const SIGMA = 1.9;

const kernel = new Float64Array(COUNT);
for (let y = 0; y < SIZE; y += 1) {
  for (let x = 0; x < SIZE; x += 1) {
    const dx = Math.min(x, SIZE - x);
    const dy = Math.min(y, SIZE - y);
    kernel[y * SIZE + x] = Math.exp(-(dx * dx + dy * dy) / (2 * SIGMA * SIGMA));
  }
}

class Pattern {
  readonly ones = new Uint8Array(COUNT);
  readonly energy = new Float64Array(COUNT);

  flip(at: number): void {
    const sign = this.ones[at] === 1 ? -1 : 1;
    this.ones[at] = sign === 1 ? 1 : 0;
    const ay = Math.floor(at / SIZE);
    const ax = at % SIZE;
    for (let y = 0; y < SIZE; y += 1) {
      for (let x = 0; x < SIZE; x += 1) {
        const k = ((y - ay + SIZE) % SIZE) * SIZE + ((x - ax + SIZE) % SIZE);
        this.energy[y * SIZE + x]! += sign * kernel[k]!;
      }
    }
  }

  /** The tightest cluster (of ones) or the largest void (of zeros). */
  extreme(value: 0 | 1): number {
    let best = -1;
    for (let at = 0; at < COUNT; at += 1) {
      if (this.ones[at] !== value) continue;
      if (
        best < 0 ||
        (value === 1 ? this.energy[at]! > this.energy[best]! : this.energy[at]! < this.energy[best]!)
      ) {
        best = at;
      }
    }
    return best;
  }
}

let seed = 20251120;
const random = (): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};

/** The mask, one byte a cell. */
export function makeBlueNoise(): Uint8Array {
  const start = new Pattern();
  const initial = Math.floor(COUNT / 10);
  for (let placed = 0; placed < initial; ) {
    const at = Math.floor(random() * COUNT);
    if (start.ones[at] === 0) {
      start.flip(at);
      placed += 1;
    }
  }
  for (;;) {
    const cluster = start.extreme(1);
    start.flip(cluster);
    const hole = start.extreme(0);
    start.flip(hole);
    if (hole === cluster) break;
  }

  const ranks = new Uint16Array(COUNT);
  const down = new Pattern();
  for (let at = 0; at < COUNT; at += 1) if (start.ones[at] === 1) down.flip(at);
  for (let rank = initial - 1; rank >= 0; rank -= 1) {
    const cluster = down.extreme(1);
    down.flip(cluster);
    ranks[cluster] = rank;
  }
  for (let rank = initial; rank < COUNT; rank += 1) {
    const hole = start.extreme(0);
    start.flip(hole);
    ranks[hole] = rank;
  }
  return Uint8Array.from(ranks, (rank) => rank >> 4);
}
