import { expect, test } from "vitest";
import { cellOf } from "../../escpos/profile.ts";
import { parseProfile, unknownCodePages } from "../../escpos/profile-schema.ts";
import profiles from "../../escpos/profiles.json" with { type: "json" };
import { chooseProfile, parseDeviceId, profileIds, profileOf } from "../../escpos/profiles.ts";
import { deriveProfiles } from "./sources/profiles.ts";

test("the file is what escpos-printer-db says, as derived, and names its source and licence", () => {
  expect(profiles).toEqual(deriveProfiles());
  expect(profiles.source).toMatch(/escpos-printer-db.*CC-BY-4\.0/);
});

test.each(profileIds())("%s passes the schema", (id) => {
  expect(parseProfile(profileOf(id))).toEqual(profileOf(id));
});

test("the schema refuses what it does not know", () => {
  const profile = profileOf("TM-T88V")!;
  for (const wrong of [
    { widthDots: 0 },
    { dialect: "pcl" },
    { colour: 1 },
    { features: ["teleport"] },
    { cjk: "utf-8" },
  ]) {
    expect(() => parseProfile({ ...profile, ...wrong })).toThrow();
  }
});

test("a width that is not known is null, never 576", () => {
  expect(profileOf("default")?.widthDots).toBeNull();
  expect(profileOf("TM-T88V")?.widthDots).toBe(512);
  expect(profileOf("POS-5890")?.widthDots).toBe(384);
});

test("columns fit the width in every profile that states both", () => {
  for (const id of profileIds()) {
    const profile = profileOf(id)!;
    for (const [font, { columns }] of Object.entries(profile.fonts)) {
      const dots = cellOf(profile, Number(font)).width * columns;
      if (profile.widthDots !== null)
        expect(dots, `${id} font ${font}`).toBeLessThanOrEqual(profile.widthDots);
    }
  }
});

test("pages nobody has published are few and never used", () => {
  const unknown = new Set(profileIds().flatMap((id) => unknownCodePages(profileOf(id)!)));
  expect([...unknown].sort()).toEqual(["CP3041", "CP747", "CP871", "CP932"]);
});

test("profiles are chosen by what printers say of themselves", () => {
  const choose = (deviceId: string) => {
    const choice = chooseProfile(parseDeviceId(deviceId)!);
    return choice === null ? null : `${choice.id} ${choice.certainty}`;
  };
  expect(choose("MFG:EPSON;CMD:ESC/POS;MDL:TM-T20II;CLS:PRINTER;DES:EPSON TM-T20II;CID:EpsonTMB;")).toBe(
    "TM-T20II model",
  );
  expect(choose("MANUFACTURER:EPSON;MODEL:TM-T88V;")).toBe("TM-T88V model");
  expect(choose("MFG:EPSON;MDL:TM-T88VI;")).toBe("TM-T88V family");
  expect(choose("MFG:CITIZEN;MDL:CT-S651;")).toBe("CT-S651 model");
  expect(choose("MFG:HP;MDL:LaserJet 4;")).toBeNull();
  expect(chooseProfile({ model: "TM-T70" })?.id).toBe("TM-T70");
  expect(chooseProfile({ manufacturer: "EPSON", model: "TM-T70" })?.certainty).toBe("model");
  expect(chooseProfile({ manufacturer: "Seiko", model: "RP-F10" })).toMatchObject({
    id: "RP-F10-58mm",
    certainty: "family",
  });
  expect(parseDeviceId("garbage")).toBeNull();
});
