/**
 * Something that reads a stranger's bytes, and what it promises of any bytes at all. The fuzzer (main.ts) looks for
 * bytes that break a promise; the tests replay what it found worth keeping, and mutate it a little.
 */
export interface FuzzTarget {
  /** One line for `--list`. */
  readonly about: string;
  /** Longer inputs find nothing new. */
  readonly maxBytes: number;
  /** What chance alone would never write; Latin-1. */
  readonly words: readonly string[];
  /** Honest inputs to begin with. */
  seeds(): readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  /** Throws, or rejects, when a promise is broken. Bytes belong to the caller. */
  run(data: Uint8Array): void | Promise<void>;
}

/** @throws Error with `what` that was promised */
export function claim(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`broken promise: ${what}`);
}

export function claimSame(left: unknown, right: unknown, what: string): void {
  const [a, b] = [JSON.stringify(left), JSON.stringify(right)];
  claim(a === b, `${what}: ${a?.slice(0, 300)} and ${b?.slice(0, 300)}`);
}

/** The first byte says into pieces of which size (1 to 64) the rest is cut; the sizes wander, so that cuts fall everywhere. */
export function* cutUp(data: Uint8Array): Generator<Uint8Array> {
  let size = ((data[0] ?? 0) & 63) + 1;
  for (let at = 1; at < data.length; ) {
    yield data.slice(at, at + size);
    at += size;
    size = (size * 5) % 64 || 1;
  }
}

/** Runs `read`; of errors only those pass that `isExpected` knows. Null for those. */
export function tolerate<T>(isExpected: (error: unknown) => boolean, read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (isExpected(error)) return null;
    throw error;
  }
}

export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, "utf8");
}

/** With a byte in front that chooses. */
export function choose(choice: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(choice), bytes]);
}
