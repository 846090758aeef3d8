/** The demo's stage: a fresh folder, a real broker and a real agent as child processes, a sender who joined. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Profile } from "../../client/profile.ts";
import { PlatenError } from "../../wire/error.ts";
import { Child } from "./child.ts";

export const PRINTER = "lobby";
export const USER = "alice";
const START_MS = 30_000;

export interface Folders {
  readonly root: string;
  readonly broker: string;
  readonly agent: string;
  readonly sender: string;
  /** What comes out of the printer. */
  readonly printed: string;
  readonly keypad: string;
  readonly logs: string;
}

/** A folder of its own under the temporary one, readable by its owner alone. */
export function makeFolders(): Folders {
  const root = mkdtempSync(join(tmpdir(), "platen-demo-"));
  const at = (name: string) => join(root, name);
  const folders = {
    root,
    broker: at("broker"),
    agent: at("agent"),
    sender: at("sender"),
    printed: at("printed"),
    keypad: at("keypad"),
    logs: at("logs"),
  };
  for (const name of ["broker", "agent", "sender", "printed", "logs"] as const) {
    mkdirSync(folders[name], { mode: 0o700 });
  }
  return folders;
}

/** Runs the broker in its own process until the returned child is stopped. */
export async function startBroker(
  folders: Folders,
  onStart: (child: Child) => void,
  signal: AbortSignal,
): Promise<{ broker: Child; address: string }> {
  const port = await findFreePort();
  const address = `localhost:${port}`;
  const config = join(folders.root, "broker.toml");
  writeFileSync(config, `address = "${address}"\n\n[listen]\nhost = "localhost"\nport = ${port}\n`);
  const args = ["broker", "--data", folders.broker, "--config", config];
  const broker = new Child("broker", args, join(folders.logs, "broker.log"), false);
  onStart(broker);
  await waitUntilReady(broker, "broker-ready", signal);
  return { broker, address };
}

/** Runs the agent in its own process; with `terminal` the keypad is this terminal, else a named pipe. */
export async function startAgent(
  folders: Folders,
  terminal: boolean,
  onStart: (child: Child) => void,
  signal: AbortSignal,
): Promise<Child> {
  const config = join(folders.root, "agent.toml");
  const keypad = terminal ? "tty:" : `pipe:${folders.keypad}`;
  const lines = [
    `keypads = ["${keypad}"]`,
    `panel = { kind = "${terminal ? "terminal" : "none"}" }`,
    // Destroyed as soon as it came out, so that the search has an end to look at.
    "policy = { deliveredGraceSeconds = 0 }",
    "",
    `[printer.${PRINTER}]`,
    `uri = "file:${folders.printed}"`,
    // Nothing around the document: what comes out is compared byte for byte.
    'profile = "raw"',
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  const args = ["agent", "--data", folders.agent, "--config", config];
  const agent = new Child("agent", args, join(folders.logs, "agent.log"), terminal);
  onStart(agent);
  await waitUntilReady(agent, "ready", signal);
  return agent;
}

/** What `platen printer add` and `platen agent enrol` do. Returns the fingerprint a person would compare. */
export async function enrolPrinter(folders: Folders): Promise<string> {
  const { callAdmin } = await import("../../broker/admin-client.ts");
  const { enrolAgent } = await import("../../agent/enrol.ts");
  const { code } = await callAdmin(folders.broker, "printer.add", { name: PRINTER });
  return (await enrolAgent(code ?? "", folders.agent)).fingerprint;
}

/** What `platen user add` and `platen join` do. */
export async function joinSender(folders: Folders): Promise<Profile> {
  const { callAdmin } = await import("../../broker/admin-client.ts");
  const { join: joinBroker } = await import("../../client/join.ts");
  const access = await callAdmin(folders.broker, "user.add", { name: USER });
  return joinBroker(access.kind === "invite" ? access.code : "", folders.sender);
}

export function removeFolders(folders: Folders): void {
  rmSync(folders.root, { recursive: true, force: true });
}

async function waitUntilReady(child: Child, ready: string, signal: AbortSignal): Promise<void> {
  await child.waitFor(({ event }) => event === ready, "start", START_MS, signal);
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "localhost", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string")
    throw new PlatenError("internal", { what: "no free port" });
  return address.port;
}
