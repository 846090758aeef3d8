import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { isAbsolute, join } from "node:path";
import { expect, test } from "vitest";
import { configSchema, loadBrokerConfig, publicAddress } from "../../broker/config.ts";
import { failure, openScratch } from "./registry-fixture.ts";

const scratch = openScratch();

test("without a file and without environment everything has a default that works", () => {
  const config = loadBrokerConfig();
  expect(config.listen.port).toBe(8883);
  expect(isAbsolute(config.dataDir)).toBe(true);
  expect(config.policy).toMatchObject({ otpDigits: 8, otpDigitsLargeGroup: 10, claimHours: 24 });
  expect(config.fleet.autoSign).toBe(true);
  expect(publicAddress(config)).toBe(`${hostname()}:8883`);
  expect(publicAddress(config, 40_000)).toBe(`${hostname()}:40000`);
});

test("file and environment; the folder becomes absolute", () => {
  const file = join(scratch.folder(), "broker.toml");
  writeFileSync(
    file,
    'dataDir = "here"\naddress = "[2001:db8::1]:9000"\n[tls]\nnames = ["printers.example"]\n',
  );
  const env = { PLATEN_BROKER_LISTEN__PORT: "0", PLATEN_BROKER_FLEET__AUTO_SIGN: "false" };
  const config = loadBrokerConfig({ file, env });
  expect(config.listen.port).toBe(0);
  expect(config.fleet.autoSign).toBe(false);
  expect(isAbsolute(config.dataDir)).toBe(true);
  expect(publicAddress(config, 5)).toBe("[2001:db8::1]:9000");
});

test.each([
  ["listen = { port = 70000 }", "listen.port"],
  ['address = "http://broker"', "address"],
  ['address = "a b"', "address"],
  ["[policy]\notpDigits = 6", "policy.otpDigits"],
  ['[fleet]\npublicKey = "RWrubbish"', "fleet.publicKey"],
  ['[tls]\nnames = ["a\\u0000b"]', "tls.names"],
  ['[tls]\nnames = ["*"]', "tls.names"],
])("what cannot work is refused by its name: %j", async (text, key) => {
  const file = join(scratch.folder(), "broker.toml");
  writeFileSync(file, text);
  const error = await failure(() => loadBrokerConfig({ file }));
  expect(error.code).toBe("config-invalid");
  expect(error.message).toContain(key);
});

test("a mistyped setting is told with the nearest one", async () => {
  const file = join(scratch.folder(), "broker.toml");
  writeFileSync(file, "[fleet]\nautosign = false\n");
  const error = await failure(() => loadBrokerConfig({ file }));
  expect(error.code).toBe("config-unknown-key");
  expect(error.message).toContain("fleet.autoSign");
});

test("the schema's own defaults pass the schema", () => {
  const config = configSchema.parse({});
  expect(configSchema.parse(config)).toEqual(config);
});
