/** sysfs as the kernel lays it out, in a temporary folder. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { interfaceOfNode, listHidInterfaces } from "../../keypad/hid-census.ts";
import { NUMPAD } from "./descriptors.ts";

let root = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "census-"));
  await addInterface("1-1.4", "1-1.4:1.0", { class: "03", protocol: "01", hid: "0003:05FE:1010.0001" });
  await addInterface("1-2", "1-2:1.1", { class: "03", protocol: "01" });
  await addInterface("1-3", "1-3:1.0", { class: "07", protocol: "02" });
  await mkdir(join(root, "bus/usb/devices/usb1"), { recursive: true });
  const child = join(root, "bus/usb/devices/1-1.4:1.0/0003:05FE:1010.0001");
  await writeFile(join(child, "report_descriptor"), NUMPAD);
  await mkdir(join(root, "class/hidraw/hidraw0"), { recursive: true });
  await symlink(child, join(root, "class/hidraw/hidraw0/device"));
  await writeFile(join(root, "hidraw0"), "");
  await symlink(join(root, "hidraw0"), join(root, "keypad"));
});
afterAll(() => rm(root, { recursive: true }));

async function addInterface(
  port: string,
  name: string,
  is: { class: string; protocol: string; hid?: string },
): Promise<void> {
  const bus = join(root, "bus/usb/devices");
  await mkdir(join(bus, port), { recursive: true });
  await writeFile(join(bus, port, "idVendor"), "05fe\n");
  await writeFile(join(bus, port, "idProduct"), "1010\n");
  await mkdir(join(bus, name), { recursive: true });
  await writeFile(join(bus, name, "bInterfaceClass"), `${is.class}\n`);
  await writeFile(join(bus, name, "bInterfaceProtocol"), `${is.protocol}\n`);
  if (is.hid === undefined) return;
  await mkdir(join(bus, name, is.hid));
  await writeFile(join(bus, name, "driver"), "");
}

it("lists keyboards and keypads with what they can type, opening none", async () => {
  const ids = { vendorId: 0x05fe, productId: 0x1010, isBootKeyboard: true };
  const found = await listHidInterfaces(root);
  expect(found).toMatchObject([
    { ...ids, path: "1-1.4:1.0", hasDriver: true },
    { ...ids, path: "1-2:1.1", hasDriver: false, descriptor: null },
  ]);
  expect(Buffer.from(found[0]?.descriptor ?? []).equals(NUMPAD)).toBe(true);
  expect(await listHidInterfaces(join(root, "nowhere"))).toEqual([]);
});

it("knows the interface behind a device node and behind a link of a udev rule", async () => {
  expect(await interfaceOfNode(join(root, "hidraw0"), root)).toBe("1-1.4:1.0");
  expect(await interfaceOfNode(join(root, "keypad"), root)).toBe("1-1.4:1.0");
  expect(await interfaceOfNode(join(root, "hidraw1"), root)).toBeNull();
});
