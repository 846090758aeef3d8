import { USB_QUIRKS } from "./usb-quirks.table.ts";

/** What is to be done differently for a device. */
export interface UsbQuirks {
  /** Says it can speak, and must not be listened to. */
  readonly unidirectional: boolean;
  /** Its interface is of the vendor's class (255), not of class 7. */
  readonly vendorClass: boolean;
  /** Does not print any more once the kernel's driver had it back. */
  readonly noReattach: boolean;
  /** Needs a soft reset behind every job. */
  readonly softReset: boolean;
  /** Loses the end of a job when it is let go at once. */
  readonly delayClose: boolean;
  /** Prints nothing that is sent to it as bytes. */
  readonly refused: boolean;
}

export type UsbQuirk = keyof UsbQuirks;

/** The rows of the product and of its maker together. */
export function quirksOf(vendorId: number, productId: number): UsbQuirks {
  const named = new Set(
    USB_QUIRKS.filter((row) => row.vendor === vendorId && (row.product ?? productId) === productId).flatMap(
      ({ quirks }) => quirks,
    ),
  );
  return {
    unidirectional: named.has("unidirectional"),
    vendorClass: named.has("vendorClass"),
    noReattach: named.has("noReattach"),
    softReset: named.has("softReset"),
    delayClose: named.has("delayClose"),
    refused: named.has("refused"),
  };
}
