/** A keyboard's LEDs through `node-hid`, on a handle of their own beside the one its keys are read from. */
import { findHid, loadHidSystem, parseHidMatch } from "./hid.ts";
import type { LedHandle, OpenLedHandle } from "./leds.ts";

/** The LEDs of a `hid:` keypad. A keyboard that somebody else holds alone has none for us. */
export function openHidLeds(uri: string): OpenLedHandle {
  const match = parseHidMatch(uri.replace(/^hid:/, ""));
  return async () => {
    if (match === null) return null;
    const hid = await loadHidSystem();
    const path = findHid(match, await hid.devicesAsync());
    if (path === null) return null;
    const { HIDAsync } = await import("node-hid");
    const device = await HIDAsync.open(path);
    // Its reports are the keypad's business; without a listener its errors would end the program.
    device.on("error", () => undefined);
    return { write: (report) => device.write(report), close: () => device.close() } satisfies LedHandle;
  };
}
