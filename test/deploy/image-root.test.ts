/** The files of the image's root as the programs read them that will: nft, systemd, sh. */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const DEPLOY = new URL("../../deploy/", import.meta.url).pathname;
const ROOT = join(DEPLOY, "image/root");
const UNITS = "usr/lib/systemd/system";
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const hasAnalyze = spawnSync("systemd-analyze", ["--version"]).status === 0;
const hasNft =
  spawnSync("/usr/sbin/nft", ["--check", "--file", "-"], { input: "list ruleset\n" }).status === 0;

describe("the firewall", () => {
  const rules = read("etc/nftables.conf");

  it("drops what comes in and what would pass through", () => {
    expect(rules.match(/policy \w+/g)).toEqual(["policy drop", "policy drop"]);
    expect(rules).toMatch(/^flush ruleset$/m);
  });

  it("opens no port to the world", () => {
    expect(rules).not.toMatch(/dport (?!68\b|546\b)/);
  });

  it.skipIf(!hasNft && process.env.CI !== "true")("is taken by nft without a complaint", () => {
    const { status, stderr } = spawnSync(
      "/usr/sbin/nft",
      ["--check", "--file", join(ROOT, "etc/nftables.conf")],
      {
        encoding: "utf8",
      },
    );
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });
});

describe("fstab", () => {
  const rows = read("etc/fstab")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(/\s+/));
  const options = (place: string) => rows.find(([, where]) => where === place)?.[3]?.split(",") ?? [];

  it("has six fields a row", () => {
    for (const row of rows) expect(row).toHaveLength(6);
  });

  it("runs nothing from the card's writable parts, and holds up no start", () => {
    for (const place of ["/boot/firmware", "/data"]) {
      expect(options(place)).toEqual(expect.arrayContaining(["nosuid", "nodev", "noexec", "nofail"]));
    }
    expect(options("/boot/firmware")[0]).toBe("ro=fs");
  });

  it("keeps the barriers and the order that a power cut needs", () => {
    expect(options("/data").join(" ")).not.toMatch(/nobarrier|barrier=0|data=writeback|commit=/);
  });

  it("has no swap", () => {
    expect(rows.filter(([, , type]) => type === "swap")).toEqual([]);
  });
});

it.each(["usr/lib/platen/grow", "usr/lib/platen/last-words"])("%s is a shell's script", (path) => {
  expect(spawnSync("sh", ["-n", join(ROOT, path)], { encoding: "utf8" }).stderr).toBe("");
});

it("init is a shell's script that leaves nothing to a person", () => {
  const init = join(DEPLOY, "image/initramfs/init");
  expect(spawnSync("sh", ["-n", init], { encoding: "utf8" }).stderr).toBe("");
  expect(readFileSync(init, "utf8")).not.toMatch(/^\s*(?:exec )?(?:busybox )?sh$/m);
});

describe.skipIf(!hasAnalyze)("units", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "platen-units-"));
    cpSync(join(ROOT, UNITS), folder, { recursive: true });
    cpSync(join(DEPLOY, "systemd"), folder, { recursive: true });
    // Their programs are not installed here, and no unit may run what is not there.
    const services = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
      /\.service$|\.conf$/.test(name),
    );
    for (const path of services.map((name) => join(folder, name))) {
      if (!statSync(path).isFile()) continue;
      writeFileSync(path, readFileSync(path, "utf8").replace(/^(Exec\w+)=\S.*$/gm, "$1=/bin/true"));
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const analyze = (...args: string[]) => spawnSync("systemd-analyze", args, { encoding: "utf8" });

  it("are taken by systemd without a complaint", () => {
    const own = readdirSync(folder).filter((name) => /^platen-.*\.service$/.test(name));
    expect(own.length).toBeGreaterThan(3);
    const { stderr } = analyze("verify", "--man=no", ...own.map((name) => join(folder, name)));
    expect(stderr.split("\n").filter((line) => line.includes("platen-"))).toEqual([]);
  });

  it("leave the agent at most 2.0 of exposure", () => {
    const unit = join(folder, "platen-agent.service");
    const { stdout } = analyze("security", "--offline=true", "--no-pager", "--threshold=20", unit);
    const [, exposure = "10"] = /exposure level for .*: ([0-9.]+)/.exec(stdout) ?? [];
    expect(Number(exposure), stdout).toBeLessThanOrEqual(2);
    // The drop-in counts: without it this is not what runs.
    expect(existsSync(`${unit}.d/50-image.conf`)).toBe(true);
    expect(stdout).toMatch(/✓ ProtectClock=/);
  });
});

it("opens the card's file system, not one sandbox's view of the mount, where set-up writes to it", () => {
  for (const name of ["platen-setup", "platen-settle"]) {
    const remounts = read(`${UNITS}/${name}.service`).match(/remount,\S+/g);
    expect(remounts).toEqual(["remount,rw=fs", "remount,ro=fs"]);
  }
});

it("names in its presets only units that are there, or come with a package", () => {
  const own = new Set([...readdirSync(join(ROOT, UNITS)), ...readdirSync(join(DEPLOY, "systemd"))]);
  const enabled = [
    ...read("usr/lib/systemd/system-preset/00-platen.preset").matchAll(/^enable (platen-\S+)/gm),
  ];
  expect(enabled.length).toBeGreaterThan(2);
  for (const [, name = ""] of enabled) expect(own).toContain(name);
});

it("does not wait for Wi-Fi where there is none: its device starts it", () => {
  expect(read("usr/lib/systemd/system-preset/00-platen.preset")).not.toMatch(/wpa_supplicant/);
  expect(read("usr/lib/udev/rules.d/72-platen-wifi.rules")).toMatch(/SYSTEMD_WANTS.*wpa_supplicant@wlan0/);
});

it("asks the watchdog for no more than a Pi's can count", () => {
  const [, seconds] =
    /^RuntimeWatchdogSec=(\d+)s$/m.exec(read("etc/systemd/system.conf.d/platen.conf")) ?? [];
  expect(Number(seconds)).toBeLessThanOrEqual(15);
});
