import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ASCII_START, type AsciiKey, type AsciiState, decodeAscii } from "../../keypad/ascii.ts";

/** One character a key: digits, `E`nter, `B`ackspace, `C`lear, `!` interrupt. */
function spell(keys: readonly AsciiKey[]): string {
  const names = { enter: "E", backspace: "B", clear: "C", interrupt: "!" } as const;
  return keys.map((key) => (key.kind === "digit" ? key.digit : names[key.kind])).join("");
}

function decode(...chunks: string[]): string {
  let state: AsciiState = ASCII_START;
  let spelled = "";
  for (const chunk of chunks) {
    const step = decodeAscii(state, Buffer.from(chunk, "latin1"));
    state = step.state;
    spelled += spell(step.keys);
  }
  return spelled;
}

describe("keys", () => {
  it.each([
    ["digits", ["0123456789"], "0123456789"],
    ["CR, LF, CRLF and # are Enter, CRLF once", ["1\r2\n3\r\n4#"], "1E2E3E4E"],
    ["CRLF in two chunks", ["1\r", "\n2"], "1E2"],
    ["two lines", ["1\r\r2\n\n"], "1EE2EE"],
    ["backspace and delete", ["12\b3\x7f"], "12B3B"],
    ["clear", ["1-2*3"], "1C2C3"],
    ["Ctrl-C", ["1\x03"], "1!"],
    ["letters, blanks and high bytes are nothing", ["4a8 2\xff1\0"], "4821"],
    ["a lone Esc", ["12\x1b"], "12C"],
    ["a lone Esc, then digits", ["1\x1b", "2"], "1C2"],
    ["Esc and a digit at once", ["\x1b2"], "C2"],
    ["Esc twice", ["\x1b\x1b"], "CC"],
    ["arrow keys", ["1\x1b[A2\x1b[D3"], "123"],
    ["F5 and modified arrows", ["1\x1b[15~2\x1b[1;5C3"], "123"],
    ["keypad in application mode", ["1\x1bOP2"], "12"],
    ["bracketed paste", ["\x1b[200~48213907\x1b[201~\r"], "48213907E"],
    ["a sequence cut after its Esc clears once", ["1\x1b", "[15~2"], "1C2"],
    ["a sequence cut inside", ["1\x1b[1", "5~2"], "12"],
    ["a control breaks a sequence", ["\x1b[1\r2"], "E2"],
    ["a sequence without end", [`\x1b[${"1".repeat(40)}`], "1".repeat(7)],
  ])("%s", (_, chunks, keys) => {
    expect(decode(...chunks)).toBe(keys);
  });
});

describe("properties", () => {
  const bytes = fc.uint8Array({ maxLength: 200 });

  it("never says more than it was told, and digits only that were there", () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 10 }), (chunks) => {
        const spelled = decode(...chunks.map((chunk) => Buffer.from(chunk).toString("latin1")));
        const digits = Buffer.concat(chunks).toString("latin1").replaceAll(/\D/g, "");
        let at = 0;
        for (const digit of spelled.replaceAll(/\D/g, "")) {
          at = digits.indexOf(digit, at) + 1;
          expect(at).toBeGreaterThan(0);
        }
      }),
    );
  });

  it("does not care where chunks end, unless an Esc ends one", () => {
    const text = fc.stringMatching(/^[0-9\r\n#*\-\x7f a-z]*$/);
    fc.assert(
      fc.property(text, fc.nat(), (whole, cut) => {
        const at = cut % (whole.length + 1);
        expect(decode(whole.slice(0, at), whole.slice(at))).toBe(decode(whole));
      }),
    );
  });

  it("comes back from any garbage at the next line", () => {
    fc.assert(
      fc.property(bytes, (garbage) => {
        const spelled = decode(Buffer.from(garbage).toString("latin1"), "\x1b\r", "4821\r");
        expect(spelled.endsWith("4821E")).toBe(true);
      }),
    );
  });
});
