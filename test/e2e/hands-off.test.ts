/** From a card with a set-up file to a printed document, with the programs the image runs. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadAgentConfig } from "../../agent/config.ts";
import { startHandsOff } from "../../agent/hands-off.ts";
import type { PanelState } from "../../agent/panel.ts";
import type { PluggedPrinter } from "../../agent/printer-census.ts";
import { SETUP_TIMES } from "../../agent/setup.ts";
import { PROBLEM_FILE } from "../../agent/setup-card.ts";
import { readReport } from "../../agent/setup-handover.ts";
import { Child } from "../../cli/demo/child.ts";
import { parseDeviceId } from "../../pcl/device-id.ts";
import { Fleet } from "./fleet.ts";

const PLATEN = new URL("../../cli/platen.mjs", import.meta.url).pathname;
const run = promisify(execFile);
const WAIT_MS = 30_000;
let fleet: Fleet;
const children: Child[] = [];

beforeAll(async () => {
  fleet = await Fleet.start();
});
afterAll(async () => {
  await Promise.all(children.map((child) => child.stop()));
  await fleet.close();
});

/** One machine: its card, what it keeps, and what lies in its memory. */
function makeMachine(name: string, file: string) {
  const at = (...parts: string[]) => fleet.path(name, ...parts);
  for (const folder of ["card", "orders", "reports", "printed"]) mkdirSync(at(folder), { recursive: true });
  writeFileSync(at("card", "platen.toml"), file);
  const half = (command: string, ...args: string[]) =>
    run(process.execPath, [PLATEN, "image", command, "--card", at("card"), "--out", at("out"), ...args]);
  return {
    at,
    setUp: () => half("setup", "--orders", at("orders")),
    settle: () => half("settle", "--reports", at("reports")),
    start: () => {
      process.env.RUNTIME_DIRECTORY = at("reports");
      const args = [
        "agent",
        "--setup",
        at("orders"),
        "--data",
        at("data"),
        "--config",
        at("out", "agent.toml"),
      ];
      const child = new Child(name, args, fleet.path("logs", `${name}.log`), false);
      delete process.env.RUNTIME_DIRECTORY;
      children.push(child);
      return child;
    },
  };
}

const event = (name: string) => (line: { readonly event?: string }) => line.event === name;
const wordFile = (code: string, printer: string, folder: string) =>
  `claim = "${code}"\r\nkeypads = ["pipe:${fleet.path(`${printer}.keypad`)}"]\r\n[printer.${printer}]\r\nuri = "file:${folder}"\r\nprofile = "raw"\r\n`;

describe("a card with a set-up file", () => {
  it("becomes an agent that prints, and forgets the code", async () => {
    const { code } = await fleet.admin("printer.add", { name: "lobby" });
    const machine = makeMachine("lobby", wordFile(code ?? "", "lobby", fleet.path("lobby", "printed")));
    await machine.setUp();
    const first = machine.start();
    await first.waitFor(event("ready"), "ready", WAIT_MS);
    expect(readReport(machine.at("reports"))).toEqual({ v: 1, enrolled: true, problem: null });
    await machine.settle();
    expect(readFileSync(machine.at("card", "platen.toml"), "utf8")).not.toContain(code?.slice(20, 60));

    const sender = await fleet.addSender("ada");
    writeFileSync(fleet.path("page.txt"), "A page.\n");
    const receipt = await fleet.send(sender, "lobby", [fleet.path("page.txt")]);
    const [job] = receipt.jobs;
    await fleet.follow(sender, job?.job ?? "", "held");
    await fleet.type("lobby", `${receipt.otp}\n`);
    await fleet.follow(sender, job?.job ?? "", "delivered", "printed");

    // The next start has nothing to set up.
    await first.stop();
    await machine.setUp();
    const second = machine.start();
    await second.waitFor(event("ready"), "ready", WAIT_MS);
    expect(second.lines.map((line) => line.event)).not.toContain("setup-enrolled");
    await second.stop();
  }, 120_000);

  it("with a code that was used says so on the card, waits, and ends in good order", async () => {
    const { code } = await fleet.admin("printer.add", { name: "cellar" });
    await fleet.admin("printer.replace", { name: "cellar" });
    const machine = makeMachine("cellar", wordFile(code ?? "", "cellar", fleet.path("cellar", "printed")));
    await machine.setUp();
    const agent = machine.start();
    await agent.waitFor(event("setup-stuck"), "stuck", WAIT_MS);
    await machine.settle();
    expect(readFileSync(machine.at("card", PROBLEM_FILE), "utf8").replaceAll(/\s+/g, " ")).toContain(
      "The broker does not accept the claim code: it was used, withdrawn or is too old. It gives a new one with: platen printer replace NAME",
    );
    expect(readFileSync(machine.at("card", "platen.toml"), "utf8")).toContain(code);
    await agent.stop();
  });

  it("with a mistake in it shows that at the panel, for as long as it takes", async () => {
    const machine = makeMachine("attic", "[wifi]\nname = Office\n");
    await machine.setUp();
    expect(readFileSync(machine.at("card", PROBLEM_FILE), "utf8")).toContain(
      'platen.toml, line 2: The value must stand in quotation marks: name = "..."',
    );
    const shown: PanelState[] = [];
    const panel = { show: (state: PanelState) => shown.push(state), tick: () => {}, close: async () => {} };
    const keypads = [`pipe:${fleet.path("attic.keypad")}`];
    const config = { ...loadAgentConfig(), keypads, dataDir: machine.at("data") };
    const agent = await startHandsOff(
      config,
      { orders: machine.at("orders"), reports: null },
      { panel, log: { write: () => {} } },
    );
    await expect.poll(() => shown.at(-1)).toMatchObject({ kind: "setup-stuck", step: "power" });
    await agent.close();
    await expect(agent.ready).rejects.toThrow("the agent was stopped");
    expect(existsSync(machine.at("data", "enrolment.json"))).toBe(false);
  });

  it("waits for a printer to be plugged in where none is named, and takes it as it calls itself", async () => {
    await fleet.addAgent({ cabin: {} });
    const plugged: PluggedPrinter[] = [];
    const search = { census: () => ({ usb: plugged, serial: [] }), readId: async () => null };
    const shown: PanelState[] = [];
    const panel = { show: (state: PanelState) => shown.push(state), tick: () => {}, close: async () => {} };
    const keypads = [`pipe:${fleet.path("cabin.keypad")}`];
    const config = { ...loadAgentConfig(), keypads, dataDir: fleet.path("cabin") };
    const times = { ...SETUP_TIMES, poll: 20, printerLate: 100 };
    const log = { write: () => {} };
    const agent = await startHandsOff(
      config,
      { orders: fleet.path("none"), reports: null },
      { panel, log, search, times },
    );
    await expect
      .poll(() => shown.at(-1), { timeout: WAIT_MS })
      .toMatchObject({ kind: "setup-stuck", step: "printer" });
    const deviceId = parseDeviceId(Buffer.from("MFG:EPSON;CMD:ESC/POS;MDL:TM-T20III;CLS:PRINTER;"));
    plugged.push({
      place: "1-1",
      vendorId: "04b8",
      productId: "0e15",
      serial: null,
      name: "EPSON TM-T20III",
      node: "/dev/bus/usb/001/002",
      interfaces: [{ protocol: 2, driver: "usblp", lpNode: "/dev/usb/lp0", deviceId }],
    });
    await agent.ready;
    const { printers } = await fleet.admin("printer.list", {});
    expect(printers.find(({ name }) => name === "cabin")?.languages).toContain("escpos");
    await agent.close();
  });
});
