/** The contract of every device, on the kernel's own USB stack. Runs in the guest; see `test/lab/contract.test.ts`. */
import { readFileSync } from "node:fs";
import { openDevice } from "../../../agent/open-device.ts";
import { describeDevice, type Rig } from "../../agent/device-contract.ts";
import { askHost } from "./host.ts";

const traits = { stalls: true, speaks: true, vanishes: true };
describeDevice("usb: on xHCI", traits, () => openRig("usb:04b8:0e15"));
describeDevice("lp: on usblp", traits, () => openRig("lp:/dev/usb/lp0"));

async function openRig(uri: string): Promise<Rig> {
  askHost("plug-in");
  return {
    device: await openDevice(uri),
    received: async () => readFileSync(askHost("received")),
    say: (bytes) => void askHost(`say ${Buffer.from(bytes).toString("hex")}`),
    stall: () => void askHost("stall"),
    resume: () => void askHost("resume"),
    vanish: () => void askHost("vanish"),
    dispose: () => undefined,
  };
}
