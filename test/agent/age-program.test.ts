/** What other people's program sealed opens here. */
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { Keeping, OTP } from "./keeping.ts";

const hasAge = spawnSync("age", ["--version"]).status === 0;

test("in CI the age program is there", () => {
  expect(hasAge || process.env.CI !== "true").toBe(true);
});

test.skipIf(!hasAge)("a job sealed by the age program is held and prints byte for byte", async () => {
  const keeping = await Keeping.open();
  for (const [n, size] of [0, 1, 65_536 - 25, 200_000].entries()) {
    const document = randomBytes(size);
    const input = Buffer.concat([Buffer.from(`{"v":1,"otp":"${OTP}"}\n`), document]);
    const sealed = execFileSync("age", ["-r", keeping.keys.recipient], { input });
    expect(await keeping.submit({ job: `by-age-00${n}`, sealed, manifest: {} })).toBe("held");
    expect(await keeping.enter()).toMatchObject({ kind: "released", jobs: 1 });
    await keeping.destroyed(n + 1);
    expect(keeping.printer.received.equals(document)).toBe(true);
  }
  await keeping.close();
});
