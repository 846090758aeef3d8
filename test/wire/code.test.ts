import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CALL_BYTES_MAX,
  CALL_SCHEMAS,
  conditionSchema,
  presenceSchema,
  REPLY_SCHEMAS,
  refusalSchema,
  ticketSchema,
} from "../../wire/agent-call.ts";
import { decodeBase64, decodeBase64Url, encodeBase64, encodeBase64Url } from "../../wire/base64.ts";
import { type FirstContact, formatCode, parseAddress, parseCode } from "../../wire/code.ts";
import {
  claimReplySchema,
  claimRequestSchema,
  inviteReplySchema,
  inviteRequestSchema,
} from "../../wire/enrol.ts";
import { isPlatenError, PlatenError } from "../../wire/error.ts";
import { ERRORS, type ErrorCode } from "../../wire/errors.table.ts";
import { encodeJson, parseJson } from "../../wire/json.ts";
import { generateFleetKey } from "../../wire/minisign.ts";

const { id, key } = generateFleetKey();
const codes: fc.Arbitrary<FirstContact> = fc.record({
  kind: fc.constantFrom("claim" as const, "invite" as const),
  address: fc.constantFrom("broker", "broker.example:8883", "10.0.0.7", "[2001:db8::1]:443"),
  caFingerprint: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  fleet: fc.constant({ id, key }),
  id: fc.stringMatching(/^[0-9a-f]{16}$/),
  secret: fc.uint8Array({ minLength: 16, maxLength: 16 }),
});

describe("a code", () => {
  it("comes back whole, also wrapped by a mail program", () => {
    fc.assert(
      fc.property(codes, fc.nat(150), (contact, at) => {
        const code = formatCode(contact);
        expect(parseCode(contact.kind, code)).toEqual(contact);
        expect(parseCode(contact.kind, ` ${code.slice(0, at)}\r\n  ${code.slice(at)}\n`)).toEqual(contact);
        expect(parseCode(contact.kind === "claim" ? "invite" : "claim", code)).toBeNull();
        expect(code).toMatch(/^platen-(claim|invite)-[A-Za-z0-9_-]+$/);
      }),
    );
  });

  it("with a character changed, missing or swapped is none", () => {
    fc.assert(
      fc.property(codes, fc.nat(400), fc.constantFrom("A", "b", "9", "-", ""), (contact, where, char) => {
        const code = formatCode(contact);
        const start = `platen-${contact.kind}-`.length;
        const at = start + (where % (code.length - start));
        const changed = code.slice(0, at) + char + code.slice(at + 1);
        if (changed !== code) expect(parseCode(contact.kind, changed)).toBeNull();
        const swapped = code.slice(0, at) + (code[at + 1] ?? "") + (code[at] ?? "") + code.slice(at + 2);
        if (swapped !== code && at + 2 < code.length) expect(parseCode(contact.kind, swapped)).toBeNull();
      }),
    );
  });

  it("of anything else is none", () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array({ maxLength: 200 }), (text, bytes) => {
        expect(parseCode("claim", text)).toBeNull();
        expect(parseCode("invite", `platen-invite-${encodeBase64Url(bytes)}`)).toBeNull();
      }),
    );
    expect(parseCode("invite", `platen-invite-${"A".repeat(10_000_000)}`)).toBeNull();
  });

  it.each([
    ["broker", { host: "broker", port: 8883 }],
    ["broker:1", { host: "broker", port: 1 }],
    ["[::1]:443", { host: "::1", port: 443 }],
    ["[::1]", { host: "::1", port: 8883 }],
    ["::1", null],
    ["a:0", null],
    ["a:65536", null],
    ["a b", null],
    ["", null],
    ["a/b", null],
  ])("the address “%s” is %j", (text, expected) => expect(parseAddress(text)).toEqual(expected));
});

describe("base64", () => {
  it("agrees with Node's, both alphabets", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
        expect(encodeBase64Url(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
        expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes);
        expect(decodeBase64Url(encodeBase64Url(bytes))).toEqual(bytes);
      }),
    );
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        decodeBase64(text);
        decodeBase64Url(text);
      }),
    );
    for (const text of ["A", "A===", "=", "====", "AA=A", "A A=", "AAA\n"])
      expect(decodeBase64(text)).toBeNull();
    expect(decodeBase64Url("AAAAA")).toBeNull();
  });
});

