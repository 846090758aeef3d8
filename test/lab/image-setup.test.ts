/**
 * The set-up file as people write it, and the clock as machines keep it: what is wrong is told in plain words on the
 * partition that any computer can open.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { IMAGE, missingForImage } from "./image-file.ts";
import { PATIENCE_MS, until } from "./patience.ts";
import { Site } from "./site.ts";

const SETUP = 'keypads = ["hid:13ba:0001"]\n[printer.lobby]\nuri = "usb:"\n';
const PROBLEM = "platen-problem.txt";
/** What its LEDs are set to: CapsLock 2, ScrollLock 4, one after the other. */
const SIGNAL = /6.*0.*6/;
const HOUR_MS = 3_600_000;
const YEAR_MS = 365.25 * 24 * HOUR_MS;

/** Ten ways to be wrong; what the text must name. */
const MISTAKES: readonly [what: string, file: (claim: string) => string | Uint8Array, said: RegExp][] = [
  ["nothing but notes", () => "# to be filled in\n", /nothing in it|fill|claim/i],
  ["no claim code", () => SETUP, /claim code is missing/],
  ["half a claim code", (claim) => `claim = "${claim.slice(0, 60)}"\n${SETUP}`, /not whole/],
  ["a mistyped setting", (claim) => `claim = "${claim}"\nkeypds = ["hid:13ba:0001"]\n`, /line 2.*keypads/s],
  ["a colon for =", (claim) => `claim: "${claim}"\n`, /line 1.*colon/s],
  ["a lost quotation mark", (claim) => `claim = "${claim}\n`, /line 1.*quotation mark/s],
  ["a printer without a name", (claim) => `claim = "${claim}"\n[printer]\nuri = "usb:"\n`, /lobby/],
  [
    "no address of a printer",
    (claim) => `claim = "${claim}"\n[printer.lobby]\nuri = "USB001"\n`,
    /line 3.*usb:/s,
  ],
  [
    "Wi-Fi without a country",
    (claim) => `claim = "${claim}"\n[wifi]\nname = "lab"\npassword = "12345678"\n`,
    /country/,
  ],
  ["a word processor's document", () => Buffer.from("PK\x03\x04rest of a .docx"), /plain text/],
];

vi.setConfig({ testTimeout: 3 * PATIENCE_MS, hookTimeout: 3 * PATIENCE_MS });

describe.skipIf(missingForImage().length > 0)("a set-up file", () => {
  let site: Site;
  let claim: string;

  beforeAll(async () => {
    site = await Site.open(IMAGE);
    claim = await site.claim("lobby");
    await site.card.writeBoot("platen.toml", MISTAKES[0]?.[1](claim) ?? "");
    await site.powerOn();
    await site.plugIn();
  });
  afterAll(() => site?.close());

  it.each(MISTAKES)("with %s is told of in plain words", async (_what, file, said) => {
    const content = Buffer.from(file(claim)).toString("base64");
    await site.pi.ask(
      [
        "mount -o remount,rw /boot/firmware",
        `echo ${content} | base64 -d > /boot/firmware/platen.toml`,
        "rm -f /boot/firmware/platen-problem.txt",
        // A technician switches off and on for each; an agent begun so often would restart the machine instead.
        "systemctl reset-failed platen-setup platen-agent || true",
        "systemctl restart platen-setup platen-agent || true",
        "sync",
      ].join("; "),
    );
    const text = await until("a word on the card", () => site.card.readBoot(PROBLEM));
    expect(text).toMatch(said);
    expect(text).toMatch(/put the card back/);
    expect(text).not.toMatch(/\bat \S+\.ts|Error:|undefined/);
    // And on the keypad, as nothing else is wired: CapsLock and ScrollLock together, again and again.
    site.keypad.leds.length = 0;
    await until("a signal", () => (SIGNAL.test(site.keypad.leds.join("")) ? true : null));
  });

  it("that is right in the end enrols, and the word on the card goes away", async () => {
    const content = Buffer.from(`claim = “${claim}”\r\n${SETUP.replaceAll("\n", "\r\n")}`).toString("base64");
    await site.pi.ask(
      `mount -o remount,rw /boot/firmware; echo ${content} | base64 -d > /boot/firmware/platen.toml; systemctl reset-failed platen-setup platen-agent; systemctl restart platen-setup platen-agent`,
    );
    await site.enrolled("lobby");
    await until("an empty card", async () => ((await site.card.readBoot(PROBLEM)) === null ? true : null));
    // Ready: the keypad's NumLock is the white lamp.
    await until("the light", () => (site.keypad.leds.at(-1) === 1 ? true : null));
  });
});

describe.skipIf(missingForImage().length > 0)("a clock that is wrong", () => {
  let site: Site;

  beforeEach(async () => {
    site = await Site.open(IMAGE);
  });
  afterEach(() => site?.close());

  it.each([
    ["an hour slow", -HOUR_MS],
    ["an hour fast", HOUR_MS],
    ["fifty years slow", -50 * YEAR_MS],
    ["fifty years fast", 50 * YEAR_MS],
  ])("%s: enrols, or says so on the card", async (_what, offMs) => {
    const claim = await site.claim("lobby");
    await site.card.writeBoot("platen.toml", `claim = "${claim}"\n${SETUP}`);
    await site.powerOn({ clock: new Date(Date.now() + offMs) });
    await site.plugIn();
    const outcome = await until("enrolment, or a word on the card", async () => {
      const { printers } = await site.fleet.admin("printer.list", {});
      if (printers.some(({ offered }) => offered)) return "enrolled";
      return await site.card.readBoot(PROBLEM);
    });
    if (outcome === "enrolled") return;
    expect(outcome).toMatch(/clock|time|date/i);
  });
});
