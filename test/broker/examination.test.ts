import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openAuthority } from "../../broker/authority.ts";
import { startBroker } from "../../broker/broker.ts";
import { configSchema } from "../../broker/config.ts";
import {
  checkAddress,
  checkFleetKey,
  checkServerCertificate,
  examineBroker,
  judgeStatus,
} from "../../broker/examination.ts";
import { createFleetFiles } from "../../broker/fleet.ts";
import type { Diagnosis } from "../../wire/diagnosis.ts";

const DAY_MS = 86_400_000;

let dataDir = "";
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "platen-examination-"));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const config = (over: object = {}) => configSchema.parse({ dataDir, address: "127.0.0.1:8883", ...over });

async function examine(over: object = {}): Promise<Diagnosis[]> {
  const found: Diagnosis[] = [];
  for await (const diagnosis of examineBroker(config(over))) found.push(diagnosis);
  return found;
}

describe("the examination of a broker", () => {
  it("of one that runs: what it says, and the key beside it", async () => {
    const settings = config({ listen: { host: "127.0.0.1", port: 0 } });
    const broker = await startBroker(settings, { write: () => undefined });
    try {
      const found = await examine();
      expect(found.map(({ check, verdict }) => [check, verdict])).toEqual([
        ["broker", "good"],
        ["address", "note"],
        ["fleet key", "note"],
      ]);
      expect(found.at(-1)?.what).toMatch(/beside the broker/);
    } finally {
      await broker.close();
    }
  });

  it("of one that does not: how to start it", async () => {
    const [first] = await examine();
    expect(first).toMatchObject({ check: "broker", verdict: "bad" });
    expect(first?.remedy).toMatch(/systemctl start platen-broker/);
  });
});

describe("its parts", () => {
  it("takes over the broker's own warnings: sentence and remedy", () => {
    const at = 1;
    const found = [
      ...judgeStatus({
        address: "a:1",
        uptimeSeconds: 7200,
        counts: {} as never,
        warnings: [
          { kind: "list-ending", subject: "lobby", at, sentence: "It ends soon. Sign it again." },
          { kind: "list-failed", subject: "lobby", at, sentence: "It cannot be signed." },
        ],
      }),
    ];
    expect(found).toEqual([
      expect.objectContaining({ verdict: "good", what: "It has been running for 2 h and is known as a:1." }),
      { check: "list ending (lobby)", verdict: "note", what: "It ends soon.", remedy: "Sign it again." },
      {
        check: "list failed (lobby)",
        verdict: "bad",
        what: "It cannot be signed.",
        remedy: "See platen status.",
      },
    ]);
  });

  it("the fleet key: beside, on the same machine, elsewhere", () => {
    expect(checkFleetKey(config()).verdict).toBe("good");
    createFleetFiles(join(dataDir, "fleet"));
    expect(checkFleetKey(config()).what).toMatch(/beside the broker/);
    const other = mkdtempSync(join(tmpdir(), "platen-fleet-"));
    copyFileSync(join(dataDir, "fleet", "fleet.key"), join(other, "k"));
    expect(checkFleetKey(config({ fleet: { key: join(other, "k") } })).what).toMatch(
      /on the broker's machine/,
    );
    rmSync(other, { recursive: true });
  });

  it("the certificate: none yet, good, ending, over, damaged", async () => {
    expect(checkServerCertificate(config(), Date.now())).toBeNull();
    await openAuthority(dataDir, config(), () => Math.floor(Date.now() / 1000));
    const later = (days: number) => checkServerCertificate(config(), Date.now() + days * DAY_MS)?.verdict;
    expect([later(0), later(350), later(400)]).toEqual(["good", "note", "bad"]);
    mkdirSync(join(dataDir, "ca"), { recursive: true });
    writeFileSync(join(dataDir, "ca", "server.pem"), "rubbish");
    expect(later(0)).toBe("bad");
  });

  it("the address: known, this machine's alone, unknown", async () => {
    const found = (ip: string) =>
      checkAddress("platen:8883", (async () => ({ address: ip, family: 4 })) as never);
    expect((await found("192.0.2.1")).verdict).toBe("good");
    expect((await found("127.0.1.1")).verdict).toBe("note");
    const nowhere = (async () => Promise.reject(new Error("ENOTFOUND"))) as never;
    expect((await checkAddress("platen:8883", nowhere)).verdict).toBe("bad");
  });
});
