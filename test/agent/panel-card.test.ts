import { describe, expect, it } from "vitest";
import { CARD_LANGUAGES, CARD_SIZES, drawCard } from "../../agent/panel-card.ts";
import { fitText, textWide } from "../../agent/panel-card-text.ts";
import { CARD_WORDS } from "../../agent/panel-card-words.table.ts";
import { PANEL_SIGNALS } from "../../agent/panel-signals.table.ts";
import type { PanelKind } from "../../agent/panel-words.table.ts";

// The card is for people who print; set-up speaks to technicians.
const KINDS = (Object.keys(PANEL_SIGNALS) as PanelKind[]).filter((kind) => kind !== "setup-stuck");

function draw(languages: readonly string[], size: keyof typeof CARD_SIZES, title = "lobby"): string {
  const svg = drawCard({ languages: languages as (typeof CARD_LANGUAGES)[number][], size, title });
  if (svg === null) throw new Error("does not fit");
  return svg;
}

/** Element names that are opened and never closed, or the other way round. */
function unbalanced(svg: string): string[] {
  const open: string[] = [];
  for (const [, end, name = "", , alone] of svg.matchAll(/<(\/?)([a-z]+)((?:\s[^<>]*?)?)(\/?)>/g)) {
    if (alone === "/") continue;
    if (end === "") open.push(name);
    else if (open.pop() !== name) return [`/${name}`];
  }
  return open;
}

describe("the card's words", () => {
  it.each(CARD_LANGUAGES)("%s: every state, each its own, short enough", (language) => {
    const { states, steps, keys } = CARD_WORDS[language];
    expect(Object.keys(states).sort()).toEqual([...KINDS].sort());
    const texts = [...Object.values(states), ...steps, ...keys];
    expect(new Set(texts).size).toBe(texts.length);
    for (const text of texts) {
      expect(text.length).toBeGreaterThan(2);
      expect(text.length).toBeLessThanOrEqual(48);
      expect(text).toBe(text.normalize("NFC").trim());
    }
  });
});

describe("the card", () => {
  it.each([
    ["a6", ["en"]],
    ["a6", ["de", "en"]],
    ["a5", ["de", "en", "fr", "uk"]],
    ["a4", CARD_LANGUAGES],
  ] as const)("%s in %j: whole, with every word, readable, within the paper", (size, languages) => {
    const svg = draw(languages, size);
    const [wide, high] = CARD_SIZES[size];
    expect(svg).toContain(`width="${wide}mm" height="${high}mm"`);
    expect(unbalanced(svg)).toEqual([]);
    const said = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = ""]) => text).join(" ");
    for (const language of languages) {
      const { states, steps, keys } = CARD_WORDS[language];
      for (const text of [...Object.values(states), ...steps, ...keys]) {
        for (const word of text.split(" ")) expect(said).toContain(word);
      }
    }
    const view = /viewBox="0 0 ([0-9.]+) ([0-9.]+)"/.exec(svg)?.slice(1).map(Number) ?? [];
    const scale = wide / (view[0] ?? 1);
    const fonts = [
      ...svg.matchAll(/font-size="([0-9.]+)" (?:font-weight="700" fill="#1b2430"|fill="#3c4653")/g),
    ];
    for (const [, font] of fonts) expect(Number(font) * scale).toBeGreaterThanOrEqual(2.09);
    expect(svg).not.toMatch(/NaN|Infinity|undefined|null/);
  });

  it("draws a shining lamp for each lamp of each state, and no other", () => {
    const lamps = KINDS.flatMap((kind) => {
      const { light } = PANEL_SIGNALS[kind];
      return light.pattern === "off" ? [] : light.lamps;
    });
    expect(draw(["en"], "a6").match(/r="1.15"/g)).toHaveLength(lamps.length);
    expect(draw(["en"], "a6").match(/r="1.05"/g)).toHaveLength(KINDS.length * 5 - lamps.length);
  });

  it("is none where letters would be too small", () => {
    expect(drawCard({ languages: CARD_LANGUAGES, size: "a6", title: "x" })).toBeNull();
  });

  it("lets no title break it", () => {
    const svg = draw(["en"], "a6", `<script>&"'\u0000]]>`);
    expect(unbalanced(svg)).toEqual([]);
    expect(svg).not.toContain("<script");
    expect(svg).toContain("&lt;script&gt;&amp;");
  });
});

describe("breaking lines", () => {
  it("keeps every word, in order, and no line wider than the room", () => {
    const text = "Accepted. Another print goes first, and this takes a while";
    const lines = fitText(text, 30, 2.5, false);
    expect(lines.join(" ")).toBe(text);
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines) expect(textWide(line, false) * 2.5).toBeLessThanOrEqual(30);
    expect(fitText("Donaudampfschifffahrt", 5, 3, true)).toEqual(["Donaudampfschifffahrt"]);
  });
});
