import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadAgentConfig } from "../../agent/config.ts";
import { parseSetupFile } from "../../agent/setup-file.ts";
import { formatOutputs } from "../../agent/setup-output.ts";

const outputs = (text: string) => formatOutputs(parseSetupFile(Buffer.from(text), true));
const wifi = (lines: string) => outputs(`[wifi]\ncountry = "DE"\n${lines}`)["wpa_supplicant.conf"];

describe("wpa_supplicant.conf", () => {
  it("takes WPA2 and WPA3 with a password", () => {
    expect(wifi('name = "Office"\npassword = "correct horse"')).toBe(
      'country=DE\nnetwork={\n  ssid=4f6666696365\n  key_mgmt=WPA-PSK WPA-PSK-SHA256 SAE\n  psk="correct horse"\n  ieee80211w=1\n}\n',
    );
  });

  it("lets nothing in a name or password become a line of its own", () => {
    const text = wifi('name = "a\\n}\\ncountry=US"\npassword = \'12345678"} x\'') as string;
    expect(text.split("\n")).toHaveLength(8);
    expect(text).toContain('psk="12345678"} x"\n');
  });

  it("takes the key itself, an open network, a hidden one", () => {
    expect(wifi(`name = "x"\npassword = "${"ab".repeat(32)}"`)).toContain(
      `key_mgmt=WPA-PSK\n  psk=${"ab".repeat(32)}\n`,
    );
    expect(wifi('name = "x"\nhidden = true')).toBe(
      "country=DE\nnetwork={\n  ssid=78\n  scan_ssid=1\n  key_mgmt=NONE\n}\n",
    );
  });
});

it("an address of its own, on the cable or on Wi-Fi", () => {
  const fixed = '[network]\naddress = "10.0.0.5/8"\ngateway = "10.1.1.1"\ndns = ["10.0.0.1", "fd00::1"]\n';
  expect(outputs(fixed)["10-platen.network"]).toBe(
    "[Match]\nType=ether\nKind=!*\n\n[Network]\nAddress=10.0.0.5/8\nGateway=10.1.1.1\nDNS=10.0.0.1\nDNS=fd00::1\nLLMNR=no\nMulticastDNS=no\n",
  );
  expect(outputs(`${fixed}[wifi]\nname = "x"\ncountry = "DE"\n`)["10-platen.network"]).toContain(
    "Type=wlan\n",
  );
});

it("time servers and a key", () => {
  const made = outputs(
    `[time]\nntp = ["a.example.org", "10.0.0.1"]\n[ssh]\nkey = "ssh-ed25519 ${"A".repeat(68)} me"\n`,
  );
  expect(made["timesyncd.conf"]).toBe("[Time]\nNTP=a.example.org 10.0.0.1\n");
  expect(made.authorized_keys).toBe(`ssh-ed25519 ${"A".repeat(68)} me\n`);
});

it("agent.toml is what the agent reads", () => {
  const text =
    'broker = "print.example.org"\nkeypads = ["hid:any"]\n[printer.lobby]\nuri = "usb:"\nprofile = "escpos"\n[panel.lamps]\nblue = "GPIO26"\n';
  const folder = mkdtempSync(join(tmpdir(), "platen-output-"));
  try {
    const file = join(folder, "agent.toml");
    writeFileSync(file, outputs(text)["agent.toml"] as string);
    expect(loadAgentConfig({ file, required: true })).toMatchObject({
      broker: "print.example.org",
      keypads: ["hid:any"],
      printer: { lobby: { uri: "usb:", profile: "escpos" } },
      panel: { lamps: { blue: "GPIO26" } },
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
