import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PanelState } from "../../agent/panel.ts";
import { type Light, PANEL_SIGNALS } from "../../agent/panel-signals.table.ts";
import { TerminalPanel, type TerminalPanelOptions } from "../../agent/panel-terminal.ts";
import { PANEL_WORDS, type PanelKind, wordPanel } from "../../agent/panel-words.table.ts";
import { REASONS } from "../../wire/reason.ts";

const STATES: readonly PanelState[] = [
  ...(["power", "network", "clock", "broker", "printer", "keypad"] as const).map(
    (step): PanelState => ({ kind: "starting", step }),
  ),
  { kind: "setup-stuck", step: "network", what: "there is no network" },
  { kind: "ready", held: 0 },
  { kind: "ready", held: 1 },
  { kind: "ready", held: 3 },
  { kind: "entering", entered: 5, idleWarning: false },
  { kind: "entering", entered: 5, idleWarning: true },
  { kind: "checking" },
  { kind: "accepted-waiting" },
  { kind: "printing", printer: "lobby", second: false },
  { kind: "printing", printer: "lobby", second: true },
  { kind: "take-pages", printer: "lobby", confirmed: true },
  { kind: "take-pages", printer: "lobby", confirmed: false },
  { kind: "not-accepted" },
  { kind: "wait", seconds: 42 },
  { kind: "printer-care", printer: "lobby", reason: "paper" },
  { kind: "paused", printer: "lobby", reason: "cover", otpNeeded: false },
  { kind: "paused", printer: "lobby", reason: "cover", otpNeeded: true },
  { kind: "broker-away", held: 0 },
  { kind: "broker-away", held: 2 },
  { kind: "locked" },
  { kind: "broken", what: "the disk cannot be written" },
];

const KINDS = Object.keys(PANEL_SIGNALS) as PanelKind[];

describe("words", () => {
  it("are there for every state, each its own", () => {
    expect(new Set(STATES.map((state) => state.kind))).toEqual(new Set(Object.keys(PANEL_WORDS)));
    const words = STATES.map(wordPanel);
    expect(new Set(words).size).toBe(words.length);
    for (const line of words) expect(line.length).toBeLessThanOrEqual(100);
  });

  it.each([
    [{ kind: "ready", held: 2 }, "Ready. 2 jobs are waiting. Type your code."],
    [{ kind: "entering", entered: 5, idleWarning: false }, "●●●● ●  then Enter"],
    [{ kind: "entering", entered: 8, idleWarning: false }, "●●●● ●●●●  then Enter"],
    [{ kind: "wait", seconds: 119 }, "Too many tries. Wait 2 min."],
    [
      { kind: "printer-care", printer: "lobby", reason: "paper" },
      "lobby is out of paper. Add paper. Then type your code again.",
    ],
    [
      { kind: "paused", printer: "lobby", reason: "cable", otpNeeded: true },
      "Paused: lobby is unplugged. Check its cable. Type your code to go on.",
    ],
  ] satisfies [PanelState, string][])("%j", (state, words) => {
    expect(wordPanel(state)).toBe(words);
  });

  it("have something to say for every reason", () => {
    for (const reason of REASONS) {
      expect(wordPanel({ kind: "printer-care", printer: "lobby", reason })).toMatch(
        /^lobby \w.*[.?] Then type/,
      );
    }
  });
});

