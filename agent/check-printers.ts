/** Doctor's checks of each printer: its address, its device node, who else has it, and what it says itself. */
import { dirname } from "node:path";
import { bad, type Diagnosis, good, note } from "../wire/diagnosis.ts";
import { askPrinter, LINE_REMEDY, type PrinterAnswer, wordLineErrors, wordStatus } from "./ask-printer.ts";
import { DeviceError } from "./device.ts";
import { lookAtNode, type NodeFacts } from "./device-node.ts";
import { parseDeviceUri } from "./device-uri.ts";
import { checkDeviceUri } from "./open-device.ts";
import { type Census, type PluggedPrinter, takesDocuments, uriOf } from "./printer-census.ts";
import { obstacleOf } from "./printer-status.ts";
import type { Profile } from "./profile.ts";

const LP = "Put the agent's user into the group lp: usermod -aG lp platen; then restart the agent.";

export interface PrinterPlace {
  readonly name: string;
  readonly uri: string;
  readonly status: Profile["status"];
}

/** What {@link judgeWay} needs to know. */
export interface WayFacts {
  readonly census: Census;
  /** Of the path in a URI that has one; null for the others. */
  readonly node: NodeFacts | null;
}

/** @param isRunning the agent, which may be printing on it: then only what it has not open is asked */
export async function checkPrinter(
  place: PrinterPlace,
  census: Census,
  isRunning: boolean,
): Promise<Diagnosis> {
  const check = `printer ${place.name}`;
  try {
    checkDeviceUri(place.uri);
  } catch (cause) {
    if (!(cause instanceof DeviceError)) throw cause;
    return bad(check, cause.message, `Correct uri in [printer.${place.name}] of agent.toml.`);
  }
  const { scheme, path } = parseDeviceUri(place.uri);
  const node = pathOf(scheme, path, place.uri, census);
  const facts = node === null ? null : lookAtNode(node);
  const trouble = judgeWay(place, { census, node: facts });
  if (trouble !== null) return trouble;
  if (scheme === "file") return good(check, `It writes files to ${dirname(path)}.`);
  if (isRunning && (facts === null || facts.holder !== null)) {
    return good(check, `The agent runs and may be printing at ${place.uri}: it is not asked now.`);
  }
  return judgeAnswer(place, await askPrinter(place.uri, place.status));
}

/** The file that must be there and ours to use: of `usb:` the node on the bus, of `file:` the folder. */
function pathOf(scheme: string, path: string, uri: string, census: Census): string | null {
  if (scheme === "lp" || scheme === "serial") return path;
  if (scheme === "file") return dirname(path);
  if (scheme === "usb") return findUsb(uri, census.usb)?.node ?? null;
  return null;
}

/** What keeps the printer from being opened; null where nothing does. Pure. */
export function judgeWay({ name, uri }: PrinterPlace, { census, node }: WayFacts): Diagnosis | null {
  const check = `printer ${name}`;
  const scheme = uri.split(":", 1)[0] ?? "";
  if (scheme === "usb" || (scheme === "lp" && uri.includes("/usb/") && node?.access === "missing")) {
    const trouble = judgeUsb(name, uri, census.usb);
    if (trouble !== null) return trouble;
  }
  if (node === null) return null;
  if (node.access === "missing") {
    const what = `${node.path} is not there.`;
    return bad(check, what, scheme === "serial" ? wordLines(census) : "Correct its uri, or make the folder.");
  }
  if (node.access === "denied") {
    const remedy =
      scheme === "serial"
        ? "Put the agent's user into the line's group: usermod -aG dialout platen; then restart the agent."
        : scheme === "file"
          ? "Let the agent's user write there."
          : LP;
    return bad(check, `This user may not use ${node.path}.`, remedy);
  }
  if (node.holder !== null && node.holder.name !== "platen") {
    const { name: program, pid } = node.holder;
    const what = `${program} (process ${pid}) has ${node.path} open.`;
    return bad(check, what, `Stop it, or take this printer out of its settings: systemctl stop ${program}`);
  }
  return null;
}

