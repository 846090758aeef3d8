import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { checkCertificateEnd, checkEnrolment, checkPrivacy } from "../../agent/check-enrolment.ts";
import { checkKeypad, checkPanel, checkUdevRule, judgeHid } from "../../agent/check-keypads.ts";
import { checkLink, type LinkPlace } from "../../agent/check-link.ts";
import {
  checkClock,
  checkDisk,
  checkSpool,
  checkSwap,
  readSpoolFacts,
  readSwaps,
} from "../../agent/check-machine.ts";
import { configSchema } from "../../agent/config.ts";
import type { NodeFacts } from "../../agent/device-node.ts";
import { examineAgent } from "../../agent/examination.ts";
import { GpioError } from "../../agent/gpio.ts";
import { createCsr, generateTlsKey } from "../../agent/tls-key.ts";
import type { Diagnosis } from "../../wire/diagnosis.ts";
import { createCa, issueServer } from "../wire/certificates.ts";
import { issueAgent, openTestBroker, type TestBroker } from "./aedes-broker.ts";

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 20);
const MIB = 1024 ** 2;

async function gather(examination: AsyncIterable<Diagnosis>): Promise<Diagnosis[]> {
  const found: Diagnosis[] = [];
  for await (const diagnosis of examination) found.push(diagnosis);
  return found;
}

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "platen-doctor-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("the machine", () => {
  it.each([
    ["1970", { nowMs: 0, isSynchronized: false, hasRtc: false }, "bad"],
    ["unconfirmed, no battery", { nowMs: NOW_MS, isSynchronized: false, hasRtc: false }, "note"],
    ["unconfirmed, with a battery", { nowMs: NOW_MS, isSynchronized: false, hasRtc: true }, "good"],
    ["confirmed", { nowMs: NOW_MS, isSynchronized: true, hasRtc: false }, "good"],
    ["another time service", { nowMs: NOW_MS, isSynchronized: null, hasRtc: false }, "good"],
  ] as const)("clock: %s", (_, facts, verdict) => expect(checkClock(facts).verdict).toBe(verdict));

  it.each([
    [10, 1e6, "bad"],
    [100, 1e6, "note"],
    [1000, 1e6, "good"],
    [1000, 10, "bad"],
  ] as const)("disk: %d MiB and %d files free", (mib, freeFiles, verdict) => {
    const facts = { folder: "/x", freeBytes: mib * MIB, freeFiles, reserveBytes: 16 * MIB };
    expect(checkDisk(facts).verdict).toBe(verdict);
  });

  it("spool: what lies there, and what should not", () => {
    expect(readSpoolFacts(folder)).toBeNull();
    mkdirSync(join(folder, "jobs", "spool"), { recursive: true });
    writeFileSync(join(folder, "jobs", "spool", "a"), Buffer.alloc(MIB));
    const facts = readSpoolFacts(folder);
    expect(facts).toMatchObject({ documents: 1, bytes: MIB });
    expect(checkSpool(facts!, Date.now()).what).toBe("1 sealed document waits here, 1.0 MiB.");
    expect(checkSpool(facts!, Date.now() + 9 * DAY_MS).verdict).toBe("note");
  });

  it("swap: on a disk, not in memory", () => {
    mkdirSync(join(folder, "proc"));
    const head = "Filename\t\t\t\tType\t\tSize\n";
    writeFileSync(join(folder, "proc/swaps"), `${head}/dev/zram0   partition 100\n/var/swap   file   100\n`);
    expect(readSwaps(folder)).toEqual(["/var/swap"]);
    expect(checkSwap(["/var/swap"])).toMatchObject({ verdict: "note", what: /\/var\/swap/ });
    writeFileSync(join(folder, "proc/swaps"), head);
    expect(checkSwap(readSwaps(folder)).verdict).toBe("good");
  });
});

