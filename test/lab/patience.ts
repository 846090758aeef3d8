/** Waiting in the lab, where a minute is a second of the real thing's and a busy host makes it three. */
import { setTimeout as pause } from "node:timers/promises";

/** The longest that one thing may take on a busy host; a whole test may take three such. */
export const PATIENCE_MS = 900_000;
const POLL_MS = 500;

/**
 * Looks until there is something to see.
 * @throws Error naming `what`, with what `describe` says of how things stand then
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | null> | T | null,
  describe: () => Promise<string> | string = () => "",
): Promise<T> {
  for (const endMs = performance.now() + PATIENCE_MS; performance.now() < endMs; await pause(POLL_MS)) {
    const seen = await look();
    if (seen !== null) return seen;
  }
  throw new Error(`${what} never came. ${await describe()}`);
}
