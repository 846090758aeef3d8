/** The broker as a service: settings, signals, systemd. `platen broker` runs this. */
import { resolve } from "node:path";
import { startBroker } from "./broker.ts";
import { loadBrokerConfig } from "./config.ts";
import { openLog } from "./log.ts";
import { notifySystemd } from "./ready.ts";

export interface BrokerPlace {
  /** The settings' file; without one there are defaults. */
  readonly file?: string | undefined;
  /** True when a person named it: then it must be there. */
  readonly required?: boolean;
  /** Goes before the file's `dataDir`. */
  readonly dataDir?: string | undefined;
}

/**
 * Runs until SIGTERM or SIGINT and resolves when everything is closed.
 * @throws PlatenError what {@link loadBrokerConfig} and {@link startBroker} throw
 */
export async function runBroker({ file, required = false, dataDir }: BrokerPlace): Promise<void> {
  const settings = loadBrokerConfig({ file, required, env: process.env });
  const config = dataDir === undefined ? settings : { ...settings, dataDir: resolve(dataDir) };
  const broker = await startBroker(config, openLog(config.log.level));
  notifySystemd("--ready");
  await new Promise<void>((stop) => {
    process.once("SIGTERM", () => stop());
    process.once("SIGINT", () => stop());
  });
  notifySystemd("STOPPING=1");
  await broker.close();
}