describe("the enrolment", () => {
  it("is missed in words", () => {
    const { enrolment, diagnosis } = checkEnrolment(folder);
    expect(enrolment).toBeNull();
    expect(diagnosis).toMatchObject({ verdict: "bad", what: "This agent has no certificate yet." });
    expect(diagnosis.remedy).toMatch(/^On the broker run/);
  });

  it.each([
    [0o700, 0o600, 0, "good", null],
    [0o750, 0o600, 0, "bad", /chmod 700 \/d$/],
    [0o700, 0o644, 0, "bad", /chmod 600 \/d\/key$/],
    [0o700, 0o600, 5, "bad", /chown --reference=\/d \/d\/key/],
  ] as const)("folder %o, key %o, owner %d", (mode, keyMode, keyUid, verdict, remedy) => {
    const node: NodeFacts = { path: "/d", access: "ok", kind: "folder", mode, uid: 0, holder: null };
    const found = checkPrivacy(node, { ...node, path: "/d/key", mode: keyMode, uid: keyUid });
    expect(found.verdict).toBe(verdict);
    if (remedy !== null) expect(found.remedy).toMatch(remedy);
  });

  it("tells the end of a certificate in time", async () => {
    const ca = await createCa();
    const end = Date.now() + 100 * DAY_MS;
    const pem = await issueAgent(ca, await createCsr(await generateTlsKey(), "x"), end);
    const on = (daysLeft: number) => checkCertificateEnd(pem, end - daysLeft * DAY_MS - 1000).verdict;
    expect([on(90), on(45), on(20), on(-2)]).toEqual(["good", "note", "bad", "bad"]);
    expect(checkCertificateEnd("rubbish", NOW_MS).what).toBe("The agent's certificate is damaged.");
  });
});

describe("the way to the broker", () => {
  let broker: TestBroker;
  let place: LinkPlace;
  beforeAll(async () => {
    broker = await openTestBroker();
    const key = await generateTlsKey();
    const cert = await issueAgent(broker.ca, await createCsr(key, "lobby-pi"));
    place = { address: broker.address, agent: "lobby-pi", ca: broker.ca.pem, cert, key, mayLogin: true };
  });
  afterAll(() => broker.close());

  async function walk(over: Partial<LinkPlace>): Promise<Diagnosis[]> {
    return await gather(checkLink({ ...place, ...over }));
  }
  const steps = (found: readonly Diagnosis[]) => found.map(({ check, verdict }) => `${check}: ${verdict}`);

  it("is walked to its end", async () => {
    expect(steps(await walk({}))).toEqual([
      "broker name: good",
      "broker reachable: good",
      "broker identity: good",
      "broker login: good",
    ]);
  });

  it("does not log in beside the agent that runs", async () => {
    const [ca, agent] = [await createCa(), "no-such-broker-lets-it-in"];
    const last = (await walk({ mayLogin: false, agent })).at(-1);
    expect(last).toMatchObject({ verdict: "good", what: expect.stringMatching(/agent runs here/) });
    expect((await walk({ mayLogin: false, ca: ca.pem })).at(-1)?.check).toBe("broker identity");
  });

  it("ends where nobody knows the name", async () => {
    const found = await walk({ address: "platen.invalid:8883" });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ check: "broker name", verdict: "bad" });
  });

  it("ends where nothing listens", async () => {
    const found = await walk({ address: "127.0.0.1:1" });
    expect(steps(found)).toEqual(["broker name: good", "broker reachable: bad"]);
    expect(found[1]?.what).toBe("The machine 127.0.0.1 answers, but nothing listens on port 1.");
  });

  it("ends at another broker, and at one that goes by another name", async () => {
    const other = await walk({ ca: (await createCa()).pem });
    expect(other.at(-1)).toMatchObject({ check: "broker identity", verdict: "bad" });
    expect(other.at(-1)?.what).toMatch(/is not the broker this agent trusts/);
    const port = broker.address.split(":").at(-1);
    const renamed = await walk({ address: `127.1:${port}` });
    expect(renamed.at(-1)?.what).toBe("The broker's certificate is not for the name 127.1.");
  });

  it.each([
    // MQTT 3.1.1, 3.2.2.3: CONNACK with return code 5, not authorized
    ["refuses", Buffer.of(0x20, 2, 0, 5), /does not let the agent “lobby-pi” in: it was revoked/],
    ["hangs up", null, /hung up at the login/],
  ])("ends at a broker that %s", async (_, answer, what) => {
    const server = createServer({ ...(await issueServer(broker.ca, { ip: ["127.0.0.1"] })) }, (socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.end(answer ?? Buffer.alloc(0)));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const found = await walk({ address: `127.0.0.1:${(server.address() as AddressInfo).port}` });
    server.close();
    expect(found.at(-1)).toMatchObject({ check: "broker login", verdict: "bad" });
    expect(found.at(-1)?.what).toMatch(what);
  });
});

