import { z } from "zod";
import { codePageOf } from "./code-page.ts";
import type { Profile } from "./profile.ts";

const dots = z.int().min(1).max(10_000);
const numbered = /^\d{1,3}$/;

/** Checks a profile that comes from outside; unknown keys are refused. */
const profileSchema = z.strictObject({
  vendor: z.string().min(1),
  name: z.string().min(1),
  dialect: z.enum(["epson", "citizen", "bixolon", "sii", "star"]),
  widthDots: dots.nullable(),
  dpi: z.int().min(50).max(1200).nullable(),
  mediaMm: z.number().positive().max(1000).nullable(),
  fonts: z.record(
    z.string().regex(numbered),
    z.strictObject({ name: z.string(), columns: z.int().min(1).max(500) }),
  ),
  codePages: z.record(z.string().regex(numbered), z.string().min(1)),
  cjk: z.enum(["shift_jis", "gb18030", "big5", "euc-kr"]).nullable(),
  features: z.array(
    z.enum([
      "barcodeA",
      "barcodeB",
      "bitImageColumn",
      "bitImageRaster",
      "graphics",
      "highDensity",
      "paperFullCut",
      "paperPartCut",
      "pdf417Code",
      "pulseBel",
      "pulseStandard",
      "qrCode",
      "starCommands",
    ]),
  ),
  colours: z.int().min(1).max(8),
  quirks: z.array(z.enum(["kanji-after-reset"])),
}) satisfies z.ZodType<Profile>;

/**
 * A profile from JSON, checked.
 *
 * @throws {z.ZodError} naming each field that is wrong
 */
export function parseProfile(value: unknown): Profile {
  return profileSchema.parse(value);
}

/** Code pages of a profile whose characters nobody has published: text never uses them. */
export function unknownCodePages(profile: Profile): readonly string[] {
  return Object.values(profile.codePages).filter((name) => codePageOf(name) === null);
}
