/** Which interface of a USB device is the printer. Pure. USB Printing Class 1.1, 4. */
import type { UsbAlternate, UsbPeripheral } from "./usb-bus.ts";
import type { UsbQuirks } from "./usb-quirks.ts";

const PRINTER = 7;
const VENDOR_SPECIFIC = 0xff;
const UNIDIRECTIONAL = 1;
const BIDIRECTIONAL = 2;
const IPP_OVER_USB = 4;

export interface PrinterInterface {
  readonly configuration: number;
  /** Whether the device has to be switched to that configuration first. */
  readonly isActive: boolean;
  readonly number: number;
  readonly alternate: number;
  /** Whether the interface has others: only then one is chosen by a request, which some printers cannot bear. */
  readonly hasAlternates: boolean;
  readonly out: number;
  /** The back-channel; null where there is none, or none that works. */
  readonly in: number | null;
}

/**
 * 7/1/2 before 7/1/1, the active configuration before others; IPP over USB (7/1/4) never, as it is no byte stream.
 * Null where nothing of it takes a document.
 */
export function choosePrinterInterface(device: UsbPeripheral, quirks: UsbQuirks): PrinterInterface | null {
  const found = device.configurations.flatMap(({ value, isActive, alternates }) =>
    alternates.flatMap((alternate) => {
      const rank = rankOf(alternate, quirks);
      const out = bulkEndpoint(alternate, 0x00);
      if (rank === 0 || out === null) return [];
      const chosen: PrinterInterface = {
        configuration: value,
        isActive,
        number: alternate.number,
        alternate: alternate.alternate,
        hasAlternates: alternates.filter(({ number }) => number === alternate.number).length > 1,
        out,
        in: quirks.unidirectional || rank === 1 ? null : bulkEndpoint(alternate, 0x80),
      };
      return [{ rank: rank + (isActive ? 10 : 0), chosen }];
    }),
  );
  // The first of the best: the order of the descriptors decides between equals.
  return (
    found.reduce<(typeof found)[number] | null>(
      (best, next) => (best === null || next.rank > best.rank ? next : best),
      null,
    )?.chosen ?? null
  );
}

/** Whether all it offers is IPP over USB. */
export function speaksIppOnly(device: UsbPeripheral): boolean {
  const printers = device.configurations
    .flatMap(({ alternates }) => alternates)
    .filter(({ code }) => code[0] === PRINTER);
  return printers.length > 0 && printers.every(({ code }) => code[2] === IPP_OVER_USB);
}

function rankOf({ code: [kind, subclass, protocol], endpoints }: UsbAlternate, quirks: UsbQuirks): number {
  if (kind === PRINTER && subclass === 1) {
    if (protocol === BIDIRECTIONAL) return quirks.unidirectional ? 2 : 3;
    return protocol === UNIDIRECTIONAL ? (quirks.unidirectional ? 3 : 1) : 0;
  }
  return quirks.vendorClass && kind === VENDOR_SPECIFIC && endpoints.length > 0 ? 2 : 0;
}

function bulkEndpoint({ endpoints }: UsbAlternate, direction: 0x00 | 0x80): number | null {
  return endpoints.find(({ isBulk, address }) => isBulk && (address & 0x80) === direction)?.address ?? null;
}
