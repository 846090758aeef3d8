import { type Device, DeviceError } from "./device.ts";
import { openFile, parseFileAddress } from "./device-file.ts";
import { openLp, parseLpAddress } from "./device-lp.ts";
import { openSerial, parseSerialAddress } from "./device-serial.ts";
import { openTcp, parseTcpAddress } from "./device-tcp.ts";
import { type Transport, TransportDevice } from "./device-transport.ts";
import { type DeviceUri, parseDeviceUri, unusableUri } from "./device-uri.ts";
import { openUsb } from "./device-usb.ts";
import { parseUsbAddress } from "./usb-address.ts";

/** Reads the address at once, so that a wrong one is found with the configuration; opens later. */
type Scheme = (uri: DeviceUri) => (signal?: AbortSignal) => Promise<Transport>;

function scheme<A>(
  parse: (uri: DeviceUri) => A,
  open: (address: A, signal?: AbortSignal) => Promise<Transport>,
): Scheme {
  return (uri) => {
    const address = parse(uri);
    return (signal) => open(address, signal);
  };
}

const SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ["file", scheme(parseFileAddress, openFile)],
  ["tcp", scheme(parseTcpAddress, openTcp)],
  ["lp", scheme(parseLpAddress, openLp)],
  ["serial", scheme(parseSerialAddress, openSerial)],
  ["usb", scheme(parseUsbAddress, openUsb)],
]);

/**
 * Opens a printer for one job. The caller closes it.
 * Throws `DeviceError`: `device-unusable` for a wrong URI or a printer that cannot be reached (`offline`) or used
 * (`device`), `device-aborted` where `signal` fired first. In every case nothing was sent.
 */
export async function openDevice(uri: string, options: { signal?: AbortSignal } = {}): Promise<Device> {
  const { signal } = options;
  const open = prepareDevice(uri);
  if (signal?.aborted) throw abandoned(uri, signal.reason);
  let device: Device;
  try {
    device = new TransportDevice(uri, await open(signal));
  } catch (cause) {
    throw signal?.aborted ? abandoned(uri, cause) : cause;
  }
  if (!signal?.aborted) return device;
  await device.close();
  throw abandoned(uri, signal.reason);
}

function abandoned(uri: string, cause: unknown): DeviceError {
  const message = `${uri}: the opening was given up. Nothing was sent.`;
  return new DeviceError("device-aborted", "stalled", message, { taken: { atLeast: 0, atMost: 0 }, cause });
}

/** Refuses a wrong device URI without touching the device: `DeviceError` `device-unusable`. For configuration. */
export function checkDeviceUri(uri: string): void {
  prepareDevice(uri);
}

function prepareDevice(text: string): (signal?: AbortSignal) => Promise<Transport> {
  const uri = parseDeviceUri(text);
  const prepare = SCHEMES.get(uri.scheme);
  if (prepare === undefined) {
    throw unusableUri(text, `begins with an unknown kind. Known are ${[...SCHEMES.keys()].join(":, ")}:`);
  }
  return prepare(uri);
}
