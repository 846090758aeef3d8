/** Somebody at the keypad who takes their time: digits and Enter through the named pipe of a `pipe:` keypad. */
import { open } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";

const FIRST_KEY_MS = 600;
const KEY_MS = 130;

/** Types `digits` and Enter at a human pace; resolves after Enter. The pipe must have its reader already. */
export async function typeAtKeypad(pipe: string, digits: string, signal: AbortSignal): Promise<void> {
  const keys = await open(pipe, "w");
  try {
    await pause(FIRST_KEY_MS, undefined, { signal });
    for (const digit of digits) {
      await keys.write(digit);
      await pause(KEY_MS, undefined, { signal });
    }
    await keys.write("\n");
  } finally {
    await keys.close();
  }
}
