/** Administration: one question to the broker that runs on this machine, through the socket in its data directory. */
import type { AdminArgs, AdminOp, AdminResults } from "../broker/admin-schema.ts";
import type { GlobalOptions } from "./command-action.ts";
import { findConfigFile, namedDataDir } from "./data-dir.ts";

/** The data directory that `platen broker` would use when started the same way. */
export async function brokerDir(options: GlobalOptions): Promise<string> {
  const named = namedDataDir("broker", options.data);
  if (named) return named;
  const { loadBrokerConfig } = await import("../broker/config.ts");
  return loadBrokerConfig({ file: findConfigFile("broker"), env: process.env }).dataDir;
}

/**
 * Asks the running broker.
 * @throws PlatenError `admin-unreachable`, or what the broker refused with
 */
export async function askBroker<O extends AdminOp>(
  options: GlobalOptions,
  op: O,
  args: AdminArgs<O>,
): Promise<AdminResults[O]> {
  const dir = await brokerDir(options);
  const { callAdmin } = await import("../broker/admin-client.ts");
  return callAdmin(dir, op, args);
}
