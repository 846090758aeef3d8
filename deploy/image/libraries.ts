/** Which shared libraries the programs of a root need: a missing one fails here and not beside a printer; the rest goes. */
import { closeSync, openSync, readdirSync, readFileSync, readSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { run } from "./program.ts";

const LIBRARIES = "usr/lib/aarch64-linux-gnu";
/** Opened by name while a program runs, without a note that says so. */
const OPENED_LATER = ["libgcc_s.so.1", "libnss_files.so.2", "libnss_dns.so.2"];

/**
 * Removes libraries that nothing in the root needs.
 * @returns the names of those removed
 * @throws Error when a program or library needs one that is not there
 */
export function pruneLibraries(root: string): string[] {
  const files = listElf(root);
  const needs = readNeeds(files);
  const folder = join(root, LIBRARIES);
  const byName = new Map(files.filter((path) => isIn(folder, path)).map((path) => [basename(path), path]));
  // Links carry the names that programs ask for.
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isSymbolicLink()) continue;
    const target = byName.get(
      basename(
        run("readlink", ["-f", join(folder, entry.name)])
          .toString()
          .trim(),
      ),
    );
    if (target !== undefined) byName.set(entry.name, target);
  }
  const kept = new Set(files.filter((path) => !isIn(folder, path)));
  const queue = [...kept, ...OPENED_LATER.flatMap((name) => byName.get(name) ?? [])];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    kept.add(path);
    const { required, optional } = needs.get(path) ?? { required: [], optional: [] };
    for (const name of [...required, ...optional]) {
      const library = byName.get(name) ?? byName.get(basename(name));
      if (
        library === undefined &&
        required.includes(name) &&
        !files.some((file) => basename(file) === name)
      ) {
        throw new Error(`${path.slice(root.length)} needs ${name}, which no package brings`);
      }
      if (library !== undefined && !kept.has(library)) queue.push(library);
    }
  }
  const surplus = files.filter((path) => !kept.has(path));
  for (const path of surplus) rmSync(path);
  run("find", [folder, "-xtype", "l", "-delete"]);
  return surplus.map((path) => basename(path));
}

/** Directly in the folder: what lies deeper is opened by its path, by who brought it. */
function isIn(folder: string, path: string): boolean {
  return path.startsWith(`${folder}/`) && !path.slice(folder.length + 1).includes("/");
}

function listElf(root: string): string[] {
  const paths = run("find", [root, "-xdev", "-type", "f", "-size", "+1", "-not", "-name", "*.ko*"])
    .toString()
    .split("\n");
  return paths.filter((path) => path !== "" && isElf(path)).sort();
}

function isElf(path: string): boolean {
  const start = Buffer.alloc(4);
  const file = openSync(path, "r");
  try {
    return readSync(file, start) === 4 && start.toString("latin1") === "\x7fELF";
  } finally {
    closeSync(file);
  }
}

function readNeeds(
  files: readonly string[],
): Map<string, { readonly required: string[]; readonly optional: string[] }> {
  const said = run("aarch64-linux-gnu-readelf", ["--dynamic", "--wide", ...files]).toString();
  const pages = said.split(/^File: /m).slice(1);
  return new Map(
    pages.map((page) => {
      const path = page.slice(0, page.indexOf("\n"));
      const required = [...page.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name = ""]) => name);
      return [path, { required, optional: readNotes(path) }];
    }),
  );
}

/** The libraries that a program says it opens while it runs (the ELF note `.note.dlopen`, as systemd writes it). */
function readNotes(path: string): string[] {
  const notes = readFileSync(path, "latin1").matchAll(/"soname":\[([^\]]*)\]/g);
  return [...notes].flatMap(([, names = ""]) =>
    [...names.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name),
  );
}
