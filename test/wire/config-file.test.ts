import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { loadConfig } from "../../wire/config-file.ts";
import { PlatenError } from "../../wire/error.ts";

const dir = mkdtempSync(join(tmpdir(), "platen-config-"));
afterAll(() => rmSync(dir, { recursive: true }));

const schema = z.strictObject({
  dataDir: z.string().default("/tmp"),
  listen: z.strictObject({ port: z.int().default(8883), host: z.string().default("::") }).prefault({}),
  printer: z.record(z.string(), z.strictObject({ uri: z.string() })).default({}),
});

function load(text: string | null, env: Record<string, string> = {}) {
  const file = join(dir, "platen.toml");
  if (text === null) rmSync(file, { force: true });
  else writeFileSync(file, text);
  return loadConfig(schema, { file, env, envPrefix: "PLATEN_T_" });
}

function failure(text: string): PlatenError {
  try {
    load(text);
  } catch (error) {
    if (error instanceof PlatenError) return error;
  }
  throw new Error("it was accepted");
}

test("a missing file means defaults", () => {
  expect(load(null)).toEqual({ dataDir: "/tmp", listen: { port: 8883, host: "::" }, printer: {} });
});

test("the environment stands over the file, nested by two underscores", () => {
  const config = load("dataDir = 'a'\n[listen]\nport = 1\n", {
    PLATEN_T_DATA_DIR: "/var/b",
    PLATEN_T_LISTEN__PORT: "9",
    PLATEN_T_SOMETHING_ELSE: "x",
  });
  expect(config.dataDir).toBe("/var/b");
  expect(config.listen.port).toBe(9);
});

test.each([
  ["dataDri = 'a'", "dataDri", "dataDir"],
  ["[listen]\nprot = 1", "listen.prot", "listen.port"],
  ["[printer.lobby]\nurl = 'file:/x'", "printer.lobby.url", "printer.lobby.uri"],
])("an unknown key is refused with the nearest known name: %s", (text, key, nearest) => {
  const error = failure(text);
  expect(error.code).toBe("config-unknown-key");
  expect(error.message).toContain(`“${key}”`);
  expect(error.message).toContain(`“${nearest}”`);
});

test("a mistake in the file names its line", () => {
  const error = failure("dataDir = 'a'\nlisten = = 3\n");
  expect(error.code).toBe("config-invalid");
  expect(error.message).toContain("line 2");
});

test("a wrong type names its key", () => {
  expect(failure("[listen]\nport = 'x'").message).toContain("listen.port");
});

test("what a text editor does to quotes, line ends and marks is repaired", () => {
  const config = load("\uFEFFdataDir = \u201Cx\u201D  \r\n[listen]\u00A0\r\nport = 7\r\n");
  expect(config.dataDir).toBe("x");
  expect(config.listen.port).toBe(7);
});

test("inside quotation marks every character is meant", () => {
  expect(load('\uFEFFdataDir = "Anna\u2019s \u201Cfolder\u201D"\r\n').dataDir).toBe(
    "Anna\u2019s \u201Cfolder\u201D",
  );
  expect(load("dataDir = \u201CAnna\u2019s folder\u201D\n").dataDir).toBe("Anna\u2019s folder");
});
