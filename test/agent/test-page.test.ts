import { describe, expect, it } from "vitest";
import { sniffLanguage } from "../../agent/language.ts";
import { PROFILE_NAMES, profileOf } from "../../agent/profile.ts";
import { choosePageLanguage, PAGE_LANGUAGES, writeTestPage } from "../../agent/test-page.ts";
import { decode, profileOf as receiptProfile, renderText } from "../../escpos/index.ts";

const WORDS = { title: "Platen test page", facts: ["printer   lobby", "address   usb:"] };
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

describe("a test page", () => {
  it.each(PAGE_LANGUAGES)("%s is in that language, and says where it is", (language) => {
    const page = writeTestPage(language, WORDS);
    expect(sniffLanguage(page)).toEqual({ language, isWrapped: false });
    const said = language === "escpos" ? renderText(page, receiptProfile("default")!) : text(page);
    for (const words of [WORDS.title, ...WORDS.facts]) expect(said).toContain(words);
  });

  it("escpos: every command is known, none is cut short", () => {
    const kinds = decode(writeTestPage("escpos", WORDS)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === "unknown" || kind === "truncated")).toEqual([]);
  });

  it.each(PAGE_LANGUAGES)("%s lets no name become a command", (language) => {
    const evil = ["\x1b@\x1d\x56\x00", "\x1b%-12345X@PJL", "(oops\\) showpage", "Zürich\u202e"];
    const page = text(writeTestPage(language, { title: "x", facts: evil }));
    const clean = text(
      writeTestPage(language, {
        title: "x",
        facts: evil.map((fact) => fact.normalize("NFKD").replaceAll(/[^\x20-\x7e]/g, "")),
      }),
    );
    expect(page).toBe(clean);
    if (language === "ps") expect(page).toContain("(\\(oops\\\\\\) showpage) show");
    expect(page).not.toContain("\x1b%-12345X");
  });

  it("fits the profile", () => {
    const chosen = PROFILE_NAMES.map((name) => [name, choosePageLanguage(profileOf(name))]);
    expect(Object.fromEntries(chosen)).toMatchObject({
      raw: "text",
      pjl: "pcl",
      pcl: "pcl",
      postscript: "ps",
      escpos: "escpos",
      text: "text",
    });
    expect(choosePageLanguage({ name: "pjl", languages: ["pwg"] })).toBeNull();
  });
});
