import { describe, expect, test } from "vitest";
import { Accountant, account } from "../../escpos/account.ts";
import { encoderFor } from "../../escpos/encoder.ts";
import { renderImage } from "../../escpos/image-render.ts";
import { profileOf } from "../../escpos/profiles.ts";
import { readmeReceipt, scenes } from "./scenes.ts";
import { bytesOf, ESC } from "./vectors.ts";

const T20 = profileOf("TM-T20II")!;

describe("a receipt by hand", () => {
  const bytes = encoderFor(T20)
    .initialise()
    .line("one")
    .line("two")
    .feed(3)
    .image({ width: 8, height: 50, data: new Uint8Array(400) })
    .pulse()
    .cut("full")
    .bytes();

  test("is counted", () => {
    expect(account(bytes, T20)).toEqual({
      lines: 3,
      characters: 6,
      images: 1,
      codes: 0,
      cuts: 1,
      pulses: 1,
      paperDots: 30 + 30 + 90 + 50,
      paperMillimetres: (200 * 25.4) / 203,
      unknownBytes: 0,
    });
  });

  test("in any pieces", () => {
    const accountant = new Accountant(T20);
    for (const byte of bytes) accountant.push(Uint8Array.of(byte));
    expect(accountant.end()).toEqual(account(bytes, T20));
  });
});

test("paper agrees with the picture, for every scene", () => {
  for (const { bytes, profile } of scenes()) {
    const { bitmap } = renderImage(bytes, profile, { marks: false });
    expect(Math.max(1, account(bytes, profile).paperDots)).toBe(bitmap.height);
  }
});

test("codes and cuts of the README's receipt", () => {
  expect(account(readmeReceipt(), T20)).toMatchObject({ images: 2, codes: 2, cuts: 1, unknownBytes: 0 });
});

test("units: half dots on Epson's, dots where no standard is followed; millimetres only where the dpi is known", () => {
  const feed = bytesOf(ESC, "J", 100);
  expect(account(feed, T20).paperDots).toBe(50);
  expect(account(feed, profileOf("POS-5890")!).paperDots).toBe(100);
  expect(account(feed, profileOf("default")!).paperMillimetres).toBeNull();
});

test("paper fed back is still used, and what is printed there lies over it", () => {
  const bytes = bytesOf("a", 10, ESC, "e", 1, "b", 10, ESC, "J", 200, ESC, "K", 100);
  expect(account(bytes, T20)).toMatchObject({ lines: 2, paperDots: 130 });
  const over = renderImage(bytes, T20, { marks: false }).bitmap;
  const first = renderImage(bytesOf("a", 10), T20, { marks: false }).bitmap;
  expect(over.data.subarray(0, first.data.length).some((byte, at) => byte !== first.data[at])).toBe(true);
});

test("what cannot be read is counted", () => {
  expect(account(bytesOf(ESC, "~", "ok", 10), T20).unknownBytes).toBe(2);
});
