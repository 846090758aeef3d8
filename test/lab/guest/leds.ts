/** In the guest: a panel on a keypad's LEDs, taken through three states. */
import { setTimeout as pause } from "node:timers/promises";
import { configSchema } from "../../../agent/config.ts";
import { openPanel } from "../../../agent/open-panel.ts";
import { loadHidSystem } from "../../../keypad/hid.ts";
import { lendHandles } from "../../../keypad/hid-leds.ts";
import { openKeypad } from "../../../keypad/open-keypad.ts";

const [uri = ""] = process.argv.slice(2);
const { hid, open } = lendHandles(await loadHidSystem());
const attached = Promise.withResolvers<void>();
const keypad = await openKeypad(
  uri,
  {
    onKey: () => undefined,
    onCondition: (condition) => {
      if (condition === "attached") attached.resolve();
    },
  },
  { hid, pollMs: 200 },
);
await attached.promise;
const { panel: settings } = configSchema.parse({ panel: { kind: "auto", keyboardLeds: true } });
const panel = await openPanel(
  settings,
  { onUnusable: () => undefined, onTamper: () => undefined },
  { isTerminal: false, leds: open },
);
panel.show({ kind: "ready", held: 0 });
await pause(1000);
panel.show({ kind: "not-accepted" });
await pause(3000);
panel.show({ kind: "printer-care", printer: "lobby", reason: "paper" });
await pause(1000);
await panel.close();
await keypad.close();
