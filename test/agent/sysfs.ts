/** A folder that looks like Linux's /sys and /dev as far as printers are concerned. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface FakeInterface {
  readonly class?: string;
  readonly protocol: string;
  readonly driver?: string;
  readonly lp?: string;
  readonly deviceId?: string;
}

export interface FakePrinter {
  readonly place: string;
  readonly ids?: readonly [vendor: string, product: string];
  readonly serial?: string;
  readonly names?: readonly [maker: string, model: string];
  readonly interfaces: readonly FakeInterface[];
}

export class Sysfs {
  readonly root = mkdtempSync(join(tmpdir(), "platen-sysfs-"));

  plug({
    place,
    ids = ["04b8", "0e15"],
    serial,
    names = ["EPSON", "TM-T20II"],
    interfaces,
  }: FakePrinter): void {
    const device = this.#folder("sys/bus/usb/devices", place);
    const attributes = { idVendor: ids[0], idProduct: ids[1], busnum: "1", devnum: "5", serial };
    const named = { manufacturer: names[0], product: names[1] };
    for (const [name, value] of Object.entries({ ...attributes, ...named })) {
      if (value !== undefined) writeFileSync(join(device, name), `${value}\n`);
    }
    for (const [number, one] of interfaces.entries()) {
      const folder = this.#folder("sys/bus/usb/devices", `${place}:1.${number}`);
      writeFileSync(join(folder, "bInterfaceClass"), `${one.class ?? "07"}\n`);
      writeFileSync(join(folder, "bInterfaceProtocol"), `${one.protocol}\n`);
      if (one.driver) symlinkSync(`../../../bus/usb/drivers/${one.driver}`, join(folder, "driver"));
      if (one.lp) this.#folder("sys/bus/usb/devices", `${place}:1.${number}`, "usbmisc", one.lp);
      if (one.deviceId) writeFileSync(join(folder, "ieee1284_id"), one.deviceId);
    }
  }

  plugSerial(name: string, node: string): void {
    symlinkSync(`../../${node}`, join(this.#folder("dev/serial/by-id"), name));
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }

  #folder(...parts: string[]): string {
    const folder = join(this.root, ...parts);
    mkdirSync(folder, { recursive: true });
    return folder;
  }
}