describe("the grammar of light and sound", () => {
  it("is that of the terminal's rules", () => {
    expect(KINDS.map((kind) => [kind, glance(PANEL_SIGNALS[kind].light), hear(kind)])).toEqual([
      ["starting", "blue count", ""],
      ["setup-stuck", "yellow+blue count", "enter: low"],
      ["ready", "white steady", ""],
      ["entering", "white count", "key: middle"],
      ["checking", "white 0.5 Hz", ""],
      ["accepted-waiting", "green 0.5 Hz", "enter: low middle"],
      ["printing", "green steady 5 s, then 1 Hz", "enter: middle high"],
      ["take-pages", "off", "enter: high"],
      ["not-accepted", "yellow 2 flashes", "enter: low"],
      ["wait", "yellow 0.5 Hz", "key: middle, leave: high"],
      ["printer-care", "red steady", "enter: low low low"],
      ["paused", "green+red steady", "enter: low low low"],
      ["broker-away", "blue 0.5 Hz", ""],
      ["locked", "blue+red 0.5 Hz", "entry: low"],
      ["broken", "red 2 Hz", "enter: low low low every 30 s for 3 min"],
    ]);
  });

  it("tells every state apart without sound", () => {
    const lights = KINDS.map((kind) => glance(PANEL_SIGNALS[kind].light));
    expect(new Set(lights).size).toBe(lights.length);
  });

  it("flashes at most twice a second, and sounds within 500 Hz to 2.5 kHz", () => {
    for (const kind of KINDS) {
      const { light, sounds } = PANEL_SIGNALS[kind];
      if ("hertz" in light) expect(light.hertz).toBeLessThanOrEqual(2);
      for (const { tones, on } of sounds) {
        for (const { hertz, ms } of tones) {
          expect(hertz).toBeGreaterThanOrEqual(500);
          expect(hertz).toBeLessThanOrEqual(2500);
          expect(ms).toBeLessThanOrEqual(on === "key" ? 30 : 400);
        }
      }
    }
  });

  it("keeps red for equipment and yellow for the person's entry", () => {
    const withLamp = (lamp: string): PanelKind[] =>
      KINDS.filter((kind) => glance(PANEL_SIGNALS[kind].light).includes(lamp));
    expect(withLamp("red")).toEqual(["printer-care", "paused", "locked", "broken"]);
    expect(withLamp("yellow")).toEqual(["setup-stuck", "not-accepted", "wait"]);
  });
});

function glance(light: Light): string {
  const lamps = "lamps" in light ? light.lamps.join("+") : "";
  switch (light.pattern) {
    case "off":
      return "off";
    case "steady":
    case "count":
      return `${lamps} ${light.pattern}`;
    case "blink":
      return `${lamps} ${light.hertz} Hz`;
    case "flashes":
      return `${lamps} ${light.times} flashes`;
    case "steady-then-blink":
      return `${lamps} steady ${light.steadyMs / 1000} s, then ${light.hertz} Hz`;
  }
}

function hear(kind: PanelKind): string {
  const name = (hertz: number): string => (hertz < 1000 ? "low" : hertz < 1600 ? "middle" : "high");
  const sounds = PANEL_SIGNALS[kind].sounds.map(({ tones, on, every }) => {
    const often = every ? ` every ${every.ms / 1000} s for ${every.forMs / 60_000} min` : "";
    return `${on}: ${tones.map((tone) => name(tone.hertz)).join(" ")}${often}`;
  });
  return sounds.join(", ");
}

describe("a terminal as panel", () => {
  function open(
    isTTY: boolean,
    options: TerminalPanelOptions = {},
  ): { panel: TerminalPanel; text(): string } {
    let written = "";
    const output = {
      isTTY,
      columns: 60,
      write: (text: string) => {
        written += text;
      },
    };
    return { panel: new TerminalPanel({ output, env: {}, ...options }), text: () => written };
  }

  it("rewrites one line in colour", async () => {
    const { panel, text } = open(true);
    panel.show({ kind: "ready", held: 0 });
    panel.show({ kind: "not-accepted" });
    await panel.close();
    const [first, second] = ["Ready. Nothing is waiting.", "Not accepted. Check your code and try again."];
    expect(text()).toBe(`\r\x1b[2K\x1b[1m${first}\x1b[0m\r\x1b[2K\x1b[33m${second}\x1b[0m\n`);
  });

  it("honours NO_COLOR, and the bell where it is wanted", () => {
    const { panel, text } = open(true, { env: { NO_COLOR: "1" }, bell: true });
    panel.show({ kind: "ready", held: 0 });
    panel.show({ kind: "locked" });
    panel.show({ kind: "not-accepted" });
    expect(text()).not.toContain("\x1b[3");
    expect(text().split("\x07")).toHaveLength(2);
    expect(text().endsWith("\x07")).toBe(true);
  });

  it("writes plain lines where nobody looks, each change once", async () => {
    const { panel, text } = open(false, { bell: true });
    panel.show({ kind: "checking" });
    panel.show({ kind: "checking" });
    panel.tick();
    panel.show({ kind: "printing", printer: "lobby", second: false });
    await panel.close();
    expect(text()).toBe("Checking ...\nPrinting on lobby.\n");
  });

  it("lets no control character and no overlong line through", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (what) => {
        const { panel, text } = open(true, { env: { NO_COLOR: "1" } });
        panel.show({ kind: "broken", what });
        const line = text().slice("\r\x1b[2K".length);
        expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
        expect(line.length).toBeLessThan(60);
      }),
    );
  });
});
