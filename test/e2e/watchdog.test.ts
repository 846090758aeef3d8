/** The agent as systemd watches it: real processes, a real socket in systemd's place. */
import { type ChildProcess, spawn } from "node:child_process";
import { renameSync } from "node:fs";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { Fleet } from "./fleet.ts";

/** What came to the socket so far, in systemd's words (sd_notify(3)). */
const told: string[] = [];
let fleet: Fleet;
let listener: ChildProcess;

/** Node has no Unix datagram sockets; Perl is on every Debian. */
const LISTEN = `use Socket; $| = 1;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, pack_sockaddr_un($ARGV[0])) or die; print "listening\\n";
while (defined recv($s, my $text, 4096, 0)) { print join(" ", split /\\n/, $text), "\\n" }`;

beforeAll(async () => {
  fleet = await Fleet.start();
  const socket = fleet.path("notify");
  listener = spawn("perl", ["-e", LISTEN, socket], { stdio: ["ignore", "pipe", "inherit"] });
  createInterface({ input: listener.stdout as NodeJS.ReadableStream }).on("line", (line) => told.push(line));
  await vi.waitFor(() => expect(told).toEqual(["listening"]));
  await fleet.addAgent({ lobby: {} });
  Object.assign(process.env, { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "1000000" });
  try {
    await fleet.startAgent("lobby");
  } finally {
    delete process.env.NOTIFY_SOCKET;
    delete process.env.WATCHDOG_USEC;
  }
});
afterAll(async () => {
  await fleet.close();
  listener.kill();
});

const pings = () => told.filter((line) => line === "WATCHDOG=1").length;
const fed = (more: number) => expect.poll(pings, { timeout: 20_000 }).toBeGreaterThanOrEqual(more);

/** Nothing more comes once what was on its way has come. */
async function quiet(): Promise<void> {
  let before = -1;
  const isSame = () => {
    const now = pings();
    const same = now === before;
    before = now;
    return same;
  };
  await expect.poll(isSame, { interval: 2000, timeout: 30_000 }).toBe(true);
}

it("is fed while the agent turns, not while it hangs", async () => {
  await fed(2);
  expect(told.indexOf("READY=1")).toBeLessThan(told.indexOf("WATCHDOG=1"));
  const { pid = 0 } = fleet.program("lobby");
  process.kill(pid, "SIGSTOP");
  try {
    await quiet();
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await fed(pings() + 2);
});

it("is not fed while the agent's database is gone, and systemd and the log say why", async () => {
  const file = fleet.path("lobby", "jobs", "jobs.db");
  renameSync(file, `${file}.away`);
  await expect
    .poll(() => told, { timeout: 20_000 })
    .toContain("STATUS=not well: the database does not answer (ENOENT)");
  await quiet();
  expect(fleet.program("lobby").lines.filter(({ event }) => event === "unwell")).toHaveLength(1);
  renameSync(`${file}.away`, file);
  await fed(pings() + 2);
});
