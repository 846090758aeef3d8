/**
 * The image, unmodified, from the card in a technician's hand to paper: set-up, three printers on one agent (usb:, lp:,
 * a serial line), a keypad, lamps. One machine, started once; the tests follow one another as a day would.
 */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { profileOf } from "../../agent/profile.ts";
import { EscposPrinter } from "../agent/escpos-printer.ts";
import { makeDigitKey } from "./device-tree.ts";
import { documentOf } from "./document.ts";
import { measureFigures, secondsUntil } from "./figures.ts";
import { IMAGE, missingForImage } from "./image-file.ts";
import { LinePrinter } from "./line-printer.ts";
import { PATIENCE_MS, until } from "./patience.ts";
import { Site } from "./site.ts";
import { UsbPrinter } from "./usb-printer.ts";

const SETUP = `
keypads = ["hid:13ba:0001", "evdev:gpio-keys"]

[policy]
stallSeconds = 5
stallOtpSeconds = 20

[panel.lamps]
white = "GPIO0"
yellow = "GPIO1"
green = "GPIO2"
red = "GPIO4"
blue = "GPIO5"

[printer.lobby]
uri = "usb:04b8:0e15?serial=LAB0001"
profile = "escpos"

[printer.desk]
uri = "lp:/dev/usb/lp0"

[printer.till]
uri = "serial:/dev/ttyUSB0?baud=115200&flow=xonxoff"
profile = "escpos"
backChannel = false
`;
const ESCPOS = profileOf("escpos");
/** Text, so that every profile takes it. */
const textOf = (sizeBytes: number): Buffer =>
  Buffer.from(documentOf(sizeBytes / 2).toString("hex"), "latin1");

vi.setConfig({ testTimeout: 3 * PATIENCE_MS, hookTimeout: 3 * PATIENCE_MS });

