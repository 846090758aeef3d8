/** The printers this machine can reach, with what they say of themselves: for `platen printer probe`. Prints nothing. */
import type { DeviceId } from "../pcl/device-id.ts";
import { askPrinter, wordStatus } from "./ask-printer.ts";
import type { PrinterPlace } from "./check-printers.ts";
import { findHolder } from "./device-node.ts";
import { parseDeviceUri } from "./device-uri.ts";
import { type Census, type PluggedPrinter, takeCensus, takesDocuments, uriOf } from "./printer-census.ts";
import { type ProfileName, profileOf } from "./profile.ts";
import { chooseProfile } from "./profile-choice.ts";

export interface ProbedPrinter {
  /** For agent.toml. */
  readonly uri: string;
  /** The printer's name in agent.toml; null where it is not configured. */
  readonly name: string | null;
  readonly model: string | null;
  /** What it says it understands; empty where it does not say. */
  readonly languages: readonly string[];
  /** The profile that fits; null: a person chooses. */
  readonly profile: ProfileName | null;
  /** As `is ready`, `is out of paper`. */
  readonly state: string;
  readonly deviceId: Readonly<Record<string, string>> | null;
}

/** What is asked of hardware; tests bring their own. */
export interface ProbePorts {
  readonly census: () => Census;
  /** A device id that the kernel does not tell. Never rejects. */
  readonly readId: (printer: PluggedPrinter) => Promise<DeviceId | null>;
  readonly ask: typeof askPrinter;
  readonly holder: (path: string) => { readonly name: string } | null;
}

const PORTS: ProbePorts = { census: takeCensus, readId: readUsbId, ask: askPrinter, holder: findHolder };

/** First what is plugged in, then what is configured beyond that. */
export async function probePrinters(
  configured: readonly PrinterPlace[],
  ports: ProbePorts = PORTS,
): Promise<ProbedPrinter[]> {
  const { usb, serial } = ports.census();
  const found: ProbedPrinter[] = [];
  for (const printer of usb) found.push(await probeUsb(printer, usb, configured, ports));
  for (const { path, node } of serial) {
    const uri = `serial:${path}`;
    const name = nameAt(configured, [path, node]);
    const state = ports.holder(node) === null ? "not asked: nobody knows its line speed" : "in use";
    found.push({ uri, name, model: null, languages: [], profile: null, state, deviceId: null });
  }
  const known = new Set(found.flatMap(({ name }) => name ?? []));
  for (const place of configured) {
    if (!known.has(place.name)) found.push(await probeConfigured(place, ports));
  }
  return found;
}

async function probeUsb(
  printer: PluggedPrinter,
  all: readonly PluggedPrinter[],
  configured: readonly PrinterPlace[],
  ports: ProbePorts,
): Promise<ProbedPrinter> {
  const lp = printer.interfaces.map(({ lpNode }) => lpNode).find((node) => node !== null) ?? null;
  const told = printer.interfaces.map(({ deviceId }) => deviceId).find((one) => one !== null) ?? null;
  const isHeld = printer.interfaces.some(({ driver }) => driver === "usbfs");
  const id = told ?? (isHeld || !takesDocuments(printer) ? null : await ports.readId(printer));
  const choice = id === null ? null : chooseProfile(id);
  const uri = uriOf(printer, all);
  const status = choice === null ? "none" : profileOf(choice.profile).status;
  return {
    uri,
    name: nameOfUsb(configured, printer, lp),
    model: printer.name,
    languages: id === null ? [] : id.commandSets.map((set) => set.toLowerCase()),
    profile: choice?.profile ?? null,
    state: await stateOfUsb(printer, lp === null ? uri : `lp:${lp}`, isHeld, status, ports),
    deviceId: id === null ? null : Object.fromEntries(id.fields),
  };
}

async function stateOfUsb(
  printer: PluggedPrinter,
  uri: string,
  isHeld: boolean,
  status: PrinterPlace["status"],
  ports: ProbePorts,
): Promise<string> {
  if (!takesDocuments(printer)) return "speaks IPP over USB only: of no use here";
  const path = uri.startsWith("lp:") ? uri.slice(3) : printer.node;
  const holder = ports.holder(path);
  if (holder !== null) return `in use by ${holder.name}`;
  if (isHeld) return "in use by another program (the agent, CUPS, ipp-usb)";
  return await stateOf(uri, status, ports);
}

async function probeConfigured(
  { name, uri, status }: PrinterPlace,
  ports: ProbePorts,
): Promise<ProbedPrinter> {
  const { scheme, path } = parseDeviceUri(uri);
  const holder = path.startsWith("/") ? ports.holder(path) : null;
  const state =
    scheme === "file"
      ? "writes files"
      : holder !== null
        ? `in use by ${holder.name}`
        : await stateOf(uri, status, ports);
  return { uri, name, model: null, languages: [], profile: null, state, deviceId: null };
}

async function stateOf(uri: string, status: PrinterPlace["status"], ports: ProbePorts): Promise<string> {
  const answer = await ports.ask(uri, status);
  if (answer.kind === "fault") return answer.what.replace(`${uri}: `, "");
  return wordStatus(answer.status).what;
}

function nameAt(configured: readonly PrinterPlace[], paths: readonly string[]): string | null {
  return configured.find(({ uri }) => paths.includes(parseDeviceUri(uri).path))?.name ?? null;
}

function nameOfUsb(
  configured: readonly PrinterPlace[],
  printer: PluggedPrinter,
  lp: string | null,
): string | null {
  const ids = `${printer.vendorId}:${printer.productId}`;
  const isMeant = (uri: string): boolean => {
    const { scheme, path, options } = parseDeviceUri(uri);
    if (scheme === "lp") return path === lp;
    if (scheme !== "usb") return false;
    const [serial, port] = [options.get("serial"), options.get("port")];
    return (
      (path === "" || path.toLowerCase() === ids) &&
      (serial === undefined || serial === printer.serial) &&
      (port === undefined || port === printer.place)
    );
  };
  return configured.find(({ uri }) => isMeant(uri))?.name ?? null;
}

const ID_MS = 1000;

/** Asks the printer itself, without its interface being taken from anybody. */
export async function readUsbId(printer: PluggedPrinter): Promise<DeviceId | null> {
  const [{ loadUsbBus }, { listUsbPrinters }, { readDeviceId }, { letGo, takeInterface }] = await Promise.all(
    [
      import("./usb-libusb.ts"),
      import("./usb-address.ts"),
      import("./usb-class.ts"),
      import("./device-usb.ts"),
    ],
  );
  try {
    const bus = await loadUsbBus();
    const devices = (await bus.devices()).filter(({ port }) => port === printer.place);
    const [found] = listUsbPrinters(devices);
    if (found === undefined) return null;
    const line = await takeInterface(await found.device.open(), found);
    try {
      return await readDeviceId(line.handle, found.face, ID_MS);
    } finally {
      await letGo(line);
    }
  } catch {
    return null;
  }
}
