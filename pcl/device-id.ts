/** IEEE 1284 device ids: what a printer says of itself over USB or a parallel port, `MFG:...;MDL:...;CMD:...;`. */
export interface DeviceId {
  readonly maker: string | null;
  readonly model: string | null;
  readonly serial: string | null;
  /** Command sets in capitals, as the printer names them; empty where it does not say. */
  readonly commandSets: readonly string[];
  /** Every key in capitals, with its value; the first where a key stands twice. */
  readonly fields: ReadonlyMap<string, string>;
}

const ID_BYTES_MAX = 8192;
const FIELDS_MAX = 64;

/**
 * Tolerant, as printers are careless: with or without the two length bytes, in either order, counting themselves or
 * not, or simply wrong; long and short keys; spaces, missing last semicolons, zeros and rubbish behind the end.
 *
 * @returns `null` where there is no key at all
 */
export function parseDeviceId(bytes: Uint8Array): DeviceId | null {
  const fields = new Map<string, string>();
  for (const part of textOf(bytes).split(";")) {
    const at = part.indexOf(":");
    const key = part.slice(0, Math.max(0, at)).trim().replace(/\s+/g, " ").toUpperCase();
    if (key !== "" && !fields.has(key) && fields.size < FIELDS_MAX)
      fields.set(key, part.slice(at + 1).trim());
  }
  if (fields.size === 0) return null;
  const commandSets = (pick(fields, "CMD", "COMMAND SET", "COMMANDSET") ?? "")
    .split(",")
    .map((name) => name.trim().toUpperCase())
    .filter((name) => name !== "");
  return {
    maker: pick(fields, "MFG", "MANUFACTURER"),
    model: pick(fields, "MDL", "MODEL"),
    serial: pick(fields, "SN", "SERN", "SERIALNUMBER", "SERIAL NUMBER"),
    commandSets,
    fields,
  };
}

function pick(fields: ReadonlyMap<string, string>, ...keys: string[]): string | null {
  for (const key of keys) {
    const value = fields.get(key);
    if (value !== undefined && value !== "") return value;
  }
  return null;
}

/** The text without its length, up to what is surely not text any more. */
function textOf(bytes: Uint8Array): string {
  const [first = 0, second = 0] = bytes;
  const hasLength = first < 0x20 || second < 0x20;
  const body = bytes.subarray(hasLength ? 2 : 0, ID_BYTES_MAX);
  const end = body.findIndex((byte) => byte === 0 || byte === 0xff);
  const text = String.fromCharCode(...(end < 0 ? body : body.subarray(0, end)));
  const declared = hasLength ? declaredLength(first, second, text.length) : text.length;
  // Too short a length is a wrong one where the text goes on as an id does; else what follows is an old answer's rest.
  const tail = text.slice(declared);
  return /^[^:;]*:[^:;]*;/.test(tail) || !text.slice(0, declared).trimEnd().endsWith(";")
    ? text
    : text.slice(0, declared);
}

/** The standard: most significant byte first, itself included. */
function declaredLength(first: number, second: number, available: number): number {
  const standard = first * 256 + second - 2;
  return standard > 0 && standard <= available ? standard : available;
}
