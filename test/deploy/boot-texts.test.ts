/** What the Pi's own firmware is told. No emulator runs it: that the words fit together is all that can be tried here. */
import { describe, expect, it } from "vitest";
import { COMMAND_LINES, formatCommandLine, formatConfig } from "../../deploy/image/boot-texts.ts";

/** A setting as a Pi reads it: of a filter's section only on that model; the last counts. */
function readConfig(text: string, model: "pi4" | "pi5"): Map<string, string> {
  const settings = new Map<string, string>();
  let applies = true;
  for (const line of text.split("\n")) {
    const [, filter] = /^\[(\w+)\]$/.exec(line) ?? [];
    if (filter !== undefined) applies = filter === "all" || filter === model;
    const [, name, value] = /^(\w+)[= ](.*)$/.exec(line) ?? [];
    if (applies && name !== undefined && value !== undefined) settings.set(name, value);
  }
  return settings;
}

describe("config.txt", () => {
  it("gives the Pi 5 the kernel that knows it, and the others the other", () => {
    const text = formatConfig("a", true);
    expect(readConfig(text, "pi4").get("kernel")).toBe("a/vmlinuz");
    expect(readConfig(text, "pi4").get("initramfs")).toBe("a/initrd.img followkernel");
    expect(readConfig(text, "pi5").get("kernel")).toBe("a/vmlinuz-pi5");
    expect(readConfig(text, "pi5").get("initramfs")).toBe("a/initrd-pi5.img followkernel");
    expect(readConfig(formatConfig("a", false), "pi5").get("kernel")).toBe("a/vmlinuz");
  });

  it("names one slot's files only", () => {
    expect(formatConfig("b", true)).not.toMatch(/[= ]a\//);
    expect(readConfig(formatConfig("b", true), "pi4").get("cmdline")).toBe(COMMAND_LINES.b);
  });

  it("has no line past the 98 characters that the firmware reads", () => {
    for (const line of formatConfig("a", true).split("\n")) expect(line.length).toBeLessThanOrEqual(98);
  });
});

describe("the kernel's command line", () => {
  it("is one line, with the slot's own root, read-only", () => {
    expect(formatCommandLine("a").trimEnd()).not.toContain("\n");
    expect(formatCommandLine("a")).toMatch(/ root=PARTUUID=706c7401-02 ro /);
    expect(formatCommandLine("b")).toMatch(/ root=PARTUUID=706c7401-03 ro /);
  });

  it("keeps the kernel's words off the serial line, where a printer may be", () => {
    expect(formatCommandLine("a")).not.toMatch(/console=(?!tty0\b)/);
  });
});
