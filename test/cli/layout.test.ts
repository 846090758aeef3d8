import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drawDigits } from "../../cli/otp-digits.ts";
import { layoutProgress } from "../../cli/progress-bar.ts";
import { drawQrCode } from "../../cli/qr-code.ts";
import { layoutTable, textWidth } from "../../cli/table.ts";
import { wrapText } from "../../cli/wrapping.ts";

const ROWS = [
  ["lobby", "pi-lobby", "ready"],
  ["büro-2", "", "paper"],
];

describe("layoutTable", () => {
  it("aligns columns and leaves nothing empty or trailing", () => {
    expect(layoutTable(["printer", "agent", "state"], ROWS, Number.POSITIVE_INFINITY)).toBe(
      ["PRINTER  AGENT     STATE", "lobby    pi-lobby  ready", "büro-2   -         paper"].join("\n"),
    );
  });

  it("sets one record under the other where the terminal is narrower", () => {
    expect(layoutTable(["printer", "agent", "state"], ROWS, 23)).toBe(
      "printer  lobby\nagent    pi-lobby\nstate    ready\n\nprinter  büro-2\nagent    -\nstate    paper",
    );
  });
});

describe("wrapText", () => {
  it("breaks between words, under the line's own beginning, colours not counted", () => {
    expect(wrapText("  \u001B[32mok\u001B[39m the printed document is the sent one", 22)).toBe(
      "  \u001B[32mok\u001B[39m the printed\n  document is the sent\n  one",
    );
  });

  it("leaves what fits, what has no space, and what is no terminal as it is", () => {
    const code = `  platen-invite-${"x".repeat(200)}`;
    expect(wrapText(`a  b\n${code}`, 20)).toBe(`a  b\n${code}`);
    expect(wrapText("word ".repeat(100), Number.POSITIVE_INFINITY)).toBe("word ".repeat(100));
  });

  it("loses no word and outgrows no width", () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1 });
    fc.assert(
      fc.property(words, fc.integer({ min: 10, max: 80 }), (list, width) => {
        const wrapped = wrapText(list.join(" "), width);
        expect(wrapped.split(/\s/)).toEqual(list);
        expect(Math.max(...wrapped.split("\n").map(textWidth))).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe("layoutProgress", () => {
  it("shows bar, percent, amount and rate", () => {
    const line = layoutProgress("Sending", { done: 500_000, total: 1_000_000 }, 2, 80, true);
    expect(line).toBe(`Sending  ${"█".repeat(16)}${"░".repeat(16)}   50 %  500 KB of 1.0 MB  250 KB/s`);
  });

  it("never outgrows the terminal and never shows more than all", () => {
    fc.assert(
      fc.property(
        fc.nat(2e9),
        fc.option(fc.nat(1e9)),
        fc.integer({ min: 1, max: 200 }),
        (done, total, width) => {
          const line = layoutProgress("Sending", { done, total }, 3, width, false);
          expect(textWidth(line)).toBeLessThanOrEqual(width);
          expect(line).not.toMatch(/NaN|Infinity/);
        },
      ),
    );
  });
});

describe("the large one-time password", () => {
  it("fits the width it is given, and gives way to the plain digits where none fits", () => {
    for (const width of [200, 80, 72, 60, 40]) {
      const drawn = drawDigits("48213907", width);
      expect(Math.max(...drawn.split("\n").map((line) => line.length))).toBeLessThanOrEqual(width);
      expect(drawn.split("\n").length).toBe(drawn === "" ? 1 : 5);
    }
    expect(drawDigits("48213907", 80)).toContain("██████");
    expect(drawDigits("48213907", 50)).toContain("███");
    expect(drawDigits("48213907", 20)).toBe("");
  });

  it("draws each digit differently", () => {
    const drawn = Array.from({ length: 10 }, (_, digit) => drawDigits(String(digit).repeat(8), 200));
    expect(new Set(drawn).size).toBe(10);
  });
});

describe("drawQrCode", () => {
  /** The picture as rows of light (.) and dark (#), by what each character means. */
  function readSquares(drawn: string, ink: string): string[] {
    const lines = drawn.replace(/\u001B\[[0-9;]*m/g, "").split("\n");
    return lines.flatMap((line) => {
      const pairs = [...line.slice(2)].map((c) => ["..", ".#", "#.", "##"][ink.indexOf(c)] as string);
      return [0, 1].map((half) => pairs.map((pair) => pair[half]).join(""));
    });
  }

  it("is the same picture in colour and without", () => {
    const plain = readSquares(drawQrCode("48213907", false), "█▀▄ ");
    const colour = readSquares(drawQrCode("48213907", true), " ▄▀█");
    expect(colour).toEqual(plain);
    // A version 1 code is 21 squares wide, with a quiet zone of 2 here; its finder pattern stands in the corner.
    expect(plain).toHaveLength(26);
    expect(plain.slice(2, 5).map((row) => row.slice(0, 10))).toEqual([
      "..#######.",
      "..#.....#.",
      "..#.###.#.",
    ]);
  });
});
