/**
 * A keyboard's LEDs through the very handle its keys are read from: the keypad is ours alone, and a second handle would
 * be refused.
 */
import type { HidHandle, HidSystem } from "./hid.ts";
import type { LedHandle, OpenLedHandle } from "./leds.ts";

/** What `node-hid` has beside what keypads need. */
type WritableHandle = HidHandle & Pick<LedHandle, "write">;

/**
 * The same system, which lends the handle it opened last to whoever sets LEDs. `open` resolves to null while no
 * keyboard is open, or it takes no reports. Closing what was lent gives it back; it stays the keypad's.
 */
export function lendHandles(hid: HidSystem): { readonly hid: HidSystem; readonly open: OpenLedHandle } {
  const handles = new Set<WritableHandle>();
  return {
    hid: {
      devicesAsync: () => hid.devicesAsync(),
      open: async (path) => {
        const handle = await hid.open(path);
        if (!canWrite(handle)) return handle;
        handles.add(handle);
        handle.on("error", () => handles.delete(handle));
        return {
          on: handle.on.bind(handle),
          close: async () => {
            handles.delete(handle);
            await handle.close();
          },
        };
      },
    },
    open: async () => {
      const handle = [...handles].at(-1);
      if (handle === undefined) return null;
      return { write: (report) => handle.write(report), close: async () => undefined };
    },
  };
}

function canWrite(handle: HidHandle): handle is WritableHandle {
  return "write" in handle && typeof handle.write === "function";
}
