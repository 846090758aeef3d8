import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { overwriteClaims, PROBLEM_FILE, readSetupFile, tellProblem } from "../../agent/setup-card.ts";
import { readOrder, writeReport } from "../../agent/setup-handover.ts";
import { applySetup, settleSetup } from "../../agent/setup-root.ts";
import { formatTemplate } from "../../agent/setup-template.ts";
import { CLAIM } from "./claim.ts";

let root = "";
const at = (...parts: string[]) => join(root, ...parts);
const places = () => ({ card: at("card"), out: at("out"), orders: at("orders") });
const onCard = (name: string, content: string | Uint8Array) => writeFileSync(at("card", name), content);
const FILE = `claim = "${CLAIM}"\r\n[wifi]\r\nname = "Büro"\r\npassword = "12345678"\r\ncountry = "DE"\r\n`;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "platen-card-"));
  for (const folder of ["card", "orders", "reports"]) mkdirSync(at(folder));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("the claim code on the card", () => {
  it.each([
    ["UTF-8", Buffer.from(FILE)],
    ["UTF-16", Buffer.from(`\uFEFF${FILE}`, "utf16le")],
    [
      "wrapped, and once more in a note",
      Buffer.from(`# ${CLAIM}\nclaim = """${CLAIM.slice(0, 50)}\r\n${CLAIM.slice(50)}"""\n`),
    ],
  ])("is overwritten in place: %s", (_name, bytes) => {
    const erased = overwriteClaims(bytes);
    expect(erased).toHaveLength(bytes.length);
    const text = Buffer.from(erased).toString("latin1").replaceAll("\0", "");
    for (let from = 0; from + 12 < CLAIM.length; from += 6)
      expect(text).not.toContain(CLAIM.slice(from, from + 12));
    expect(text).toContain("used--------");
    expect(overwriteClaims(erased)).toEqual(erased);
  });

  it("is all that changes", () => {
    const erased = Buffer.from(overwriteClaims(Buffer.from(FILE))).toString();
    expect(erased.replace(/used-+/, CLAIM)).toBe(FILE);
  });
});

describe("what is wrong", () => {
  it("is written for any computer, once, and goes away", () => {
    tellProblem(at("card"), "platen.toml, line 3: A Wi-Fi password has 8 to 63 characters; this one has 6.");
    const text = readFileSync(at("card", PROBLEM_FILE), "utf8");
    expect(text.startsWith("\uFEFFThis printer is not set up yet.\r\n\r\nplaten.toml, line 3: ")).toBe(true);
    expect(text.split("\n").every((line) => line === "" || line.endsWith("\r"))).toBe(true);
    const { mtimeMs } = statSync(at("card", PROBLEM_FILE));
    tellProblem(at("card"), "platen.toml, line 3: A Wi-Fi password has 8 to 63 characters; this one has 6.");
    expect(statSync(at("card", PROBLEM_FILE)).mtimeMs).toBe(mtimeMs);
    tellProblem(at("card"), null);
    expect(readdirSync(at("card"))).toEqual([]);
  });
});

describe("the file", () => {
  it.each(["platen.toml", "PLATEN.TOML", "platen.toml.txt", "Platen.txt"])("may be called %s", (name) => {
    onCard(name, FILE);
    expect(readSetupFile(at("card"))?.path).toBe(at("card", name));
  });

  it("may lie beside the image's own, which nobody touched", () => {
    onCard("platen.toml", formatTemplate());
    onCard("platen.toml.txt", FILE);
    expect(readSetupFile(at("card"))?.path).toBe(at("card", "platen.toml.txt"));
  });

  it("is asked for where two could be meant", () => {
    onCard("platen.toml", FILE);
    onCard("platen.toml.txt", FILE);
    expect(() => readSetupFile(at("card"))).toThrow(
      "There are two set-up files, platen.toml and platen.toml.txt. Take away the one that is not meant.",
    );
  });
});

