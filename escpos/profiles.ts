import type { Profile } from "./profile.ts";
import data from "./profiles.json" with { type: "json" };

// The cast is checked: the tests parse every profile of the file with the schema.
const PROFILES = data.profiles as unknown as Readonly<Record<string, Profile>>;

/**
 * The profile of a model by its id in escpos-printer-db: `TM-T88V`, `default`.
 *
 * @returns `null` when there is none
 */
export function profileOf(id: string): Profile | null {
  return Object.hasOwn(PROFILES, id) ? (PROFILES[id] ?? null) : null;
}

/** All ids, in the order of the file. */
export function profileIds(): readonly string[] {
  return Object.keys(PROFILES);
}

/** A printer's own words about itself: an IEEE 1284 device id, or what it answers to `GS I`. */
export interface PrinterIdentity {
  readonly manufacturer?: string;
  readonly model: string;
}

export interface ProfileChoice {
  readonly id: string;
  readonly profile: Profile;
  /** `model`: the name agrees. `family`: the best that begins alike; widths may differ, so a person should confirm. */
  readonly certainty: "model" | "family";
}

const normalise = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, "");

/**
 * The profile that fits what a printer says it is, or `null`: then ask, never assume a width.
 * Of variants with the same name the first is taken, as `family` where their widths differ.
 */
export function chooseProfile(identity: PrinterIdentity): ProfileChoice | null {
  const model = normalise(identity.model);
  if (model.length < 3) return null;
  const maker = normalise(identity.manufacturer ?? "");
  let best: { id: string; score: number } | null = null;
  let tied = false;
  for (const id of profileIds()) {
    const profile = PROFILES[id] as Profile;
    if (profile.vendor === "Generic") continue;
    const vendor = normalise(profile.vendor);
    if (maker !== "" && !vendor.startsWith(maker) && !maker.startsWith(vendor)) continue;
    const score = Math.max(likeness(model, normalise(id)), likeness(model, normalise(profile.name)));
    if (best !== null && score === best.score) tied ||= profile.widthDots !== PROFILES[best.id]?.widthDots;
    else if (score > (best?.score ?? 0)) {
      best = { id, score };
      tied = false;
    }
  }
  if (best === null) return null;
  const certainty = best.score >= EXACT && !tied ? "model" : "family";
  return { id: best.id, profile: PROFILES[best.id] as Profile, certainty };
}

const EXACT = 1000;

/** 0 for unlike names, more the longer the common beginning, `EXACT` for equal ones. */
function likeness(model: string, name: string): number {
  if (model === name) return EXACT;
  if (model.startsWith(name) && name.length >= 4) return 100 + name.length;
  if (name.startsWith(model) && model.length >= 4) return 100 + model.length - (name.length - model.length);
  return 0;
}

/** Reads an IEEE 1284 device id (`MFG:EPSON;CMD:ESC/POS;MDL:TM-T20II;`), short or long keys. */
export function parseDeviceId(deviceId: string): PrinterIdentity | null {
  const fields = new Map<string, string>();
  for (const part of deviceId.slice(0, 4096).split(";")) {
    const colon = part.indexOf(":");
    if (colon > 0) fields.set(part.slice(0, colon).trim().toUpperCase(), part.slice(colon + 1).trim());
  }
  const model = fields.get("MDL") ?? fields.get("MODEL");
  const manufacturer = fields.get("MFG") ?? fields.get("MANUFACTURER");
  if (model === undefined || model === "") return null;
  return manufacturer === undefined ? { model } : { manufacturer, model };
}
