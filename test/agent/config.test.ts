import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { choosePrinters, loadAgentConfig } from "../../agent/config.ts";

const dir = mkdtempSync(join(tmpdir(), "platen-config-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function load(text: string, env: Record<string, string> = {}) {
  const file = join(dir, "agent.toml");
  writeFileSync(file, text);
  return loadAgentConfig({ file, env });
}

describe("settings of an agent", () => {
  test("an empty file works", () => {
    const config = load("");
    expect(config.log.level).toBe("info");
    expect(config.policy.graceSeconds).toBe(600);
    expect(choosePrinters(config, ["lobby"]).get("lobby")).toEqual({
      uri: "lp:/dev/usb/lp0",
      profile: "raw",
    });
  });

  test("printers, keypads and policy are read; the environment goes over them", () => {
    const config = load(
      'keypads = ["tty:"]\n[printer.lobby]\nuri = "file:/tmp/out"\nprofile = "escpos"\n[policy]\ngraceSeconds = 60\n',
      { PLATEN_AGENT_POLICY__GRACE_SECONDS: "30", PLATEN_AGENT_BROKER: "broker.example:8884" },
    );
    expect(config.keypads).toEqual(["tty:"]);
    expect(config.printer.lobby).toEqual({ uri: "file:/tmp/out", profile: "escpos" });
    expect(config.policy.graceSeconds).toBe(30);
    expect(config.broker).toBe("broker.example:8884");
  });

  test.each([
    ["keypad = []", "keypad", "keypads"],
    ["datadir = '/x'", "datadir", "dataDir"],
    ["[printer.lobby]\nurl = 'tcp:x'", "printer.lobby.url", "printer.lobby.uri"],
    ["[policy]\ngrace = 5", "policy.grace", "policy.graceSeconds"],
  ])("%j is refused with the nearest name", (text, key, nearest) => {
    expect(() => load(text)).toThrow(
      expect.objectContaining({
        code: "config-unknown-key",
        details: expect.objectContaining({ key, nearest }),
      }),
    );
  });

  test.each([
    ["[printer.'Lobby 1']\nuri = 'tcp:x'"],
    ["broker = 'no address at all'"],
    ["[printer.lobby]\nprofile = 'laser'"],
    ["[policy]\ngraceSeconds = -1"],
    ["keypads = 'tty:'"],
    ["keypads = ["],
  ])("%j is refused", (text) => {
    expect(() => load(text)).toThrow(expect.objectContaining({ code: "config-invalid" }));
  });

  test("a printer the broker does not know by that name is a mistake that is told", () => {
    const config = load("[printer.loby]\nuri = 'tcp:x'");
    expect(() => choosePrinters(config, ["cellar", "lobby"])).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ nearest: "printer.lobby" }) }),
    );
  });

  test("a printer that was given to the agent after it enrolled is served", () => {
    const config = load("[printer.lobby]\nuri = 'tcp:x'\n[printer.copier]\nuri = 'tcp:y'");
    expect([...choosePrinters(config, ["lobby"]).keys()]).toEqual(["lobby", "copier"]);
  });
});
