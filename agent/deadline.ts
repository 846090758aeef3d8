/** A time after which waiting for a printer is given up. */
import { DeviceError } from "./device.ts";

export interface Deadline {
  readonly signal: AbortSignal;
  clear(): void;
}

/** Fires with a DeviceError (`stalled`) after `ms`, or with `outer`. Its owner clears it. */
export function setDeadline(ms: number, outer?: AbortSignal): Deadline {
  const controller = new AbortController();
  const error = new DeviceError(
    "device-aborted",
    "stalled",
    `The printer did not answer within ${ms / 1000} s.`,
  );
  const timer = setTimeout(() => controller.abort(error), ms);
  const signal = outer ? AbortSignal.any([controller.signal, outer]) : controller.signal;
  return { signal, clear: () => clearTimeout(timer) };
}