describe("keypads and lamps", () => {
  const pad = { path: "1-1.2:1.0", vendorId: 0x05fe, productId: 0x1010, usagePage: 1, usage: 7 };
  const keyboard = { ...pad, path: "1-1.3:1.0", usage: 6, isBootKeyboard: true };

  it.each([
    ["hid:any", { devices: [pad], denied: [] }, "good", /1-1\.2:1\.0/],
    ["hid:05fe:1010", { devices: [keyboard], denied: [] }, "good", /1-1\.3:1\.0/],
    ["hid:any", { devices: [pad], denied: ["1-1.2:1.0"] }, "bad", /may not use/],
    ["hid:any", { devices: [], denied: [] }, "bad", /No such keypad is there\.$/],
    ["hid:any", { devices: [{ ...keyboard, hasDriver: true }], denied: [] }, "bad", /keyboard with letters/],
    ["hid:1111:2222", { devices: [pad], denied: [] }, "bad", /No such keypad/],
    ["hid:/dev/hidraw77", { devices: [pad], denied: [] }, "bad", /No such keypad/],
  ] as const)("%s", async (uri, facts, verdict, what) => {
    const found = await judgeHid(uri, facts);
    expect(found.verdict).toBe(verdict);
    expect(found.what).toMatch(what);
  });

  it("words a wrong address, a missing line, a pipe that comes later", async () => {
    expect((await checkKeypad("lamp:x")).remedy).toBe("Correct keypads in agent.toml.");
    expect(await checkKeypad(`serial:${folder}/tty?baud=9600`)).toMatchObject({ verdict: "bad" });
    expect(await checkKeypad("evdev:no-such-keys")).toMatchObject({ verdict: "bad" });
    expect(await checkKeypad(`pipe:${folder}/keys`)).toMatchObject({ verdict: "note" });
  });

  const chips = async () => [{ label: "pinctrl-bcm2711", base: 512, lines: 58 }];
  it.each([
    [{}, null],
    [{ lamps: { white: "GPIO5", red: "!GPIO6" }, buzzer: "pwm0" }, "good"],
    [{ lamps: { white: "GPIO5", red: "!GPIO5" } }, "bad"],
    [{ lamps: { white: "GPIO99" } }, "bad"],
  ])("panel %j: %s", async (panel, verdict) => {
    const found = await checkPanel(configSchema.parse({ panel }).panel, chips);
    expect(found?.verdict ?? null).toBe(verdict);
  });

  it("panel: a library that does not load", async () => {
    const { panel } = configSchema.parse({ panel: { lamps: { white: "GPIO5" } } });
    const found = await checkPanel(panel, () =>
      Promise.reject(new GpioError("GPIO pins cannot be used: why. Do it.")),
    );
    expect(found?.verdict).toBe("bad");
  });

  it("udev rule: needed for USB by whoever is not root", () => {
    expect(checkUdevRule(["tcp:192.0.2.1"], 1000, folder)).toBeNull();
    expect(checkUdevRule(["usb:"], 0, folder)).toBeNull();
    expect(checkUdevRule(["usb:"], 1000, folder)?.verdict).toBe("note");
    mkdirSync(join(folder, "etc/udev/rules.d"), { recursive: true });
    writeFileSync(join(folder, "etc/udev/rules.d/70-platen.rules"), "");
    expect(checkUdevRule(["usb:"], 1000, folder)?.verdict).toBe("good");
  });
});

describe("the whole examination", () => {
  it("of a machine where nothing is set up ends, and every wrong has a remedy", async () => {
    const config = configSchema.parse({
      dataDir: folder,
      keypads: [],
      printer: { lobby: { uri: "lp:/dev/usb/lp9" } },
    });
    const found = await gather(examineAgent(config));
    const wrong = found.filter(({ verdict }) => verdict !== "good");
    expect(wrong.map(({ check }) => check)).toEqual(expect.arrayContaining(["enrolment", "printer lobby"]));
    for (const { remedy, what } of wrong) {
      expect(remedy).toMatch(/^\S.*/);
      expect(what).toMatch(/\.$/);
    }
  });
});
