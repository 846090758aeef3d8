import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { z } from "zod";
import { Calls } from "../../agent/calls.ts";
import { Condition } from "../../agent/condition.ts";
import { learn, NOTHING_KNOWN } from "../../agent/printer-status.ts";
import { isRenewalDue, Renewal } from "../../agent/renewal.ts";
import { createCsr, generateTlsKey } from "../../agent/tls-key.ts";
import { type conditionSchema, conditionSchema as schema } from "../../wire/agent-call.ts";
import { encodeJson, parseJson } from "../../wire/json.ts";
import { createCa, type TestCa } from "../wire/certificates.ts";
import { issueAgent } from "./aedes-broker.ts";

const DAY_MS = 86_400_000;
const FROM = Date.UTC(2027, 0, 1);

let ca: TestCa;
let key: string;
let certificate: string;
let calls: Calls;
let stored: string[];
let outcomes: { until: Date; error: unknown }[];
let settled: PromiseWithResolvers<void>;
let reply: (csr: string) => Promise<object>;
let renewal: Renewal;

beforeEach(async () => {
  ca = await createCa();
  key = await generateTlsKey();
  certificate = await issueAgent(ca, await createCsr(key, "lobby-pi"), FROM + 90 * DAY_MS, FROM);
  [stored, outcomes, settled] = [[], [], Promise.withResolvers<void>()];
  calls = new Calls("broker", (_call, payload) => {
    const { rid, csr } = JSON.parse(Buffer.from(payload).toString());
    void reply(csr).then((body) => calls.takeReply(encodeJson({ rid, ...body })));
  });
  renewal = new Renewal(
    {
      calls,
      agent: "lobby-pi",
      address: "broker",
      key,
      store: (pem) => stored.push(pem),
      onOutcome: (until, error) => {
        outcomes.push({ until, error });
        settled.resolve();
      },
    },
    certificate,
  );
});

afterEach(() => renewal.pause());

describe("renewal", () => {
  test("is due when a third of the certificate's life is left", () => {
    expect(isRenewalDue(certificate, FROM + 60 * DAY_MS - 1000)).toBe(false);
    expect(isRenewalDue(certificate, FROM + 60 * DAY_MS)).toBe(true);
    expect(isRenewalDue(certificate, FROM + 120 * DAY_MS)).toBe(true);
  });

  test("of one that is good since 1970, a third of a year before its end", async () => {
    const end = FROM + 365 * DAY_MS;
    const ever = await issueAgent(ca, await createCsr(key, "lobby-pi"), end, 0);
    expect(isRenewalDue(ever, end - 122 * DAY_MS)).toBe(false);
    expect(isRenewalDue(ever, end - 121 * DAY_MS)).toBe(true);
  });

  test("stores the fresh certificate for the same key and uses it from then on", async () => {
    reply = async (csr) => ({
      certificate: await issueAgent(ca, csr, FROM + 150 * DAY_MS, FROM + 60 * DAY_MS),
    });
    renewal.check((FROM + 61 * DAY_MS) / 1000);
    await settled.promise;
    expect(outcomes).toEqual([{ until: new Date(FROM + 150 * DAY_MS), error: null }]);
    expect(stored).toEqual([renewal.certificate]);
    expect(renewal.certificate).not.toBe(certificate);
  });

  test("a refused login is explained by its end, and else by what else it may be", () => {
    const end = FROM + 90 * DAY_MS;
    expect(renewal.explainRefusal(end)).toMatch(/ended on 2027-04-01\..* can still be printed\..* replace;/);
    expect(renewal.explainRefusal(end - 1)).toMatch(/^Revoked, or .* clocks .* until 2027-04-01\..*replace/);
  });

  test("before that nothing is asked", () => {
    reply = async () => {
      throw new Error("asked");
    };
    renewal.check((FROM + 59 * DAY_MS) / 1000);
    expect(outcomes).toEqual([]);
  });

  test.each<[string, () => Promise<object>]>([
    ["a refusal", async () => ({ refused: "busy" })],
    [
      "a certificate for another key",
      async () => ({ certificate: await issueAgent(ca, await createCsr(await generateTlsKey(), "x")) }),
    ],
    ["something that is no certificate", async () => ({ certificate: "hello" })],
  ])("%s keeps the old one, and is told", async (_what, answer) => {
    reply = answer;
    renewal.check((FROM + 80 * DAY_MS) / 1000);
    await settled.promise;
    expect(stored).toEqual([]);
    expect(renewal.certificate).toBe(certificate);
    expect(outcomes).toMatchObject([{ until: new Date(FROM + 90 * DAY_MS), error: expect.any(Error) }]);
  });
});

describe("condition", () => {
  const published: z.infer<typeof conditionSchema>[] = [];
  const open = () => {
    published.length = 0;
    return new Condition(
      ["lobby", "copier"],
      (payload) => published.push(parseJson(payload, 10_000, schema) as z.infer<typeof conditionSchema>),
      () => 7,
    );
  };

  test("says what printing showed of each printer, once per change", () => {
    const condition = open();
    condition.observe({ kind: "printer-care", printer: "lobby", reason: "paper" });
    condition.observe({ kind: "printer-care", printer: "lobby", reason: "paper" });
    condition.observe({ kind: "ready", held: 1 });
    condition.observe({ kind: "printing", printer: "lobby", second: false });
    condition.observe({ kind: "printing", printer: "unknown", second: false });
    expect(published.map(({ printers }) => printers[0])).toEqual([
      { name: "lobby", ready: "no", reason: "paper", at: 7 },
      { name: "lobby", ready: "yes", reason: null, at: 7 },
    ]);
    expect(published[1]?.printers[1]).toMatchObject({ name: "copier", ready: "unknown" });
  });

  test("says that paper runs low, and what came damaged, beside what it says of being ready", () => {
    const condition = open();
    const said = (near: boolean) => learn(NOTHING_KNOWN, { "near-end": near, offline: false }, "dle-eot", 7);
    condition.learn("lobby", said(true));
    condition.learn("lobby", said(true));
    condition.addLineErrors("lobby", { damagedBytes: 2, breaks: 0 });
    condition.addLineErrors("lobby", { damagedBytes: 1, breaks: 1 });
    condition.observe({ kind: "paused", printer: "lobby", reason: "paper", otpNeeded: false });
    condition.learn("lobby", said(false));
    expect(published.map(({ printers }) => printers[0])).toEqual([
      { name: "lobby", ready: "yes", reason: null, at: 7, nearEnd: true },
      ...[
        { damagedBytes: 2, breaks: 0 },
        { damagedBytes: 3, breaks: 1 },
      ].map((lineErrors) => ({
        name: "lobby",
        ready: "yes",
        reason: null,
        at: 7,
        nearEnd: true,
        lineErrors,
      })),
      expect.objectContaining({ ready: "no", reason: "paper", nearEnd: true }),
      { name: "lobby", ready: "yes", reason: null, at: 7, lineErrors: { damagedBytes: 3, breaks: 1 } },
    ]);
  });

  test("warns of a certificate that could not be renewed until it was", () => {
    const condition = open();
    condition.setWarning("certificate", true);
    condition.setWarning("certificate", true);
    condition.setWarning("certificate", false);
    expect(published.map(({ warnings }) => warnings)).toEqual([["certificate"], undefined]);
  });
});
