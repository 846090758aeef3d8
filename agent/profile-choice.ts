/** What a printer's device id says of the profile it wants and the languages it understands. */
import type { DeviceId } from "../pcl/device-id.ts";
import { LANGUAGES, type Language } from "./language.ts";
import { type ProfileName, profileOf } from "./profile.ts";

export interface ProfileChoice {
  readonly profile: ProfileName;
  /** Those it names itself; the profile's where it names none that we know. */
  readonly languages: readonly Language[];
}

/** Command sets as printers name them, in capitals; what begins so. The first that fits counts. */
const COMMAND_SETS: readonly (readonly [start: string, language: Language])[] = [
  ["PJL", "pjl"],
  ["PCLXL", "pclxl"],
  ["PCL6", "pclxl"],
  ["PCL 6", "pclxl"],
  // Host-based printers' own bitmaps: no PCL
  ["PCL3GUI", "unknown"],
  ["PCLM", "unknown"],
  ["PCL", "pcl"],
  ["POSTSCRIPT", "ps"],
  ["PS", "ps"],
  ["BRSCRIPT", "ps"],
  ["PDF", "pdf"],
  ["PWG", "pwg"],
  ["URF", "urf"],
  ["JPEG", "jpeg"],
  ["ESC/POS", "escpos"],
  ["ESCPOS", "escpos"],
  ["ESC POS", "escpos"],
];

/** Receipt printers that name no command set, or only their maker's. */
const RECEIPT_MODEL = /\b(?:TM-[A-Z]*\d|UB-[EU]|POS-?\d{2}|XP-\d{2}|RECEIPT|THERMAL)/i;

/** `null`: it does not say enough; a person chooses. */
export function chooseProfile(id: DeviceId): ProfileChoice | null {
  const named = LANGUAGES.filter((language) => language !== "unknown" && languagesOf(id).includes(language));
  const profile = chooseName(named, id.model ?? "");
  if (profile === null) return null;
  const known = profileOf(profile).languages;
  const extra = named.filter((language) => !known.includes(language));
  const spoken = named.some((language) => language !== "pjl")
    ? known.filter((language) => language === "text" || named.includes(language))
    : known;
  return { profile, languages: [...spoken, ...extra] };
}

function chooseName(named: readonly Language[], model: string): ProfileName | null {
  if (named.includes("escpos")) return "escpos";
  if (named.includes("pjl")) return "pjl";
  if (named.includes("pcl")) return "pcl";
  if (named.includes("ps")) return "postscript";
  return RECEIPT_MODEL.test(model) ? "escpos" : null;
}

function languagesOf({ commandSets }: DeviceId): Language[] {
  return commandSets.flatMap(
    (name) => COMMAND_SETS.find(([start]) => name.startsWith(start))?.slice(1) ?? [],
  ) as Language[];
}
