/** Where the udev rule lies that gives the agent's user its keypads and pins, and the sentence that says to install it. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const UDEV_RULE_NAME = "70-platen.rules";

/** Beside the sources, or one folder further up in an installed copy (dist/), or right here in a bundle. */
function findRule(): string {
  const places = ["../deploy/udev/", "../../deploy/udev/", "./"].map((folder) =>
    fileURLToPath(new URL(folder + UDEV_RULE_NAME, import.meta.url)),
  );
  return places.find((file) => existsSync(file)) ?? `deploy/udev/${UDEV_RULE_NAME}`;
}

/** What a technician types, as root. */
export function wordUdevRemedy(): string {
  return `As root: cp ${findRule()} /etc/udev/rules.d/ && udevadm control --reload && udevadm trigger; then plug it in again.`;
}
