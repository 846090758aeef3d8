/** A sender's session with the broker it joined, for the length of one command. */
import type { Session } from "../client/session.ts";
import type { GlobalOptions } from "./command-action.ts";
import { namedDataDir } from "./data-dir.ts";

export interface Membership {
  /** The profile's folder. */
  readonly dir: string;
  readonly session: Session;
}

export async function profileDir(options: GlobalOptions): Promise<string> {
  const { defaultProfileDir } = await import("../client/profile.ts");
  return namedDataDir("sender", options.data) ?? defaultProfileDir();
}

/**
 * Opens a session with the broker joined, and closes it when `work` is done.
 * @throws PlatenError `not-joined`, `login-refused`, `broker-untrusted`, `broker-unreachable`, what `work` throws
 */
export async function withSession<T>(
  options: GlobalOptions,
  signal: AbortSignal,
  work: (membership: Membership) => Promise<T>,
): Promise<T> {
  const [{ loadProfile }, { openSession }] = await Promise.all([
    import("../client/profile.ts"),
    import("../client/session.ts"),
  ]);
  const dir = await profileDir(options);
  const session = await openSession(await loadProfile(dir), { signal });
  try {
    return await work({ dir, session });
  } finally {
    await session.close();
  }
}
