/** USB descriptors (USB 2.0, 9.6) for the emulated devices, and usbredir's tables made from them. */

/** `release` is the device's own, in BCD: drivers tell chips apart by it. */
export function deviceDescriptor(vendorId: number, productId: number, release = 0x0100): Buffer {
  const bytes = Buffer.from([18, 1, 0, 2, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 1, 2, 3, 1]);
  bytes.writeUInt16LE(vendorId, 8);
  bytes.writeUInt16LE(productId, 10);
  bytes.writeUInt16LE(release, 12);
  return bytes;
}

export function configurationDescriptor(...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const interfaces = new Set(parts.filter((part) => part[1] === 4).map((part) => part[2]));
  const head = Buffer.from([9, 2, 0, 0, interfaces.size, 1, 0, 0xc0, 1]);
  head.writeUInt16LE(head.length + body.length, 2);
  return Buffer.concat([head, body]);
}

export interface InterfaceCode {
  readonly number: number;
  readonly alternate: number;
  readonly endpoints: number;
  /** Class, subclass, protocol. */
  readonly code: readonly [number, number, number];
}

export function interfaceDescriptor({ number, alternate, endpoints, code }: InterfaceCode): Buffer {
  return Buffer.from([9, 4, number, alternate, endpoints, ...code, 0]);
}

export function endpointDescriptor(
  address: number,
  kind: "bulk" | "interrupt",
  packetBytes: number,
  interval = 0,
): Buffer {
  const bytes = Buffer.from([7, 5, address, kind === "bulk" ? 2 : 3, 0, 0, interval]);
  bytes.writeUInt16LE(packetBytes, 4);
  return bytes;
}

/** usbredir's `interface_info` and `ep_info` of alternate setting 0 of every interface. */
export function listInterfaces(configuration: Buffer): { interfaces: Buffer; endpoints: Buffer } {
  const interfaces = Buffer.alloc(4 + 4 * 32);
  // Types (255: none), intervals, interfaces, packet sizes; OUT endpoints first, IN from 16.
  const endpoints = Buffer.alloc(32 * 3 + 64);
  endpoints.fill(255, 0, 32);
  for (const control of [0, 16]) {
    endpoints[control] = 0;
    endpoints.writeUInt16LE(64, 96 + control * 2);
  }
  let count = 0;
  let isFirstAlternate = false;
  for (let at = 0; at < configuration.length; at += configuration[at] ?? configuration.length) {
    const part = configuration.subarray(at);
    if (part[1] === 4) {
      isFirstAlternate = part[3] === 0;
      if (isFirstAlternate) {
        for (const [row, field] of [2, 5, 6, 7].entries())
          interfaces[4 + row * 32 + count] = part[field] ?? 0;
        count += 1;
      }
    } else if (part[1] === 5 && isFirstAlternate) {
      const address = part[2] ?? 0;
      const index = ((address & 0x80) >> 3) | (address & 0x0f);
      endpoints[index] = (part[3] ?? 0) & 3;
      endpoints[32 + index] = part[6] ?? 0;
      endpoints[64 + index] = interfaces[4 + count - 1] ?? 0;
      endpoints.writeUInt16LE(part.readUInt16LE(4), 96 + index * 2);
    }
  }
  interfaces.writeUInt32LE(count, 0);
  return { interfaces, endpoints };
}