describe("set-up, start by start", () => {
  const report = (enrolled: boolean, problem: string | null = null) => {
    writeReport(at("reports"), { v: 1, enrolled, problem });
    settleSetup(places(), at("reports"));
  };

  it("writes the settings, hands the code over, and erases it when it was used", () => {
    onCard("platen.toml", FILE);
    expect(applySetup(places())).toEqual({ kind: "applied" });
    expect(readOrder(at("orders"))).toEqual({ v: 1, claim: CLAIM, problem: null });
    expect(readdirSync(at("out")).sort()).toEqual(["agent.toml", "wpa_supplicant.conf"]);
    expect(readFileSync(at("out", "agent.toml"), "utf8")).not.toContain("12345678");
    report(true);
    expect(readFileSync(at("card", "platen.toml"), "utf8")).not.toContain(CLAIM.slice(13, 40));
    expect(applySetup(places())).toEqual({ kind: "settled" });
    expect(readOrder(at("orders"))).toBeNull();
  });

  it("comes to the same after a power cut between any two of its steps", () => {
    onCard("platen.toml", FILE);
    applySetup(places());
    writeReport(at("reports"), { v: 1, enrolled: true, problem: null });
    settleSetup(places(), at("reports"));
    const done = readFileSync(at("card", "platen.toml"));
    // Cut after the copy was kept, before or in the middle of the erasure.
    for (const cut of [0, 10, 14, 20, 60, 150]) {
      onCard("platen.toml", Buffer.concat([done.subarray(0, cut), Buffer.from(FILE).subarray(cut)]));
      expect(applySetup(places()).kind).toBe("applied");
      settleSetup(places(), at("reports"));
      expect(readFileSync(at("card", "platen.toml"))).toEqual(done);
      expect(applySetup(places())).toEqual({ kind: "settled" });
    }
  });

  it("tells a mistake on the card and to the agent, and forgets it once it is mended", () => {
    onCard("platen.toml", FILE.replace('"DE"', '"XX1"'));
    const outcome = applySetup(places());
    expect(outcome).toMatchObject({
      kind: "mistake",
      problem: expect.stringMatching(/^platen\.toml, line 5: The country/),
    });
    expect(readOrder(at("orders"))?.problem).toBe("problem" in outcome ? outcome.problem : "");
    expect(existsSync(at("card", PROBLEM_FILE))).toBe(true);
    expect(existsSync(at("out", "wpa_supplicant.conf"))).toBe(false);
    onCard("platen.toml", FILE);
    expect(applySetup(places())).toEqual({ kind: "applied" });
    expect(existsSync(at("card", PROBLEM_FILE))).toBe(false);
  });

  it("hands over what it read also where the card takes no note", () => {
    mkdirSync(at("card", PROBLEM_FILE));
    onCard("platen.toml", FILE.replace('"DE"', '"XX1"'));
    expect(() => applySetup(places())).toThrow("EISDIR");
    expect(readOrder(at("orders"))?.problem).toContain("The country");
    onCard("platen.toml", FILE);
    expect(() => applySetup(places())).toThrow("EISDIR");
    expect(readOrder(at("orders"))?.claim).toBe(CLAIM);
  });

  it("tells what the agent met", () => {
    onCard("platen.toml", FILE);
    applySetup(places());
    report(false, "There is no network.");
    expect(readFileSync(at("card", PROBLEM_FILE), "utf8")).toContain("\r\nThere is no network.\r\n");
    expect(readFileSync(at("card", "platen.toml"), "utf8")).toBe(FILE);
    report(true);
    expect(existsSync(at("card", PROBLEM_FILE))).toBe(false);
  });

  it("keeps the settings of before where a later file is wrong or missing", () => {
    onCard("platen.toml", FILE);
    applySetup(places());
    report(true);
    const before = readFileSync(at("out", "wpa_supplicant.conf"));
    onCard("platen.toml", "[wifi]\nname = Office\n");
    expect(applySetup(places()).kind).toBe("mistake");
    expect(readFileSync(at("out", "wpa_supplicant.conf"))).toEqual(before);
    rmSync(at("card", "platen.toml"));
    expect(applySetup(places())).toEqual({ kind: "settled" });
  });

  it("takes what is no longer in the file away", () => {
    onCard("platen.toml", FILE);
    applySetup(places());
    report(true);
    onCard("platen.toml", 'broker = "print.example.org"\n');
    applySetup(places());
    expect(readdirSync(at("out")).sort()).toEqual(["agent.toml", "settled.toml"]);
  });

  it("asks for the file where there is none", () => {
    expect(applySetup(places())).toMatchObject({
      problem: expect.stringContaining("The file platen.toml is missing on this card."),
    });
  });
});
