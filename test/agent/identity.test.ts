import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BOOT_SHARE_BYTES,
  drawBytes,
  generateSecrets,
  openSecrets,
  recipientOf,
  sealSecrets,
} from "../../agent/identity.ts";
import { createHeader, openHeader } from "../../wire/age-header.ts";

const damaged = expect.objectContaining({ code: "identity-damaged" });

describe("identity", () => {
  test("comes back whole under its boot share, and opens what is sealed to it", async () => {
    const secrets = await generateSecrets();
    const share = drawBytes(BOOT_SHARE_BYTES);
    const opened = openSecrets(sealSecrets(secrets, share), share);
    expect(opened).toEqual(secrets);
    expect([opened.deviceSecret.length, opened.deviceSalt.length]).toEqual([32, 16]);
    const { header, fileKey } = await createHeader([await recipientOf(secrets)]);
    expect(await openHeader(header, opened.identity)).toEqual(fileKey);
  });

  test("another's share, a share of another length and an empty file open nothing", async () => {
    const secrets = await generateSecrets();
    const share = drawBytes(BOOT_SHARE_BYTES);
    const sealed = sealSecrets(secrets, share);
    expect(() => openSecrets(sealed, drawBytes(BOOT_SHARE_BYTES))).toThrow(damaged);
    expect(() => openSecrets(sealed, share.subarray(1))).toThrow(damaged);
    expect(() => openSecrets(new Uint8Array(0), share)).toThrow(damaged);
  });

  test("any changed or missing byte is found", async () => {
    const secrets = await generateSecrets();
    const share = drawBytes(BOOT_SHARE_BYTES);
    const sealed = sealSecrets(secrets, share);
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(sealed);
        changed[at] = (changed[at] as number) ^ flip;
        expect(() => openSecrets(changed, share)).toThrow(damaged);
        expect(() => openSecrets(sealed.subarray(0, at), share)).toThrow(damaged);
      }),
    );
  });

  test("what lies on the card holds nothing of the secrets, and never the same bytes twice", async () => {
    const secrets = await generateSecrets();
    const share = drawBytes(BOOT_SHARE_BYTES);
    const sealed = Buffer.from(sealSecrets(secrets, share));
    for (const secret of [secrets.deviceSecret, secrets.deviceSalt, Buffer.from(secrets.identity), share]) {
      expect(sealed.includes(Buffer.from(secret).subarray(0, 16))).toBe(false);
    }
    expect(sealed.equals(sealSecrets(secrets, share))).toBe(false);
  });
});
