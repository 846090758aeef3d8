import { randomBytes } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { Keeping, OTP } from "./keeping.ts";

let keeping: Keeping;
afterEach(() => keeping.close());

test("a document arrives, waits, prints on its OTP, and leaves nothing behind", async () => {
  keeping = await Keeping.open();
  const document = randomBytes(300_000);
  expect(await keeping.submit({ document, manifest: { name: "secret.pdf" } })).toBe("held");
  expect(keeping.keeper.held()).toBe(1);
  expect(keeping.spooled()).toHaveLength(1);
  keeping.keeper.release.prepare(OTP);
  expect(await keeping.enter()).toEqual({ kind: "released", jobs: 1, waiting: false });
  await keeping.destroyed();
  expect(keeping.printer.received.equals(document)).toBe(true);
  expect(keeping.states()).toEqual(["arriving", "held", "releasing", "printing", "delivered"]);
  expect(keeping.last()).toMatchObject({ final: true, bytes: 300_000, printer: "lobby" });
  expect(keeping.spooled()).toEqual([]);
  expect(keeping.keeper.reputAll()).toEqual([]);
  expect(keeping.timings.map(({ step }) => step)).toEqual([
    "entered",
    "first-byte",
    "last-byte",
    "destroyed",
  ]);
  expect(await keeping.enter()).toEqual({ kind: "not-accepted" });
});

test("a document printed after a restart: its share comes from the escrow", async () => {
  keeping = await Keeping.open();
  const document = randomBytes(100_000);
  await keeping.submit({ document });
  await keeping.restart();
  expect(keeping.keeper.reputAll()).toEqual([]);
  expect(await keeping.enter()).toMatchObject({ kind: "released" });
  await keeping.destroyed();
  expect(keeping.printer.received.equals(document)).toBe(true);
});