/** What the kernel sees of USB printers, where the one that is meant is not simply there. */
function judgeUsb(name: string, uri: string, plugged: readonly PluggedPrinter[]): Diagnosis | null {
  const check = `printer ${name}`;
  const [first] = plugged;
  if (first === undefined) {
    const what = "No USB printer is plugged in.";
    return bad(check, what, "Switch it on, look at its cable, try another port: lsusb.");
  }
  const meant = uri.startsWith("lp:") ? first : findUsb(uri, plugged);
  if (meant === null) {
    const there = plugged.map((printer) => uriOf(printer, plugged)).join(" or ");
    return bad(check, `${uri} is none of the printers that are plugged in.`, `Use ${there}.`);
  }
  if (!takesDocuments(meant)) {
    const what = `${meant.name} offers only IPP over USB (interface 7/1/4), which takes no documents as bytes.`;
    return bad(
      check,
      what,
      "Look for a USB mode in its menu (“printer class”, “legacy”), or use its network: tcp:",
    );
  }
  const drivers = meant.interfaces.map(({ driver }) => driver);
  if (uri.startsWith("usb:")) return drivers.includes("usbfs") ? heldDirectly(name, meant) : null;
  const lp = meant.interfaces.map(({ lpNode }) => lpNode).find((node) => node !== null);
  if (lp !== undefined)
    return bad(check, `The printer is at ${lp}.`, `Use lp:${lp} or ${uriOf(meant, plugged)}.`);
  if (drivers.includes("usbfs")) return heldDirectly(name, meant);
  const what = `${meant.name} is plugged in, but the kernel's driver usblp is not bound to it.`;
  return bad(check, what, `Load it: modprobe usblp; or use ${uriOf(meant, plugged)}, which needs no driver.`);
}

function heldDirectly(name: string, { name: model }: PluggedPrinter): Diagnosis {
  const what = `A program talks to ${model} directly, most often CUPS or ipp-usb.`;
  return bad(
    `printer ${name}`,
    what,
    "Stop it: systemctl disable --now cups ipp-usb. If it is the agent, all is well.",
  );
}

function findUsb(uri: string, plugged: readonly PluggedPrinter[]): PluggedPrinter | null {
  const { path, options } = parseDeviceUri(uri);
  const [vendorId, productId] = path === "" ? [] : path.toLowerCase().split(":");
  const [serial, port] = [options.get("serial"), options.get("port")];
  return (
    plugged.find(
      (printer) =>
        (vendorId === undefined || (printer.vendorId === vendorId && printer.productId === productId)) &&
        (serial === undefined || printer.serial === serial) &&
        (port === undefined || printer.place === port),
    ) ?? null
  );
}

function wordLines({ serial }: Census): string {
  if (serial.length === 0) return "Plug the adapter in; none is there.";
  return `Use one of ${serial.map(({ path }) => `serial:${path}`).join(", ")}.`;
}

/** What an answer, or its absence, means. Pure. */
export function judgeAnswer({ name, uri }: PrinterPlace, answer: PrinterAnswer): Diagnosis {
  const check = `printer ${name}`;
  if (answer.kind === "fault") {
    const [what = "", ...remedy] = answer.what.replace(`${uri}: `, "").split(/(?<=\.) /);
    return bad(check, capitalize(what), remedy.join(" ") || "Look at the printer and its cable.");
  }
  const { what, remedy } = wordStatus(answer.status);
  // A line that is set wrong makes what it says worth nothing.
  if (answer.lineErrors !== null)
    return bad(check, `${capitalize(wordLineErrors(answer.lineErrors))}.`, LINE_REMEDY);
  if (remedy === null) return good(check, `It ${what} (${uri}).`);
  const found = obstacleOf(answer.status) === null ? note : bad;
  return found(check, `It ${what}.`, remedy);
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
