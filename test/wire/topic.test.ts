import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isJobId, isName, jobKey, parsePartNumber } from "../../wire/name.ts";
import { drawOtp, formatOtp, isTrivialOtp } from "../../wire/otp.ts";
import {
  CALLS,
  parseTopic,
  partFilter,
  partTopic,
  sendTopic,
  signatureTopic,
  statusFilter,
  statusTopic,
  type Topic,
} from "../../wire/topic.ts";
import { formatTopic } from "./topic-format.ts";

const name = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/);
const jobId = fc.stringMatching(/^[A-Za-z0-9-]{8,64}$/);
const part = fc.nat(9_999_999);
const codeId = fc.stringMatching(/^[0-9a-f]{16}$/);
const ref = fc.record({ user: name, job: jobId });

const leaf = fc.oneof(
  fc.constantFrom("only" as const, "end" as const, "cancel" as const).map((kind) => ({ kind })),
  part.map((n) => ({ kind: "part" as const, n })),
);
const topics: fc.Arbitrary<Topic> = fc.oneof(
  fc.tuple(ref, name, leaf).map(([r, target, l]): Topic => ({ room: "send", ...r, target, leaf: l })),
  ref.map((r): Topic => ({ room: "status", ...r })),
  fc
    .tuple(name, fc.boolean())
    .map(([target, signature]): Topic => ({ room: "recipients", target, signature })),
  fc.tuple(name, fc.constantFrom(...CALLS)).map(([agent, call]): Topic => ({ room: "call", agent, call })),
  fc
    .tuple(
      name,
      fc.constantFrom("reply" as const, "ticket" as const, "presence" as const, "condition" as const),
    )
    .map(([agent, room]): Topic => ({ room, agent })),
  fc.tuple(ref, name, part).map(([r, agent, n]): Topic => ({ room: "part", agent, ...r, n })),
  fc
    .tuple(codeId, fc.constantFrom("request" as const, "reply" as const))
    .map(([code, direction]): Topic => ({ room: "enrol", code, direction })),
);

describe("topics", () => {
  it("come back as they were built, within MQTT's portable bounds", () => {
    fc.assert(
      fc.property(topics, (topic) => {
        const text = formatTopic(topic);
        expect(parseTopic(text)).toEqual(topic);
        expect(text.split("/").length).toBeLessThanOrEqual(8);
        expect(text.length).toBeLessThanOrEqual(160);
      }),
    );
  });

  it("are byte for byte these", () => {
    const job = { user: "alice", job: "job-0001" };
    expect(sendTopic(job, "lobby", "only")).toBe("platen/v1/send/alice/lobby/job-0001/only");
    expect(sendTopic(job, "lobby", 0)).toBe("platen/v1/send/alice/lobby/job-0001/0");
    expect(statusTopic(job)).toBe("platen/v1/status/alice/job-0001");
    expect(statusFilter("alice")).toBe("platen/v1/status/alice/+");
    expect(signatureTopic("lobby")).toBe("platen/v1/recipients/lobby/minisig");
    expect(partFilter("pi-1")).toBe("platen/v1/agents/pi-1/part/#");
    expect(partTopic("pi-1", job, 12)).toBe("platen/v1/agents/pi-1/part/alice/job-0001/12");
  });

  it.each([
    "platen/v2/status/alice/job-0001",
    "platen/v1/status/alice/job-0001/",
    "/platen/v1/status/alice/job-0001",
    "platen/v1/status/alice/+",
    "platen/v1/status/#",
    "platen/v1/status/Alice/job-0001",
    "platen/v1/status/-alice/job-0001",
    "platen/v1/status/alice/short",
    "platen/v1/send/alice/lobby/job-0001/00",
    "platen/v1/send/alice/lobby/job-0001/-1",
    "platen/v1/send/alice/lobby/job-0001/1e3",
    "platen/v1/send/alice/lobby/job-0001/10000000",
    "platen/v1/send/alice/lobby/job-0001/ends",
    "platen/v1/send/alice/lobby/job-0001",
    "platen/v1/send/alice//job-0001/end",
    "platen/v1/agents/pi/call/reboot",
    "platen/v1/agents/pi/call/hello/x",
    "platen/v1/enrol/0123/request",
    "platen/v1/enrol/0123456789ABCDEF/request",
    "platen/v1/status/alice\u0000/job-0001",
    "platen/v1/status/alice/job-0001\n",
    "platen/v1/status/аlice/job-0001",
    "$SYS/broker",
    "",
  ])("“%s” is none", (text) => {
    expect(parseTopic(text)).toBeNull();
  });

  it("anything at all is parsed to what formats to itself, or to nothing", () => {
    const segment = fc.oneof(
      name,
      jobId,
      fc.string({ maxLength: 12 }),
      fc.constantFrom("send", "end", "agents", "part"),
    );
    const close = fc.array(segment, { maxLength: 8 }).map((rest) => ["platen/v1", ...rest].join("/"));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), close, topics.map(formatTopic)), (text) => {
        const topic = parseTopic(text);
        if (topic) expect(formatTopic(topic)).toBe(text);
      }),
      { numRuns: 200 },
    );
    expect(parseTopic("platen/v1/".padEnd(1_000_000, "a/"))).toBeNull();
  });
});

