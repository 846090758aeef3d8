import { describe, expect, it } from "vitest";
import { LANGUAGES, sniffLanguage, understands } from "../../agent/language.ts";
import { isProfileName, PROFILE_NAMES, profileOf } from "../../agent/profile.ts";

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

it("has the generic profiles", () => {
  expect(PROFILE_NAMES).toEqual(expect.arrayContaining(["raw", "pjl", "escpos"]));
  expect(isProfileName("laserjet-9000")).toBe(false);
  expect(isProfileName("constructor")).toBe(false);
});

describe.each(PROFILE_NAMES)("%s", (name) => {
  const profile = profileOf(name);

  it("understands known languages, each once", () => {
    expect(profile.languages.length).toBeGreaterThan(0);
    expect(new Set(profile.languages).size).toBe(profile.languages.length);
    for (const language of profile.languages) expect(LANGUAGES).toContain(language);
  });

  it("puts nothing around a document that its own printer would not understand", () => {
    const { before, after } = profile;
    for (const around of [before, after]) {
      // Alone, Ctrl-D and a form feed belong to every language.
      if (!/[\x1b\x1d]/.test(latin1(around))) continue;
      const document = profile.languages.includes("ps") ? "%!PS" : "text";
      const sniffed = sniffLanguage(Buffer.concat([around, Buffer.from(document)]));
      expect(understands(profile.languages, sniffed)).toBe(true);
    }
  });
});

it("adds nothing to a raw printer's stream", () => {
  const { before, after, abort } = profileOf("raw");
  expect(before.length + after.length + abort.length).toBe(0);
});

it("frames PJL jobs by UEL, and completes a broken transfer before it", () => {
  const { before, after, abort } = profileOf("pjl");
  expect(latin1(before)).toBe("\x1b%-12345X@PJL RESET\r\n\x1b%-12345X");
  expect(latin1(after)).toBe("\x1b%-12345X");
  expect(latin1(abort)).toMatch(/^\0{32767}\x1b%-12345X/);
});

it("resets receipt printers before, feeds and cuts after", () => {
  const { before, after, abort } = profileOf("escpos");
  expect(latin1(before)).toBe("\x1b@");
  expect(latin1(after)).toBe("\n\x1dVB\0");
  expect(latin1(abort)).toMatch(/\0{65536}\x1b@\n\x1dVB\0$/);
});
