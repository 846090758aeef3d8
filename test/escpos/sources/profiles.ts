/** Derives escpos/profiles.json from escpos-printer-db: `node test/escpos/sources/profiles.ts > escpos/profiles.json`. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

interface SourceProfile {
  vendor: string;
  name: string;
  media: { dpi?: number | "Unknown"; width: { mm?: number | "Unknown"; pixels?: number | "Unknown" } };
  fonts: Record<string, { name: string; columns: number }>;
  codePages: Record<string, string>;
  colors: Record<string, string>;
  features: Record<string, boolean>;
  notes: string;
}

const known = (value: number | "Unknown" | undefined): number | null =>
  typeof value === "number" ? value : null;

/** Where the source is plainly wrong: it gives cell widths for columns. */
const CORRECTED_FONTS: Record<string, SourceProfile["fonts"]> = {
  "NT-80-V-UL": { 0: { name: "Font A", columns: 48 }, 1: { name: "Font B", columns: 64 } },
};

/** From the source's notes, or not in it at all. */
const CJK: Record<string, string> = { "TM-T70II-CH": "gb18030", "TM-T70II-CH-58mm": "big5" };
const CHINESE_MADE = /^(Netum|Zjiang|ZiJiang|Rongta|Sunmi|PBM|Munbyn|YHDAA|Kefar)/;

const dialectOf = (profile: SourceProfile): string => {
  if (profile.vendor === "Citizen") return "citizen";
  if (profile.vendor === "Bixolon") return "bixolon";
  return profile.vendor === "Seiko" ? "sii" : "epson";
};

/** The source calls Epson's page 1 CP932; what the printers have there is Katakana with lines and blocks. */
const pageName = (number: string, name: string): string =>
  number === "1" && name === "CP932" ? "KATAKANA" : name;

const codePages = (source: SourceProfile) =>
  Object.fromEntries(
    Object.entries(source.codePages)
      .filter(([, name]) => name !== "Unknown")
      .map(([number, name]) => [number, pageName(number, name)]),
  );

const deriveProfile = (id: string, source: SourceProfile) => ({
  vendor: source.vendor,
  name: source.name,
  dialect: dialectOf(source),
  widthDots: known(source.media.width.pixels),
  dpi: known(source.media.dpi),
  mediaMm: known(source.media.width.mm),
  fonts: CORRECTED_FONTS[id] ?? source.fonts,
  codePages: codePages(source),
  cjk: CJK[id] ?? null,
  features: Object.keys(source.features)
    .filter((feature) => source.features[feature])
    .sort(),
  colours: Object.keys(source.colors).length,
  quirks: CHINESE_MADE.test(source.vendor) ? ["kanji-after-reset"] : [],
});

export function deriveProfiles(): unknown {
  const url = new URL("../../vectors/escpos/escpos-printer-db.json", import.meta.url);
  const { profiles } = JSON.parse(readFileSync(url, "utf8")) as { profiles: Record<string, SourceProfile> };
  return {
    source:
      "Derived from escpos-printer-db (https://github.com/receipt-print-hq/escpos-printer-db), CC-BY-4.0, by its contributors; changed: see test/escpos/sources/profiles.ts",
    profiles: Object.fromEntries(
      Object.entries(profiles).map(([id, profile]) => [id, deriveProfile(id, profile)]),
    ),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(JSON.stringify(deriveProfiles(), null, 1));
