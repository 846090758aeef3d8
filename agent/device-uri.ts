import { DeviceError } from "./device.ts";

/** A device URI cut into its parts; nothing is interpreted yet. */
export interface DeviceUri {
  readonly uri: string;
  /** Without the colon, in lower case. */
  readonly scheme: string;
  /** Between the colon and `?`, percent-decoded; `//` of an empty authority removed. */
  readonly path: string;
  readonly options: ReadonlyMap<string, string>;
}

const MAX_URI = 1024;

/** `scheme:path?name=value&...`. A wrong one is a {@link DeviceError} `device-unusable` that says what to correct. */
export function parseDeviceUri(uri: string): DeviceUri {
  if (uri.length > MAX_URI) throw unusableUri(uri.slice(0, 40), `is longer than ${MAX_URI} characters`);
  const match = /^([a-z][a-z0-9+.-]*):([^?#]*)(?:\?([^#]*))?$/i.exec(uri);
  if (match === null) throw unusableUri(uri, "is no URI. Write it as in tcp:192.0.2.7 or lp:/dev/usb/lp0");
  const [, scheme = "", rest = "", query = ""] = match;
  const options = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (options.has(name)) throw unusableUri(uri, `names the option ${name} twice. Keep one`);
    options.set(name, value);
  }
  const path = decodePath(uri, rest.replace(/^\/\/(?=\/)/, ""));
  return { uri, scheme: scheme.toLowerCase(), path, options };
}

/** Refuses options a scheme does not know, naming those it does. */
export function refuseOtherOptions(uri: DeviceUri, known: readonly string[]): void {
  for (const name of uri.options.keys()) {
    if (known.includes(name)) continue;
    const offer = known.length === 0 ? `${uri.scheme}: takes none` : `use ${known.join(", ")}`;
    throw unusableUri(uri.uri, `has an unknown option ${name}; ${offer}`);
  }
}

/** A whole number of seconds from the options, in milliseconds. */
export function readSeconds(uri: DeviceUri, name: string, defaultSeconds: number): number {
  const text = uri.options.get(name);
  if (text === undefined) return defaultSeconds * 1000;
  if (!/^[1-9]\d{0,4}$/.test(text)) throw unusableUri(uri.uri, `needs whole seconds in ${name}, 1 to 99999`);
  return Number(text) * 1000;
}

export function unusableUri(uri: string, problem: string): DeviceError {
  const message = `The printer's URI ${JSON.stringify(uri)} ${problem}.`;
  // An option's name or value may be anything, and a terminal would obey it.
  return new DeviceError("device-unusable", "device", message.replace(/[\0-\x1f\x7f-\x9f]/g, "?"));
}

function decodePath(uri: string, path: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    throw unusableUri(uri, "has a % that begins no escape. Write a percent sign as %25");
  }
  if (/[\0-\x1f\x7f-\x9f]/.test(decoded)) throw unusableUri(uri, "holds control characters. Remove them");
  return decoded;
}
