import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLog } from "../../agent/log.ts";
import { type SetupRoom, setUpAgent } from "../../agent/setup.ts";
import { readReport, type SetupOrder } from "../../agent/setup-handover.ts";
import { formatCode, parseCode } from "../../wire/code.ts";
import { CLAIM } from "./claim.ts";

let dir = "";
const phases: unknown[] = [];
const stop = { signal: AbortSignal.abort(new Error("told to stop")) };

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "platen-setup-"));
  mkdirSync(join(dir, "data"));
  phases.length = 0;
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const room = (): SetupRoom => ({
  dataDir: join(dir, "data"),
  broker: null,
  reports: dir,
  session: { setPhase: (phase) => phases.push(phase) },
  log: openLog("info", { write: () => {} }),
  ...stop,
});
const order = (given: Partial<SetupOrder>): SetupOrder => ({ v: 1, claim: null, problem: null, ...given });

describe("a machine that is enrolled", () => {
  beforeEach(() => {
    const record = {
      v: 1,
      agent: "lobby",
      address: "print.example.org",
      printers: ["lobby"],
      recipient: `age1${"q".repeat(58)}`,
      fleet: "",
      code: "0123456789abcdef",
    };
    writeFileSync(join(dir, "data", "enrolment.json"), JSON.stringify(record));
  });

  it.each([
    ["with its own code again", { claim: CLAIM }],
    ["without any", {}],
  ])("%s: the card may forget it", async (_name, given) => {
    await setUpAgent(order(given), room());
    expect(readReport(dir)).toEqual({ v: 1, enrolled: true, problem: null });
    expect(phases).toEqual([]);
  });

  it("with another code: stays what it is, says so, and leaves the code alone", async () => {
    const claim = parseCode("claim", CLAIM);
    if (claim === null) throw new Error("no code");
    await setUpAgent(order({ claim: formatCode({ ...claim, id: "fedcba9876543210" }) }), room());
    expect(readReport(dir)).toEqual({
      v: 1,
      enrolled: false,
      problem:
        "This card is the agent “lobby” already, and stays it. To use the new claim code, flash the card anew.",
    });
  });

  it("with a mistake in the file: serves on, and the card says what is wrong", async () => {
    await setUpAgent(order({ problem: "platen.toml, line 2: ..." }), room());
    expect(readReport(dir)).toEqual({ v: 1, enrolled: false, problem: "platen.toml, line 2: ..." });
  });

  it("with nothing to set up: reports nothing", async () => {
    await setUpAgent(null, room());
    expect(readReport(dir)).toBeNull();
  });
});

it("a card that nobody could read is asked to be flashed anew, until somebody ends it", async () => {
  await expect(setUpAgent(null, room())).rejects.toThrow("told to stop");
  expect(readReport(dir)?.problem).toBe(
    "The card cannot be read. Flash it anew; if that does not help, take another card.",
  );
  expect(phases).toMatchObject([{ stuck: { step: "power" } }]);
});
