/** DTR/DSR flow control on a line and a printer made of arithmetic, in their own time. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AHEAD_BYTES, Pace, type PaceTime } from "../../agent/device-serial-pace.ts";

const NEVER = new AbortController().signal;

/** When a receipt printer of 4 KiB says stop, and when it says go on. */
const RESERVE = 128;
const RELIEF = 256;

interface Build {
  /** What its line carries. */
  readonly bytesPerSecond: number;
  /** What its paper takes. */
  readonly printsPerSecond: number;
  /** How late the program comes back from waiting, in turn. */
  readonly latenessMs: readonly number[];
}

/** A line, and a printer at its end that drops DTR when its buffer fills. Moves only when time does. */
class SlowPrinter implements PaceTime {
  readonly #build: Build;
  #nowMs = 0;
  #waits = 0;
  #onLine = 0;
  #held = 0;
  #isOn = true;
  isLost = false;
  taken = 0;

  constructor(build: Build) {
    this.#build = build;
  }

  now(): number {
    return this.#nowMs;
  }

  async pause(ms: number): Promise<void> {
    const { latenessMs } = this.#build;
    const late = latenessMs[this.#waits++ % Math.max(1, latenessMs.length)] ?? 0;
    const steps = Math.ceil((ms + late) * 10);
    for (let step = 0; step < steps; step += 1) this.#pass((ms + late) / steps);
  }

  readonly readDsr = async (): Promise<boolean> => {
    this.#pass(0.2);
    return this.#isOn;
  };

  put(size: number): void {
    this.#onLine += size;
  }

  #pass(ms: number): void {
    this.#nowMs += ms;
    const moved = Math.min(this.#onLine, (this.#build.bytesPerSecond * ms) / 1000);
    this.#onLine -= moved;
    this.taken += moved;
    this.#held = Math.max(0, this.#held + moved - (this.#build.printsPerSecond * ms) / 1000);
    if (this.#held > 4096) this.isLost = true;
    if (this.#held > 4096 - RESERVE) this.#isOn = false;
    else if (this.#held < 4096 - RELIEF) this.#isOn = true;
  }
}

async function send(printer: SlowPrinter, bytesPerSecond: number, size: number): Promise<void> {
  const pace = new Pace(bytesPerSecond, printer.readDsr, printer);
  for (let left = size; left > 0; ) {
    const count = await pace.admit(Math.min(left, 1024), NEVER);
    expect(count).toBeGreaterThan(0);
    printer.put(count);
    left -= count;
  }
}

describe("DTR/DSR", () => {
  it("never runs over a printer's buffer, however slow its paper and late the program", async () => {
    const rate = fc.constantFrom(960, 1920, 3840, 5760, 11_520);
    const lateness = fc.array(fc.double({ min: 0, max: 40, noNaN: true }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        rate,
        fc.integer({ min: 100, max: 12_000 }),
        lateness,
        async (line, paper, latenessMs) => {
          // The line is 1 % slower than its name: what ran ahead would add up.
          const build = { bytesPerSecond: line * 0.99, printsPerSecond: paper, latenessMs };
          const printer = new SlowPrinter(build);
          await send(printer, line, 12_000);
          expect(printer.isLost).toBe(false);
        },
      ),
      { numRuns: 30 },
    );
  });

  it.each([960, 1920, 3840, 5760, 11_520])(
    "fills a line of %i bytes a second to 97 %%",
    async (bytesPerSecond) => {
      const printer = new SlowPrinter({ bytesPerSecond, printsPerSecond: 20_000, latenessMs: [1, 0, 2] });
      await send(printer, bytesPerSecond, 50_000);
      expect(printer.taken / (printer.now() / 1000) / bytesPerSecond).toBeGreaterThan(0.97);
    },
  );

  it("has no more under way than fits behind a stop", async () => {
    const printer = new SlowPrinter({ bytesPerSecond: 1, printsPerSecond: 1, latenessMs: [] });
    const pace = new Pace(1, printer.readDsr, printer);
    expect(await pace.admit(5000, NEVER)).toBe(AHEAD_BYTES);
    expect(AHEAD_BYTES).toBeLessThan(RESERVE);
  });

  it("stops waiting when it is let go", async () => {
    const giving = new AbortController();
    const time: PaceTime = { now: () => 0, pause: async () => giving.abort(new Error("let go")) };
    const pace = new Pace(960, async () => false, time);
    await expect(pace.admit(1, giving.signal)).rejects.toThrow("let go");
  });
});
