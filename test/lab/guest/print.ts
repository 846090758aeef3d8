/** In the guest: prints pseudo-random bytes on a device, and tells as JSON what became of them. */
import { DeviceError } from "../../../agent/device.ts";
import { openDevice } from "../../../agent/open-device.ts";
import { documentOf } from "../document.ts";

const [uri = "", size = "0"] = process.argv.slice(2);
const document = documentOf(Number(size));
try {
  const device = await openDevice(uri);
  const before = await device.status();
  const reader = device.read()[Symbol.asyncIterator]();
  const heard = reader.next();
  try {
    for (let at = 0; at < document.length; at += 65_536)
      await device.write(document.subarray(at, at + 65_536));
    await device.drain();
    // The printer answers behind the document, where it answers at all.
    const answer = process.argv.includes("--hear") ? ((await heard).value ?? []) : [];
    tell({ outcome: "drained", status: before, heard: [...answer], lineErrors: device.lineErrors });
  } catch (cause) {
    if (process.argv.includes("--status")) tell({ status: await device.status() });
    throw cause;
  } finally {
    await device.close();
  }
} catch (cause) {
  if (!(cause instanceof DeviceError)) throw cause;
  const { code, reason, taken, message } = cause;
  tell({ outcome: "failed", code, reason, taken, message });
}

function tell(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