describe.skipIf(missingForImage().length > 0)("the image, printing", () => {
  let site: Site;
  const desk = new UsbPrinter({ productId: 0x0e16, serial: "LAB0002" });
  const till = new LinePrinter({ bufferBytes: 4096, tickBytes: 100 });
  const receipts = new EscposPrinter();

  beforeAll(async () => {
    site = await Site.open(IMAGE);
    receipts.open((bytes) => site.printer.say(bytes));
    site.printer.on("data", (bytes: Buffer) => receipts.take(bytes));
    const claim = await site.claim("lobby", "desk", "till");
    await site.card.writeBoot("platen.toml", `claim = "${claim}"\n${SETUP}`);
    const deviceTree = site.fleet.path("digit-key.dtb");
    await makeDigitKey(deviceTree);
    await site.powerOn({ ports: ["desk", "printer", "keypad", "line"], deviceTree });
    await desk.plugInto(site.pi.port("desk"));
    // The kernel counts its printers in the order they come.
    await site.pi.until("[ -e /dev/usb/lp0 ]");
    await site.plugIn();
    await till.adapter.plugInto(site.pi.port("line"));
  });
  afterAll(() => site?.close());

  it("enrols with the file on the card, and erases the claim code there", async () => {
    await site.enrolled("lobby");
    const said = await until("the end of the claim code", async () => {
      const text = await site.card.readBoot("platen.toml");
      return text !== null && !text.includes("platen-claim-") ? text : null;
    });
    expect(said).toContain("used-----");
    expect(await site.card.readBoot("platen-problem.txt")).toBeNull();
  });

  it("reaches the broker and nothing else, and nobody can reach it", async () => {
    const { status } = await site.pi.run("timeout 5 bash -c '</dev/tcp/10.0.2.2/22'");
    expect(status).not.toBe(0);
    // What asks for addresses (DHCP) hears from the network's own server alone.
    expect(await site.pi.ask("ss -Hltn; ss -Hlun | grep -v ':68 ' || true")).toBe("");
  });

  it("prints on usb: what its OTP asks for, between the profile's before and after, and hears that it is printed", async () => {
    const document = textOf(40_000);
    const { job, otp } = await site.hold("lobby", document);
    await site.enter(otp);
    expect(await site.follow(job, "printed", "delivered", "interrupted")).toMatchObject({ state: "printed" });
    const { received } = site.printer;
    const at = received.indexOf(document);
    expect(at).toBeGreaterThan(0);
    expect(received.subarray(0, at).includes(Buffer.from(ESCPOS.before))).toBe(true);
    expect(received.indexOf(Buffer.from(ESCPOS.after), at + document.length) - at - document.length).toBe(0);
    expect(received.indexOf(document, at + 1)).toBe(-1);
  });

  it("wears the card little, and is small at rest", async () => {
    const before = await site.pi.wear();
    const { job, otp } = await site.hold("lobby", textOf(100_000));
    await site.enter(otp);
    await site.follow(job, "printed", "delivered");
    await site.pi.ask("sleep 10");
    const after = await site.pi.wear();
    const perJob = {
      bytes: after.writtenBytes - before.writtenBytes,
      writes: after.writes - before.writes,
      flushes: after.flushes - before.flushes,
    };
    const figures = await measureFigures(site.pi);
    console.log(JSON.stringify({ perJob, ...figures }));
    // The document once, sealed, and what is written down about it.
    expect(perJob.bytes).toBeLessThan(100_000 + 3_000_000);
    expect(figures.agentRssMib).toBeLessThan(200);
    expect(figures.availableMib).toBeGreaterThan(150);
  });

  it("prints on lp: and on the serial line, each its own, XOFF obeyed", async () => {
    const [pages, slip] = [textOf(50_000), textOf(20_000)];
    const [one, other] = await Promise.all([site.hold("desk", pages), site.hold("till", slip)]);
    desk.clear();
    site.printer.clear();
    await site.enter(one.otp);
    await site.enter(other.otp);
    expect(await site.follow(one.job, "delivered", "interrupted")).toMatchObject({ state: "delivered" });
    expect(await site.follow(other.job, "delivered", "interrupted")).toMatchObject({ state: "delivered" });
    expect(desk.received).toEqual(pages);
    await till.idle();
    expect(till.printed).toEqual(Buffer.concat([ESCPOS.before, slip, ESCPOS.after]));
    expect(till).toMatchObject({ lostBytes: 0 });
    expect(till.stops).toBeGreaterThan(1);
    expect(site.printer.received).toHaveLength(0);
  });

  it("goes on where paper ran out, and does not keep another printer from printing", async () => {
    const pages = textOf(120_000);
    const waiting = await site.hold("desk", pages);
    desk.clear();
    desk.outOfPaperAfter(40_000);
    await site.enter(waiting.otp);
    await desk.holds();
    till.clear();
    const slip = textOf(4000);
    const quick = await site.hold("till", slip);
    await site.enter(quick.otp);
    expect(await site.follow(quick.job, "delivered")).toMatchObject({ state: "delivered" });
    // Longer than its owner is believed to stand there: the OTP is asked for again.
    await site.lamps.shows("paused");
    await site.pi.ask("sleep 25");
    desk.paperIn();
    await site.pi.ask("sleep 3");
    expect(desk.received.length).toBeLessThan(pages.length);
    await site.enter(waiting.otp);
    expect(await site.follow(waiting.job, "delivered", "interrupted")).toMatchObject({ state: "delivered" });
    expect(desk.received).toEqual(pages);
  });

  it("clears a stall and goes on", async () => {
    const document = textOf(30_000);
    const { job, otp } = await site.hold("lobby", document);
    site.printer.clear();
    site.printer.stallNext(1);
    await site.enter(otp);
    expect(await site.follow(job, "printed", "interrupted")).toMatchObject({ state: "printed" });
    expect(site.printer.received.includes(document)).toBe(true);
  });

  it("says that the cable was pulled, ends what was begun, and prints it whole for the same OTP", async () => {
    const document = textOf(60_000);
    const { job, otp } = await site.hold("lobby", document);
    site.printer.clear();
    site.printer.pullAfter(30_000);
    await site.enter(otp);
    expect(await site.follow(job, "interrupted")).toMatchObject({ reason: "cable" });
    receipts.reset();
    await site.printer.plugInto(site.pi.port("printer"));
    await site.pi.until("grep -qs 0e15 /sys/bus/usb/devices/*/idProduct");
    site.printer.clear();
    await site.enter(otp);
    expect(await site.follow(job, "printed", "delivered")).toBeTruthy();
    const { received } = site.printer;
    const ended = received.indexOf(Buffer.from(ESCPOS.abort));
    expect(ended).toBeGreaterThanOrEqual(0);
    expect(received.indexOf(document)).toBeGreaterThan(ended);
  });

  it("forgets what was typed on a keypad that is unplugged amid an entry, and reads it when it is back", async () => {
    const document = textOf(2000);
    const { job, otp } = await site.hold("till", document);
    till.clear();
    await site.keypad.type(otp.slice(0, 4));
    // What is still on its way when the cable comes out was never typed.
    await site.pi.ask("sleep 1");
    await site.keypad.unplug();
    await site.pi.ask("sleep 2");
    await site.keypad.plugInto(site.pi.port("keypad"));
    // Until the agent looks for it again, a second later at most, the kernel has it.
    await site.pi.ask("sleep 5");
    // What was typed before is nobody's: only the whole OTP is right.
    await site.enter(otp);
    expect(await site.follow(job, "delivered")).toMatchObject({ state: "delivered" });
  });

  it("counts the presses of a button on a pin, through the kernel's gpio-keys, as a keypad of its own", async () => {
    const document = textOf(2000);
    const { job, otp } = await site.hold("till", document);
    await site.lamps.shows("ready");
    for (let presses = 0; presses < 3; presses += 1) {
      await site.pi.qmp.ask("system_powerdown");
      await site.pi.ask("sleep 1");
    }
    // The first press ends the steady light. Before they are forgotten, all three are counted once more.
    await site.lamps.flashes("white", 2 + 3);
    await site.lamps.shows("ready");
    // Nobody can type an OTP with one digit; but what lies there must not get into what is typed at the other keypad.
    await site.pi.qmp.ask("system_powerdown");
    await site.enter(otp);
    expect(await site.follow(job, "delivered")).toMatchObject({ state: "delivered" });
  });

  it("keeps every key from the console", async () => {
    await site.pi.ask("(stty raw -echo; exec cat > /run/console) < /dev/tty1 > /dev/null 2>&1 & sleep 1");
    await site.keypad.type("12345\n");
    await site.pi.qmp.ask("system_powerdown");
    await site.pi.ask("sleep 3");
    expect(await site.pi.ask("cat /run/console")).toBe("");
    expect(await readFile(site.pi.file("console.log"), "latin1")).not.toContain("12345");
  });

  it("prints what it holds while the broker is away, and is locked after a restart until it is back", async () => {
    const [before, after] = [textOf(2000), textOf(3000)];
    const first = await site.hold("till", before);
    const second = await site.hold("till", after);
    till.clear();
    await site.fleet.kill("broker");
    await site.lamps.shows("broker-away");
    await site.enter(first.otp);
    await till.prints(before);
    await site.pi.ask("systemctl restart platen-agent");
    await site.lamps.shows("locked");
    await site.enter(second.otp);
    await site.pi.ask("sleep 5");
    expect(till.printed.includes(after)).toBe(false);
    await site.fleet.startBroker();
    await site.lamps.shows("ready");
    await site.enter(second.otp);
    expect(await site.follow(second.job, "delivered")).toMatchObject({ state: "delivered" });
    await till.prints(after);
  });

  it("charges wrong digits, waits when they are used up, and forgets neither over a restart", async () => {
    const document = textOf(2000);
    const { job, otp } = await site.hold("till", document);
    const wrong = otp.replace(/./g, (digit) => String((Number(digit) + 5) % 10));
    for (let tries = 0; tries < 5; tries += 1) {
      await site.enter(wrong);
      await site.lamps.shows("not-accepted");
    }
    await site.enter(otp);
    await site.lamps.shows("wait");
    await site.pi.ask("systemctl restart platen-agent");
    await site.lamps.shows("ready");
    await site.enter(otp);
    await site.lamps.shows("wait");
    // One try comes back every two minutes, of which some have gone.
    await site.lamps.shows("ready");
    till.clear();
    await site.enter(otp);
    expect(await site.follow(job, "delivered")).toMatchObject({ state: "delivered" });
    await till.prints(document);
  });

  it("lets no lamp flash faster than twice a second", async () => {
    expect(await site.lamps.shortestPeriod()).toBeGreaterThan(400);
  });

  it("is ready again after its plug was pulled, and prints what it held", async () => {
    const document = textOf(20_000);
    const { job, otp } = await site.hold("lobby", document);
    const ports = { ports: ["desk", "printer", "keypad", "line"] };
    await site.cutPower();
    receipts.reset();
    await site.powerOn(ports);
    await site.plugIn();
    site.printer.clear();
    await site.ready();
    await site.enter(otp);
    expect(await site.follow(job, "printed", "delivered")).toBeTruthy();
    expect(site.printer.received.includes(document)).toBe(true);
    const [readySeconds, firstByteSeconds] = [
      await secondsUntil(site.pi, "ready"),
      await secondsUntil(site.pi, "first-byte"),
    ];
    console.log(JSON.stringify({ readySeconds, firstByteSeconds }));
    expect(readySeconds).toBeLessThan(firstByteSeconds);
  });
});
