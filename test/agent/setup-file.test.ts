import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseSetupFile, type SetupSettings } from "../../agent/setup-file.ts";
import { fillRoom, formatTemplate, TEMPLATE_BYTES } from "../../agent/setup-template.ts";
import { isPlatenError } from "../../wire/error.ts";
import { CLAIM } from "./claim.ts";

const claim = `claim = "${CLAIM}"\n`;

function read(text: string | Uint8Array, isEnrolled = false): SetupSettings {
  return parseSetupFile(typeof text === "string" ? Buffer.from(text) : text, isEnrolled);
}

/** What a person is told, without the file's name. */
function mistakeIn(text: string | Uint8Array, isEnrolled = false): string {
  try {
    read(text, isEnrolled);
  } catch (error) {
    if (isPlatenError(error, "setup-mistake")) return error.message.replace("platen.toml, ", "");
    throw error;
  }
  return "nothing";
}

describe("mistakes, each with its line and what to write instead", () => {
  it.each([
    ["an empty file", "", "platen.toml: Nothing is filled in: every line is empty or begins with #."],
    [
      "the image's own, untouched",
      formatTemplate(),
      "platen.toml: Nothing is filled in: every line is empty or begins with #.",
    ],
    [
      "no claim code",
      '[wifi]\nname = "Office"\ncountry = "DE"\n',
      'platen.toml: The claim code is missing: claim = "platen-claim-..." The broker gives one with: platen printer add NAME',
    ],
    [
      "half a claim code",
      `claim = "${CLAIM.slice(0, 90)}"`,
      "line 1: The claim code is not whole: a character is missing or changed. Copy it again, from platen-claim- to its end.",
    ],
    [
      "a sender's invite",
      'claim = "platen-invite-AAAA"',
      "line 1: This is an invite for a person who sends. A printer needs a claim code: platen printer add NAME",
    ],
    [
      "what is left of a used code",
      'claim = "used--------------------"',
      "line 1: The claim code was used already. The broker gives a new one with: platen printer replace NAME",
    ],
    [
      "Wi-Fi without a country",
      `${claim}[wifi]\nname = "Office"\npassword = "12345678"`,
      'line 2: Wi-Fi needs the country where this machine stands, as in country = "DE": radio rules differ, and nobody can guess it.',
    ],
    [
      "a country's name",
      `${claim}[wifi]\nname = "Office"\ncountry = "Germany"`,
      'line 4: The country is two capital letters, as in country = "DE" for Germany or "US" for the United States.',
    ],
    [
      "the UK",
      `${claim}[wifi]\nname = "Office"\ncountry = "UK"`,
      'line 4: The United Kingdom is country = "GB".',
    ],
    [
      "a country in small letters",
      `${claim}[wifi]\nname = "Office"\ncountry = "de"`,
      'line 4: Write the country in capitals: country = "DE"',
    ],
    [
      "a short password",
      `${claim}[wifi]\nname = "Office"\ncountry = "DE"\npassword = "secret"`,
      "line 5: A Wi-Fi password has 8 to 63 characters; this one has 6.",
    ],
    [
      "no quotation marks",
      `${claim}[wifi]\nname = Office`,
      'line 3: The value must stand in quotation marks: name = "..."',
    ],
    [
      "half a quotation",
      `${claim}broker = "print.example.org`,
      'line 2: A quotation mark is missing: broker = "..."',
    ],
    ["a colon", `${claim}broker: "print.example.org"`, "line 2: Write = instead of the colon: broker = ..."],
    [
      "a backslash",
      `${claim}[wifi]\nname = "a"\ncountry = "DE"\npassword = "pass\\word1"`,
      "line 5: A \\ inside \"...\" means something else. Put the value in single quotes: password = '...'",
    ],
    ["half a table", `${claim}[wifi\nname = "Office"`, "line 2: The ] at the end is missing."],
    [
      "the same twice",
      `${claim}${claim}`,
      "line 2: “claim” stands here for the second time. Take one of them away.",
    ],
    [
      "a sentence",
      `${claim}please print`,
      "line 2: This is neither a setting (name = value) nor a [table]. Put # before it if it is only a note.",
    ],
    [
      "a mistyped setting",
      `${claim}[wifi]\nnmae = "Office"`,
      "line 3: There is no setting “nmae” in [wifi]. Did you mean “name”?",
    ],
    [
      "a mistyped table",
      `${claim}[wify]\nname = "Office"`,
      "line 2: There is no setting “wify”. Did you mean “wifi”?",
    ],
    [
      "a setting of another kind",
      `${claim}wifi = "Office"`,
      "line 2: This is a table: write [wifi] on a line of its own, and below it what belongs to it.",
    ],
    [
      "a web address",
      `${claim}broker = "https://print.example.org/"`,
      'line 2: The broker\'s name stands alone, without https:// or anything like it: broker = "print.example.org"',
    ],
    [
      "an address without its network",
      `${claim}[network]\naddress = "192.168.1.20"\ngateway = "192.168.1.1"`,
      'line 3: The address needs the length of its network behind it, as in address = "192.168.1.20/24".',
    ],
    [
      "a gateway elsewhere",
      `${claim}[network]\naddress = "192.168.1.20/24"\ngateway = "192.168.2.1"`,
      "line 4: The gateway is not in the network of the address: nothing beyond it could be reached.",
    ],
    [
      "a time server that is none",
      `${claim}[time]\nntp = ["time server"]`,
      'line 3: “ntp” is no name or address of a machine, as in "time.example.org".',
    ],
    [
      "a private key",
      `${claim}[ssh]\nkey = "-----BEGIN OPENSSH PRIVATE KEY-----"`,
      "line 3: This is the private half of the key, which belongs on no card. Take the line of the file whose name ends in .pub.",
    ],
    [
      "a printer without its name",
      `${claim}[printer]\nuri = "usb:"`,
      "line 3: Say which printer: write [printer.lobby] instead of [printer], with the printer's name instead of lobby.",
    ],
    [
      "a printer's address",
      `${claim}[printer.lobby]\nuri = "USB0"`,
      'line 3: An address begins with usb:, lp:, serial:, tcp: or file:. For the only printer on USB write uri = "usb:"',
    ],
    [
      "an unknown profile",
      `${claim}[printer.lobby]\nprofile = "epson"`,
      "line 3: “profile” is no profile; known are raw, pjl, pcl, postscript, escpos, text.",
    ],
    [
      "a keypad's address",
      `${claim}keypads = ["usb"]`,
      'line 2: The keypad\'s URI "usb" begins with none of tty:, serial:, pipe:, hid:, evdev:.',
    ],
    [
      "a formatted text",
      "{\\rtf1\\ansi claim}",
      "platen.toml: This is no plain text but a formatted one (RTF). In TextEdit choose Format, Make Plain Text.",
    ],
    [
      "a word processor's",
      Buffer.from("PK\u0003\u0004....."),
      "platen.toml: This is no plain text but a document of a word processor. Save it as plain text.",
    ],
    [
      "something long",
      Buffer.alloc(70_000, 0x41),
      "platen.toml: This is no set-up file: it is far too long.",
    ],
  ])("%s", (_name, text, told) => {
    expect(mistakeIn(text)).toBe(told);
  });

  it("never repeats a password", () => {
    const lines = [
      'password = "hunter2',
      "password = hunter2hunter2",
      'password = "hunter2\\q"',
      'password: "hunter2!"',
    ];
    for (const line of lines) expect(mistakeIn(`${claim}[wifi]\n${line}`)).not.toContain("hunter2");
  });

  it("says something of any text, and never breaks", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.uint8Array({ maxLength: 200 })), (text) => {
        expect(mistakeIn(text)).toMatch(/.+/);
      }),
    );
  });
});

