/** What a set-up file comes to: the files that this machine's programs read, each in that program's own words. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "smol-toml";
import { writeDurably } from "../wire/durable-file.ts";
import type { SetupSettings } from "./setup-file.ts";
import type { Network, Wifi } from "./setup-network.ts";

/** Name to mode: those with a secret in them are for root alone. */
const OUTPUTS = {
  "agent.toml": 0o644,
  "10-platen.network": 0o644,
  "timesyncd.conf": 0o644,
  "wpa_supplicant.conf": 0o600,
  authorized_keys: 0o600,
} as const;
type Output = keyof typeof OUTPUTS;

/** Null: nothing is to be said there, and what an earlier set-up said goes away. */
export function formatOutputs(settings: SetupSettings): Readonly<Record<Output, string | null>> {
  const { wifi, network, time, ssh } = settings;
  return {
    "agent.toml": formatAgent(settings),
    "10-platen.network": network === undefined ? null : formatNetwork(network, wifi !== undefined),
    "timesyncd.conf": time === undefined ? null : `[Time]\nNTP=${time.ntp.join(" ")}\n`,
    "wpa_supplicant.conf": wifi === undefined ? null : formatWifi(wifi),
    authorized_keys: ssh === undefined ? null : `${ssh.key.trim()}\n`,
  };
}

/** Each file is whole after a power cut; that all are of one set-up is seen to by doing it again (setup-card.ts). */
export function writeOutputs(folder: string, outputs: ReturnType<typeof formatOutputs>): void {
  for (const [name, mode] of Object.entries(OUTPUTS)) {
    const text = outputs[name as Output];
    if (text === null) rmSync(join(folder, name), { force: true });
    else writeDurably(join(folder, name), text, mode);
  }
}

/** The agent's own folder is its own matter, so `dataDir` cannot be set here. */
function formatAgent({ broker, printer, keypads, panel, policy, log }: SetupSettings): string {
  const table = { ...(broker !== undefined && { broker }), ...(keypads !== undefined && { keypads }) };
  return `${stringify({ ...table, printer, panel, policy, log })}\n`;
}

/** The first file whose [Match] fits counts (systemd.network(5)): this one comes before those of the image. */
function formatNetwork({ address, gateway, dns }: Network, isWifi: boolean): string {
  return [
    "[Match]",
    ...(isWifi ? ["Type=wlan"] : ["Type=ether", "Kind=!*"]),
    "",
    "[Network]",
    `Address=${address}`,
    `Gateway=${gateway}`,
    ...dns.map((server) => `DNS=${server}`),
    "LLMNR=no",
    "MulticastDNS=no",
    "",
  ].join("\n");
}

/** wpa_supplicant.conf(5). The name goes in as hexadecimal digits: it may hold any byte. */
function formatWifi({ name, password, country, hidden }: Wifi): string {
  const isKey = /^[0-9a-fA-F]{64}$/.test(password ?? "");
  const keys =
    password === undefined
      ? ["key_mgmt=NONE"]
      : [
          // WPA3 takes a password, never the key made of it.
          `key_mgmt=WPA-PSK${isKey ? "" : " WPA-PSK-SHA256 SAE"}`,
          isKey ? `psk=${password}` : `psk="${password}"`,
          "ieee80211w=1",
        ];
  const lines = [`ssid=${Buffer.from(name).toString("hex")}`, ...(hidden ? ["scan_ssid=1"] : []), ...keys];
  return `country=${country}\nnetwork={\n${lines.map((line) => `  ${line}\n`).join("")}}\n`;
}
