/** Report descriptors, byte by byte. */

/** HID 1.11, appendix E.6: the boot keyboard. Many plain keypads carry the same. */
export const BOOT_KEYBOARD = hex(`
  05 01 09 06 a1 01 05 07 19 e0 29 e7 15 00 25 01 75 01 95 08 81 02 95 01 75 08 81 01 95 05 75 01
  05 08 19 01 29 05 91 02 95 01 75 03 91 01 95 06 75 08 15 00 25 65 05 07 19 00 29 65 81 00 c0`);

/** A keypad that is honest: usages 53h to 63h, six at once, no modifiers. */
export const NUMPAD = hex("05 01 09 07 a1 01 05 07 19 53 29 63 15 53 25 63 75 08 95 06 81 00 c0");

/** A keypad with one bit for each of its keys (as many as fingers), behind report id 2. */
export const BITMAP_NUMPAD = hex(
  "05 01 09 07 a1 01 85 02 05 07 19 53 29 63 15 00 25 01 75 01 95 11 81 02 75 07 95 01 81 01 c0",
);

/** A mouse (HID 1.11, appendix E.10). */
export const MOUSE = hex(`
  05 01 09 02 a1 01 09 01 a1 00 05 09 19 01 29 03 15 00 25 01 95 03 75 01 81 02 95 01 75 05 81 01
  05 01 09 30 09 31 15 81 25 7f 75 08 95 02 81 06 c0 c0`);

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replace(/\s+/g, ""), "hex"));
}
