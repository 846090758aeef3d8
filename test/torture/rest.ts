/** Waits until a fleet is at rest and everything holds; what does not hold by then is broken. */
import { setTimeout as delay } from "node:timers/promises";
import type { Fleet } from "../e2e/fleet.ts";
import { readAgent, readBroker } from "./books.ts";
import { findFaults, type World } from "./invariants.ts";
import type { Piece } from "./paper.ts";

const POLL_MS = 25;

/** What a part knows, and the books do not. */
export type Known = Omit<World, "broker" | "agents" | "pieces"> & {
  readonly agents: readonly string[];
  /** What came out so far: asked anew at every look. */
  readonly pieces: () => readonly Piece[];
};

export function readWorld(fleet: Fleet, { agents, pieces, ...known }: Known): World {
  return {
    ...known,
    agents: agents.map((agent) => readAgent(fleet, agent)),
    broker: readBroker(fleet),
    pieces: pieces(),
  };
}

/**
 * The fleet at rest, with nothing wrong.
 * @throws Error with every fault there still is after `deadlineMs`
 */
export async function awaitRest(fleet: Fleet, known: Known, deadlineMs = 120_000): Promise<World> {
  const until = performance.now() + deadlineMs;
  for (;;) {
    const world = look(fleet, known);
    const faults = world instanceof Error ? [world.message] : findFaults(world);
    if (faults.length === 0) return world as World;
    if (performance.now() > until) throw new Error(faults.join("\n"));
    await delay(POLL_MS);
  }
}

/** A database that is being opened may refuse a reader for a moment. */
function look(fleet: Fleet, known: Known): World | Error {
  try {
    return readWorld(fleet, known);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
