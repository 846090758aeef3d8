/** Which parts of our code an input reaches, asked of V8 itself: to tell inputs that show something from those that show nothing new. */

import type { Profiler } from "node:inspector";
import { Session } from "node:inspector/promises";
import type { FuzzTarget } from "./target.ts";

const OURS = new URL("../..", import.meta.url).href;

/**
 * Of `inputs`, shortest first, those that reach what none before them did: a block of code, or one of them much oftener.
 * Inputs that break a promise are no part of it.
 */
export async function selectInputs(target: FuzzTarget, inputs: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  const seen = new Set<string>();
  const kept: Uint8Array[] = [];
  try {
    for (const input of inputs.toSorted((a, b) => a.length - b.length)) {
      await target.run(input);
      const { result } = await session.post("Profiler.takePreciseCoverage");
      const fresh = listFeatures(result).filter((feature) => !seen.has(feature));
      if (fresh.length > 0) kept.push(input);
      for (const feature of fresh) seen.add(feature);
    }
    return kept;
  } finally {
    session.disconnect();
  }
}

function listFeatures(scripts: readonly Profiler.ScriptCoverage[]): string[] {
  return scripts
    .filter(({ url }) => url.startsWith(OURS) && !url.includes("/node_modules/"))
    .flatMap(({ url, functions }) =>
      functions.flatMap(({ ranges }) =>
        ranges
          .filter(({ count }) => count > 0)
          .map(
            ({ startOffset, endOffset, count }) => `${url} ${startOffset} ${endOffset} ${countClass(count)}`,
          ),
      ),
    );
}

/** 1, 2, 3, 4 to 7, 8 to 15 ... as the fuzzer itself counts. */
function countClass(count: number): number {
  return count < 4 ? count : 2 + Math.floor(Math.log2(count));
}
