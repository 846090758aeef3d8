/** docs/protocol.md says it all: every state, reason, field, call and number of the contract is on that page. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CALL_SCHEMAS, REPLY_SCHEMAS, refusalSchema, ticketSchema } from "../../wire/agent-call.ts";
import * as limits from "../../wire/limits.ts";
import { manifestFields } from "../../wire/manifest.ts";
import { REASONS } from "../../wire/reason.ts";
import { JOB_STATES } from "../../wire/state.ts";
import { endSchema, statusSchema } from "../../wire/status.ts";
import { CALLS } from "../../wire/topic.ts";

const page = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");

/** The text under a heading, up to the next of the same rank. */
function section(heading: string): string {
  const [, rest = ""] = page.split(`\n## ${heading}\n`);
  return rest.split("\n## ")[0] ?? "";
}

describe("docs/protocol.md", () => {
  it.each(JOB_STATES)("says what the state %s means", (state) => {
    expect(section("States")).toMatch(new RegExp(`^\\| \`${state}\` \\|`, "m"));
  });

  it.each(REASONS)("says what the reason %s means", (reason) => {
    expect(section("Reasons")).toMatch(new RegExp(`^\\|[^|]*\`${reason}\`[^|]*\\|`, "m"));
  });

  it.each(manifestFields)("says what the manifest's %s is", (field) => {
    expect(section("The sealed job")).toMatch(new RegExp(`^\\|[^|]*\`${field}\`[^|]*\\|`, "m"));
  });

  it("says what a status and an end hold", () => {
    for (const field of Object.keys(statusSchema.shape))
      expect(section("Following")).toContain(`\`${field}\``);
    for (const field of Object.keys(endSchema.shape)) expect(section("Sending")).toContain(`\`${field}\``);
  });

  it.each(CALLS)("says what the call %s is", (call) => {
    const row = new RegExp(`^\\| \`${call}\` \\|.*$`, "m").exec(section("Agent and broker"))?.[0] ?? "";
    const fields = [CALL_SCHEMAS[call], call === "parts" ? null : REPLY_SCHEMAS[call]].flatMap((schema) =>
      schema ? Object.keys(schema.shape) : [],
    );
    // What batches are called in answers is said in words.
    const wordless = new Set(["rid", "results", "shares", "confirmed", ...(call === "ask" ? [] : ["asks"])]);
    for (const field of fields)
      if (!wordless.has(field))
        expect([field, row]).toEqual([field, expect.stringContaining(`\`${field}\``)]);
  });

  it("says what a ticket and a refusal hold", () => {
    const text = section("Agent and broker");
    for (const field of Object.keys(ticketSchema.shape)) expect(text).toContain(`\`${field}\``);
    for (const word of refusalSchema.shape.refused.options)
      expect(text).toMatch(new RegExp(`[|"]${word}[|"]`));
  });

  it.each([
    limits.PART_BYTES,
    limits.PART_BYTES_MIN,
    limits.PAYLOAD_BYTES_MAX,
    limits.EXPIRES_DEFAULT_S,
    limits.EXPIRES_MAX_S,
  ])("states the limit %i", (limit) => {
    expect(section("Limits")).toContain(limit.toLocaleString("en-US"));
  });

  it.each([
    limits.HEADER_BYTES_MAX,
    limits.MANIFEST_BYTES_MAX,
    limits.SMALL_JSON_BYTES_MAX,
    limits.LIST_BYTES_MAX,
  ])("states the limit of %i bytes", (limit) => expect(section("Limits")).toContain(`${limit / 1024} KiB`));
});
