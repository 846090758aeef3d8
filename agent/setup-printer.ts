/** The printer of an agent whose settings name none: the only one that is plugged in. What was found once is remembered. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { DeviceId } from "../pcl/device-id.ts";
import { writeDurably } from "../wire/durable-file.ts";
import { encodeJson, parseJson } from "../wire/json.ts";
import type { PrinterConfig } from "./config.ts";
import { type Census, type PluggedPrinter, takesDocuments, uriOf } from "./printer-census.ts";
import { isProfileName, type ProfileName } from "./profile.ts";
import { chooseProfile } from "./profile-choice.ts";

const FILE = "printer.json";
const BYTES_MAX = 4096;
const foundSchema = z.object({
  v: z.literal(1),
  profile: z.string().refine((name): name is ProfileName => isProfileName(name)),
});

export type Found =
  | { readonly kind: "printer"; readonly settings: PrinterConfig }
  | { readonly kind: "none" }
  /** A person has to say which. */
  | { readonly kind: "several"; readonly uris: readonly string[] };

export interface PrinterSearch {
  readonly census: () => Census;
  /** A device id that the kernel does not tell. Never rejects. */
  readonly readId: (printer: PluggedPrinter) => Promise<DeviceId | null>;
}

/**
 * By `usb:`, so that another printer of the same kind may take its place. A printer that is switched off now counts as
 * the one that was there last.
 */
export async function findPrinter(dataDir: string, { census, readId }: PrinterSearch): Promise<Found> {
  const plugged = census().usb.filter(takesDocuments);
  const [only, ...others] = plugged;
  if (only === undefined) {
    const profile = readRemembered(dataDir);
    return profile === null ? { kind: "none" } : { kind: "printer", settings: { uri: "usb:", profile } };
  }
  if (others.length > 0) return { kind: "several", uris: plugged.map((one) => uriOf(one, plugged)) };
  const told = only.interfaces.map(({ deviceId }) => deviceId).find((one) => one !== null);
  const id = told ?? (await readId(only));
  // One that says nothing of itself gets every byte as it is.
  const profile = (id === null ? null : chooseProfile(id))?.profile ?? readRemembered(dataDir) ?? "raw";
  if (profile !== readRemembered(dataDir)) {
    writeDurably(join(dataDir, FILE), encodeJson({ v: 1, profile }), 0o600);
  }
  return { kind: "printer", settings: { uri: "usb:", profile } };
}

function readRemembered(dataDir: string): ProfileName | null {
  try {
    return parseJson(readFileSync(join(dataDir, FILE)), BYTES_MAX, foundSchema)?.profile ?? null;
  } catch {
    return null;
  }
}
