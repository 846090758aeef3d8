import { expect, test } from "vitest";
import type { Device, LineErrors } from "../../agent/device.ts";
import { OpenPrinter } from "../../agent/open-printer.ts";
import { FakePrinter } from "./fake-device.ts";

test("what came damaged over its line is told at the end, once", async () => {
  const fake = await new FakePrinter().open();
  const told: LineErrors[] = [];
  const tell = async (lineErrors: LineErrors | null): Promise<void> => {
    const device = Object.assign(Object.create(fake) as Device, { close: async () => undefined });
    Object.defineProperty(device, "lineErrors", { value: lineErrors });
    const onLineErrors = (errors: LineErrors): void => void told.push(errors);
    const manners = { answers: true, confirms: null };
    const printer = new OpenPrinter(device, {
      status: "none",
      manners,
      now: () => 0,
      onStatus: () => undefined,
      onLineErrors,
    });
    await printer.dispose();
  };
  await tell(null);
  await tell({ damagedBytes: 0, breaks: 0 });
  expect(told).toEqual([]);
  await tell({ damagedBytes: 2, breaks: 1 });
  expect(told).toEqual([{ damagedBytes: 2, breaks: 1 }]);
  await fake.close();
});
