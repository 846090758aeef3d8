/** A time after which waiting for a printer is given up. */
import { DeviceError } from "./device.ts";

export interface Deadline {
  readonly signal: AbortSignal;
  clear(): void;
}

/**
 * Fires with a DeviceError (`stalled`) after `ms`, or with `outer`. Its owner clears it.
 * @param progress where it is given, `ms` begin anew as long as it moves: a slow line is no silent one
 */
export function setDeadline(ms: number, outer?: AbortSignal, progress?: () => number): Deadline {
  const controller = new AbortController();
  const error = new DeviceError(
    "device-aborted",
    "stalled",
    `The printer did not answer within ${ms / 1000} s.`,
  );
  let seen = progress?.();
  const look = (): void => {
    const now = progress?.();
    if (now === seen) controller.abort(error);
    else timer = setTimeout(look, ms);
    seen = now;
  };
  let timer = setTimeout(look, ms);
  const signal = outer ? AbortSignal.any([controller.signal, outer]) : controller.signal;
  return { signal, clear: () => clearTimeout(timer) };
}
