/** The demo's proof: what came out is what went in, and nothing of it stayed behind. Exit status 0 hangs on this. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatBytes } from "../size.ts";
import { type Canary, cutSlices, type SearchResult, searchFolders } from "./canary.ts";
import type { Folders } from "./stage.ts";

export interface Check {
  readonly ok: boolean;
  readonly what: string;
  readonly detail: string;
}

/** The folders that broker and agent write: their data and their logs. */
export function searchPrograms(folders: Folders, canary: Canary): SearchResult {
  return searchFolders([folders.broker, folders.agent, folders.logs], canary);
}

/** Nothing was found, and there was something to look at. */
export function judgeSearch(when: string, { files, bytes, findings }: SearchResult, root: string): Check {
  const ok = findings.length === 0 && files > 0;
  const where = findings
    .slice(0, 3)
    .map(({ what, file, at }) => `${what} in ${file.replace(`${root}/`, "")} at byte ${at}`);
  const found = `${findings.length} found: ${where.join("; ")}`;
  const size = `document, name, OTP; ${files} files, ${formatBytes(bytes)}`;
  const what = `no trace ${when}`;
  return { ok, what, detail: ok ? size : files === 0 ? "nothing to search" : found };
}

/** Byte for byte, one file. */
export function judgePrinted(folders: Folders, document: Uint8Array): Check {
  const files = readdirSync(folders.printed);
  const [first] = files;
  const printed = first === undefined ? Buffer.alloc(0) : readFileSync(join(folders.printed, first));
  const same = files.length === 1 && printed.equals(document);
  const detail = same
    ? `${printed.length} bytes`
    : `${printed.length} of ${document.length} bytes, in ${files.length} files`;
  return { ok: same, what: "what came out is what went in, byte for byte", detail };
}

/**
 * The same search must find every slice in what was printed, and name and OTP in a file that holds them; else it
 * would prove nothing.
 */
export function judgeSearchItself(folders: Folders, canary: Canary): Check {
  const planted = join(folders.root, "planted");
  mkdirSync(planted, { recursive: true });
  writeFileSync(join(planted, "control"), `${canary.name}\n${canary.otp}\n`);
  const slices = cutSlices(canary.document).length;
  const inPrint = searchFolders([folders.printed], canary).slicesFound;
  const control = new Set(searchFolders([planted], canary).findings.map(({ what }) => what));
  const ok = slices > 0 && inPrint === slices && control.has("name") && control.has("otp");
  const detail = `${inPrint} of ${slices} slices`;
  return { ok, what: "the same search finds all of it in the print", detail };
}

/** What `--leak` plants among the agent's files, so that a person can see the search find it. */
export function plantLeak(folders: Folders, canary: Canary, what: "document" | "name" | "otp" | "all"): void {
  const leaks = {
    document: canary.document.subarray(100_000, 100_063),
    name: Buffer.from(`{"event":"held","name":"${canary.name}"}\n`),
    otp: Buffer.from(`{"event":"entered","otp":"${canary.otp}"}\n`),
  };
  const planted = what === "all" ? Object.values(leaks) : [leaks[what]];
  writeFileSync(join(folders.agent, "leak"), Buffer.concat(planted));
}