describe("names", () => {
  it("are bounded", () => {
    expect(isName("a".repeat(32)) && !isName("a".repeat(33)) && !isName("") && !isName("a\n")).toBe(true);
    expect(isJobId("a".repeat(8)) && isJobId("A".repeat(64)) && !isJobId("a".repeat(65))).toBe(true);
    expect(!isJobId("a".repeat(7)) && !isJobId("abcdefgh\n") && !isJobId("abcdefg.")).toBe(true);
    expect(parsePartNumber("0")).toBe(0);
    expect(parsePartNumber("01")).toBeNull();
  });

  it("no two pairs of user and job share a key", () => {
    fc.assert(
      fc.property(ref, ref, (a, b) => {
        const same = a.user === b.user && a.job === b.job;
        expect(jobKey(a) === jobKey(b)).toBe(same);
      }),
    );
    // Without the length these two would be one.
    expect(jobKey({ user: "a", job: "b-job-0001" })).toBe("1.a.b-job-0001");
    expect(jobKey({ user: "a-b", job: "job-0001" })).not.toBe(jobKey({ user: "a", job: "b-job-0001" }));
    const parse = (key: string) => {
      const [length = "", ...rest] = key.split(".");
      const text = rest.join(".");
      return { user: text.slice(0, Number(length)), job: text.slice(Number(length) + 1) };
    };
    fc.assert(
      fc.property(ref, (r) => {
        expect(parse(jobKey(r))).toEqual(r);
      }),
    );
  });
});

/** Bytes in a fixed order, then from the generator. */
function scripted(bytes: readonly number[]) {
  let at = 0;
  return (into: Uint8Array<ArrayBuffer>) => {
    for (let i = 0; i < into.length; i++) into[i] = bytes[at++] ?? 7;
    return into;
  };
}

describe("an OTP", () => {
  it.each([6, 8, 10, 12])("has %i digits", (digits) => {
    for (let i = 0; i < 200; i++) expect(drawOtp(digits)).toMatch(new RegExp(`^[0-9]{${digits}}$`));
  });

  it.each(["00000000", "77777777", "12345678", "01234567", "89012345", "98765432", "10987654", "0123456789"])(
    "%s is trivial",
    (otp) => expect(isTrivialOtp(otp)).toBe(true),
  );

  it.each(["48213907", "12345679", "11111112", "13579135", "02468024"])("%s is not", (otp) => {
    expect(isTrivialOtp(otp)).toBe(false);
  });

  it("that is trivial is drawn again", () => {
    const fill = scripted([1, 2, 3, 4, 5, 6, 7, 8, 4, 4, 4, 4, 4, 4, 4, 4, 4, 8, 2, 1, 3, 9, 0, 7]);
    expect(drawOtp(8, fill)).toBe("48213907");
  });

  it("throws away the bytes that would favour low digits", () => {
    expect(drawOtp(8, scripted([250, 251, 4, 252, 8, 253, 2, 254, 1, 255, 3, 249, 100, 17]))).toBe(
      "48213907",
    );
  });

  it("has no bias: chi-square over digits and over pairs of neighbours", () => {
    // A xorshift stream, so that this never fails by chance; modulo bias would give thousands.
    let state = 0x9e3779b9;
    const fill = (into: Uint8Array<ArrayBuffer>) => {
      for (let i = 0; i < into.length; i++) {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        into[i] = state >>> 24;
      }
      return into;
    };
    const draws = 20_000;
    const digits = new Array<number>(10).fill(0);
    const pairs = new Array<number>(100).fill(0);
    for (let i = 0; i < draws; i++) {
      const otp = drawOtp(8, fill);
      for (let at = 0; at < 8; at++) digits[Number(otp[at])]! += 1;
      for (let at = 0; at < 8; at += 2) pairs[Number(otp.slice(at, at + 2))]! += 1;
    }
    const chiSquare = (counts: number[], expected: number) =>
      counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 99.99 % points: 33.7 at 9 degrees of freedom, 162 at 99.
    expect(chiSquare(digits, (draws * 8) / 10)).toBeLessThan(40);
    expect(chiSquare(pairs, (draws * 4) / 100)).toBeLessThan(180);
  });

  it("is shown in groups", () => {
    expect(formatOtp("48213907")).toBe("4821 3907");
    expect(formatOtp("4821390714")).toBe("482 139 0714");
    expect(formatOtp("482139")).toBe("4821 39");
    expect(formatOtp("482139071411")).toBe("4821 3907 1411");
  });
});