describe("what editors do to a file is repaired", () => {
  const plain = `${claim}[wifi]\nname = "Office"\npassword = "12345678"\ncountry = "DE"\n`;
  const wanted = read(plain);
  it.each([
    ["CRLF", Buffer.from(plain.replaceAll("\n", "\r\n"))],
    ["a byte order mark", Buffer.from(`\uFEFF${plain}`)],
    ["Notepad's Unicode", Buffer.from(`\uFEFF${plain}`, "utf16le")],
    ["UTF-16 without a mark", Buffer.from(plain, "utf16le")],
    ["UTF-16, big end first", Buffer.from(`\uFEFF${plain}`, "utf16le").swap16()],
    ["smart quotes", Buffer.from(plain.replace('"Office"', "“Office”"))],
    ["German quotes", Buffer.from(plain.replace('"Office"', "„Office“"))],
    ["no-break spaces", Buffer.from(plain.replace("name = ", "name\u00A0=\u00A0"))],
    ["trailing spaces", Buffer.from(plain.replaceAll("\n", "  \t\n"))],
    [
      "a code that was wrapped",
      Buffer.from(plain.replace(CLAIM, `${CLAIM.slice(0, 40)} ${CLAIM.slice(40)}`)),
    ],
    ["the image's own notes around it", fillRoom(plain)],
  ])("%s", (_name, bytes) => {
    expect(read(bytes)).toEqual(wanted);
  });

  it.each([
    ["as a phone calls its Wi-Fi", '"Anna’s “iPhone”\u00A02"', "Anna’s “iPhone”\u00A02"],
    ["in the quotes of a word processor", "“Anna’s iPhone”", "Anna’s iPhone"],
    ["in single ones of a word processor", "‘Office’", "Office"],
  ])("a name is not repaired: %s", (_, written, name) => {
    expect(read(plain.replace('"Office"', written)).wifi?.name).toBe(name);
  });

  it("an apostrophe in a password is the only one that a Wi-Fi password may have", () => {
    expect(read(plain.replace("12345678", "it’s a key")).wifi?.password).toBe("it's a key");
  });

  it("an old editor's umlauts", () => {
    const settings = read(Buffer.from(plain.replace("Office", "Büro"), "latin1"));
    expect(settings.wifi?.name).toBe("Büro");
  });
});

describe("a machine that is enrolled", () => {
  it("needs no claim code, and minds no rest of one", () => {
    for (const rest of ["", 'claim = "used-----------"\n', `claim = "used-------${CLAIM.slice(60)}"\n`]) {
      expect(read(`${rest}broker = "print.example.org"`, true).claim).toBeNull();
    }
  });

  it("is still told of every other mistake", () => {
    expect(mistakeIn("[wifi]\nname = Office", true)).toMatch(/^line 2: /);
  });
});

it("the file of every image is one room, whatever stands in it", () => {
  expect(formatTemplate()).toHaveLength(TEMPLATE_BYTES);
  for (let length = 0; length < 40; length++)
    expect(fillRoom(`#${"x".repeat(length)}\n`)).toHaveLength(TEMPLATE_BYTES);
  expect(() => fillRoom("#".repeat(TEMPLATE_BYTES))).toThrow(RangeError);
});