const schemas = {
  ...CALL_SCHEMAS,
  ...Object.fromEntries(Object.entries(REPLY_SCHEMAS).map(([name, schema]) => [`${name} reply`, schema])),
  refusal: refusalSchema,
  presence: presenceSchema,
  condition: conditionSchema,
  ticket: ticketSchema,
  "claim request": claimRequestSchema,
  "claim answer": claimReplySchema,
  "invite request": inviteRequestSchema,
  "invite answer": inviteReplySchema,
};

describe("calls, tickets and first contacts", () => {
  it.each(Object.entries(schemas))(
    "%s: arbitrary bytes and JSON are refused or understood, never a crash",
    (_, schema) => {
      fc.assert(
        fc.property(
          fc.oneof(
            fc.uint8Array(),
            fc.json().map((text) => Buffer.from(text)),
          ),
          (bytes) => {
            parseJson<unknown>(bytes, CALL_BYTES_MAX, schema);
          },
        ),
        { numRuns: 50 },
      );
    },
  );

  it("full batches fit a call", () => {
    const job = { user: "u".repeat(32), job: "j".repeat(64), attempt: "0123456789abcdef" };
    const tag = randomBytes(16).toString("base64");
    const share = randomBytes(32).toString("base64");
    const rid = "r".repeat(36);
    const batch = <T>(value: T) => Array.from({ length: 200 }, () => value);
    const event = {
      id: crypto.randomUUID(),
      user: job.user,
      job: job.job,
      state: "interrupted",
      reason: "not-sealed-to-us",
      printer: "p".repeat(32),
      at: 253_402_300_799,
      bytes: Number.MAX_SAFE_INTEGER,
      final: false,
    };
    const calls = {
      put: { rid, shares: batch({ ...job, tag, share, expires: 253_402_300_799 }) },
      ask: { rid, asks: batch({ ...job, tag }) },
      event: { rid, events: batch(event) },
    } as const;
    for (const [name, body] of Object.entries(calls)) {
      const bytes = encodeJson(body);
      expect([name, bytes.length <= CALL_BYTES_MAX]).toEqual([name, true]);
      expect(parseJson<unknown>(bytes, CALL_BYTES_MAX, CALL_SCHEMAS[name as "put"])).toEqual(body);
    }
  });

  it("names that are none are refused in each of them", () => {
    const ticket = {
      user: "alice",
      job: "job-0001",
      target: "lobby",
      printers: ["lobby"],
      want: "take",
      reason: null,
      parts: null,
      bytes: null,
      expires: null,
      otp: 8,
      group: false,
    };
    expect(ticketSchema.safeParse(ticket).success).toBe(true);
    for (const change of [
      { user: "../x" },
      { job: "a\u0000bcdefgh" },
      { target: "LOBBY" },
      { printers: ["a b"] },
      { printers: [] },
    ]) {
      expect(ticketSchema.safeParse({ ...ticket, ...change }).success).toBe(false);
    }
  });
});

describe("errors", () => {
  it("have a sentence that ends, an exit status and an HTTP status", () => {
    for (const [code, { sentence, exit, http }] of Object.entries(ERRORS)) {
      // It ends as a sentence does, with a field, or with the command to run.
      expect([code, /[.}]$|\bplaten [^.]+$/.test(sentence)]).toEqual([code, true]);
      expect(exit).toBeGreaterThanOrEqual(64);
      expect(exit).toBeLessThanOrEqual(78);
      expect(http).toBeGreaterThanOrEqual(400);
    }
  });

  it("fill their sentence from details, and leave what is not given", () => {
    const error = new PlatenError("bad-name", { name: "{name} $& x" });
    expect(error.message).toContain("“{name} $& x” cannot be a name");
    expect(new PlatenError("bad-name").message).toContain("{name}");
    expect(
      isPlatenError(error, "bad-name") && !isPlatenError(error, "usage") && !isPlatenError(new Error("x")),
    ).toBe(true);
    expect(error.entry).toBe(ERRORS["bad-name" as ErrorCode]);
  });
});
