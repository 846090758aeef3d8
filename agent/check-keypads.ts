/** Doctor's checks of keypads, lamps and the udev rule. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findEvdev, parseEvdevMatch } from "../keypad/evdev.ts";
import { findHid, type HidInfo, loadHidSystem, parseHidMatch } from "../keypad/hid.ts";
import { interfaceOfNode } from "../keypad/hid-census.ts";
import { KeypadError } from "../keypad/keypad.ts";
import { checkKeypadUri } from "../keypad/open-keypad.ts";
import { bad, type Diagnosis, good, note } from "../wire/diagnosis.ts";
import type { AgentConfig } from "./config.ts";
import { lookAtNode, mayUse } from "./device-node.ts";
import { findLine, type GpioChip, GpioError } from "./gpio.ts";
import { busNodeOf } from "./printer-census.ts";
import { UDEV_RULE_NAME, wordUdevRemedy } from "./udev-rule.ts";

export interface HidFacts {
  readonly devices: readonly HidInfo[];
  /** Interfaces whose device on the bus this user may not open. */
  readonly denied: readonly string[];
}

/** @throws KeypadError where the library does not load */
async function readHidFacts(root = "/"): Promise<HidFacts> {
  const hid = await loadHidSystem();
  const devices = await hid.devicesAsync();
  const denied = devices.flatMap(({ path = "" }) => {
    const node = busNodeOf(path.replace(/:.*/, ""), root);
    return node !== null && !mayUse(join(root, node)) ? [path] : [];
  });
  return { devices, denied };
}

export async function checkKeypad(uri: string, readHid = readHidFacts): Promise<Diagnosis> {
  const check = `keypad ${uri}`;
  try {
    checkKeypadUri(uri);
    if (uri.startsWith("hid:")) return await judgeHid(uri, await readHid());
  } catch (cause) {
    if (!(cause instanceof KeypadError)) throw cause;
    return bad(check, cause.message, "Correct keypads in agent.toml.");
  }
  const path = uri.replace(/^[a-z]+:/, "").replace(/\?.*$/, "");
  if (path === "") return good(check, "This terminal is the keypad.");
  if (uri.startsWith("evdev:")) return await judgeEvdev(uri, path);
  return judgePath(uri, path);
}

export async function judgeHid(uri: string, { devices, denied }: HidFacts): Promise<Diagnosis> {
  const check = `keypad ${uri}`;
  const named = uri.replace(/^hid:/, "");
  const behind = named.startsWith("/dev/") ? await interfaceOfNode(named) : null;
  const match = parseHidMatch(behind ?? named);
  const path = match === null ? null : findHid(match, devices);
  if (path === null) {
    const keyboard =
      match?.kind === "any" ? devices.find(({ isBootKeyboard }) => isBootKeyboard === true) : undefined;
    if (keyboard === undefined) {
      return bad(check, "No such keypad is there.", "Plug it in; platen keypad test shows what comes.");
    }
    const ids = [keyboard.vendorId, keyboard.productId]
      .map((id) => id.toString(16).padStart(4, "0"))
      .join(":");
    const what = `A keyboard with letters is there, which “any” leaves alone.`;
    return bad(check, what, `If it is meant, name it in agent.toml: keypads = ["hid:${ids}"]`);
  }
  if (denied.includes(path))
    return bad(check, `This user may not use the keypad at ${path}.`, wordUdevRemedy());
  return good(check, `The keypad is at ${path}.`);
}

async function judgeEvdev(uri: string, named: string): Promise<Diagnosis> {
  const match = parseEvdevMatch(named);
  const [path] = match === null ? [] : await findEvdev(match);
  if (path !== undefined) return judgePath(uri, path);
  const remedy = "Look at /proc/bus/input/devices; a matrix keypad needs its overlay in config.txt.";
  return bad(`keypad ${uri}`, "No such input device is there.", remedy);
}

function judgePath(uri: string, path: string): Diagnosis {
  const check = `keypad ${uri}`;
  const { access, holder } = lookAtNode(path);
  if (access === "missing" && uri.startsWith("pipe:")) {
    return note(check, `${path} is not there yet.`, "The agent makes it when it starts.");
  }
  if (access === "missing")
    return bad(check, `${path} is not there.`, "Plug it in, or correct keypads in agent.toml.");
  if (access === "denied") {
    const remedy = uri.startsWith("serial:")
      ? "Put the agent's user into the line's group: usermod -aG dialout platen; then restart the agent."
      : wordUdevRemedy();
    return bad(check, `This user may not use ${path}.`, remedy);
  }
  if (holder !== null && holder.name !== "platen") {
    const remedy = uri.startsWith("tty:")
      ? "Free it: systemctl disable --now getty@tty1"
      : "Stop that program.";
    return bad(
      check,
      `${holder.name} (process ${holder.pid}) has ${path} open too: keys may go there.`,
      remedy,
    );
  }
  return good(check, `${path} is there.`);
}

/** Null where no pin is named. Looks pins up; touches none. */
export async function checkPanel(
  { lamps, buzzer, tamper }: AgentConfig["panel"],
  loadChips: () => Promise<readonly GpioChip[]>,
): Promise<Diagnosis | null> {
  const pins = [...Object.values(lamps), buzzer, tamper].filter((pin) => pin !== undefined);
  const named = pins.filter((pin) => !pin.startsWith("pwm"));
  if (pins.length === 0) return null;
  try {
    const chips = await loadChips();
    const numbers = named.map((pin) => findLine(pin, chips).number);
    const twice = named.find((_, index) => numbers.indexOf(numbers[index] ?? 0) !== index);
    if (twice !== undefined) {
      return bad(
        "panel",
        `The pin ${twice} is named twice.`,
        "Give each lamp its own pin in [panel] of agent.toml.",
      );
    }
    return good("panel", `${pins.length} pins: ${pins.join(", ")}.`);
  } catch (cause) {
    if (!(cause instanceof GpioError)) throw cause;
    const [what = "", ...remedy] = cause.message.split(/(?<=\.) /);
    return bad("panel", what, remedy.join(" ") || "Correct [panel] in agent.toml.");
  }
}

const RULES = ["etc/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d"];

/** Null where nothing needs it: neither printer nor keypad on USB, or everything runs as root. */
export function checkUdevRule(
  uris: readonly string[],
  uid: number | undefined,
  root = "/",
): Diagnosis | null {
  const needs = uris.some((uri) => /^(?:usb|hid|evdev|lp):/.test(uri));
  if (!needs || uid === 0) return null;
  if (RULES.some((folder) => existsSync(join(root, folder, UDEV_RULE_NAME)))) {
    return good("udev rule", "The udev rule is installed.");
  }
  return note(
    "udev rule",
    "The udev rule that gives the agent its printers and keypads is not installed.",
    wordUdevRemedy(),
  );
}
