/** A sender with age, minisign, mosquitto and sh alone: the snippets of docs/protocol.md, run as they stand there. */
import { execFile, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fleet } from "./fleet.ts";

const run = promisify(execFile);
const REPOSITORY = new URL("../..", import.meta.url).pathname;
const TOOLS = ["age", "minisign", "mosquitto_pub", "mosquitto_sub"];

function isMissing(program: string): boolean {
  const { error } = spawnSync(program, ["--version"], { stdio: "ignore" });
  if (error && process.env.CI === "true") throw new Error(`${program} is not installed`);
  return error !== undefined;
}

/** The fenced blocks of docs/protocol.md by their names. */
const snippets = new Map(
  [
    ...readFileSync(join(REPOSITORY, "docs/protocol.md"), "utf8").matchAll(
      /<!-- sh: ([a-z-]+) -->\n```sh\n([\s\S]*?)```/g,
    ),
  ].map(([, name = "", body = ""]) => [name, body]),
);

describe.skipIf(TOOLS.some(isMissing))("docs/protocol.md", () => {
  let fleet: Fleet;
  let home: string;

  beforeAll(async () => {
    fleet = await Fleet.start();
    await fleet.addAgent({ lobby: { profile: "pjl" } });
    await fleet.startAgent("lobby");
    home = mkdtempSync(join(tmpdir(), "platen-standard-"));
    const main = join(REPOSITORY, "cli/platen.mjs");
    const add = ["user", "add", "erp", "--standard", "--data", fleet.path("broker")];
    const { stdout } = await run(process.execPath, [main, ...add]);
    writeFileSync(join(home, "access.txt"), stdout, { mode: 0o600 });
  });
  afterAll(async () => {
    await fleet?.close();
    if (home) rmSync(home, { recursive: true, force: true });
  });

  /** Runs snippets one after another in one shell; afterwards its variables `job` and `otp`. */
  async function sh(names: readonly string[], env: Record<string, string> = {}, patience = "-W 10") {
    const blocks = names.map((name) => {
      const snippet = snippets.get(name);
      if (snippet === undefined) throw new Error(`docs/protocol.md has no snippet ${name}`);
      return snippet.replaceAll("-W 10", patience);
    });
    const script = ['job="" otp=""', ...blocks, 'printf "\\n%s %s\\n" "$job" "$otp"'].join("\n");
    const { stdout } = await run("sh", ["-eu", "-c", script], {
      cwd: home,
      env: { ...process.env, ...env },
      timeout: 45_000,
    });
    const lines = stdout.trimEnd().split("\n");
    const [job = "", otp = ""] = (lines.pop() ?? "").split(" ");
    return { job, otp, said: lines.join("\n") };
  }

  function makeDocument(name: string, bytes: number): Buffer {
    const body = Buffer.concat([Buffer.from("%PDF-1.7\n"), randomBytes(bytes)]);
    writeFileSync(join(home, name), body);
    return body;
  }

  async function print(otp: string): Promise<void> {
    const agent = fleet.program("lobby");
    const count = () => agent.lines.filter(({ state }) => state === "delivered").length;
    const before = count();
    await fleet.type("lobby", `${otp}\n`);
    await agent.waitFor(() => count() > before, "delivered", 20_000);
  }

  test("sends one message that prints on its OTP", async () => {
    const body = makeDocument("document.pdf", 50_000);
    const { job, otp, said } = await sh(["connect", "list", "seal", "send-only", "wait"]);
    expect(said).toContain(`${job} is held`);
    expect(otp).toMatch(/^[0-9]{8}$/);
    await print(otp);
    expect(fleet.printed("lobby").some((printed) => printed.includes(body))).toBe(true);
  });

  test("sends parts, and again the one that was lost", async () => {
    const body = makeDocument("large.pdf", 420_000);
    // A mosquitto_pub that loses part 2 once, as a network may at QoS 0.
    const shim = join(home, "bin");
    mkdirSync(shim, { recursive: true });
    const real = spawnSync("sh", ["-c", "command -v mosquitto_pub"], { encoding: "utf8" }).stdout.trim();
    writeFileSync(
      join(shim, "mosquitto_pub"),
      `#!/bin/sh\ncase "$*" in */2) [ -e ${home}/lost ] || { touch ${home}/lost; cat > /dev/null; exit 0; } ;; esac\nexec ${real} "$@"\n`,
      { mode: 0o755 },
    );
    const { job, otp, said } = await sh(["connect", "list", "seal", "send-parts", "wait"], {
      document: "large.pdf",
      PATH: `${shim}${delimiter}${process.env.PATH}`,
    });
    expect(readFileSync(join(home, "lost"), "utf8")).toBe("");
    expect(said).toContain(`${job} is held`);
    await print(otp);
    expect(fleet.printed("lobby").some((printed) => printed.includes(body))).toBe(true);
  });

  test("cancels", async () => {
    makeDocument("document.pdf", 1000);
    const { job, said } = await sh(["connect", "list", "seal", "send-only", "wait", "cancel", "wait"]);
    // The second look may come before the printer's machine confirmed it.
    expect(said).toMatch(new RegExp(`${job} is (?:cancelled|held) by-sender\\s*$`));
  });

  test("stops at a list that is not the fleet key's, another target's or older than seen", async () => {
    const access = readFileSync(join(home, "access.txt"), "utf8");
    const key = /^fleet key {2}(\S+)$/m.exec(access)?.[1] ?? "";
    const other = Buffer.from(key, "base64");
    other.writeUInt8(other.readUInt8(20) ^ 1, 20);
    writeFileSync(join(home, "access.txt"), access.replace(key, other.toString("base64")));
    await expect(sh(["connect", "list"])).rejects.toThrow();
    writeFileSync(join(home, "access.txt"), access);
    await expect(sh(["connect", "list"], { target: "attic" }, "-W 1")).rejects.toMatchObject({ code: 27 });
    const seen = readFileSync(join(home, "seen-lobby"), "utf8");
    writeFileSync(join(home, "seen-lobby"), String(Number(seen) + 1));
    await expect(sh(["connect", "list"])).rejects.toThrow();
    writeFileSync(join(home, "seen-lobby"), seen);
    await sh(["connect", "list"]);
  });
});
