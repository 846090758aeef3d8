/** Who wrote what a bundle holds, and on which terms: one text, package by package. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const LICENCE_FILE = /^(?:licen[cs]e|copying|notice|copyright)(?:[-.](?:md|txt|mit|apache|bsd).*)?$/i;
/** What lies compiled inside an addon, and whose licence stands in its sources. */
const INSIDE: Readonly<Record<string, readonly string[]>> = {
  usb: ["libusb"],
  "node-hid": ["hidapi"],
};

/** The folders of the packages that `inputs` come from, paths as esbuild's metafile has them; sorted. */
export function listPackages(inputs: Iterable<string>): string[] {
  const folders = new Set<string>();
  for (const input of inputs) {
    const [, folder] = /^(?:[a-z-]+:)?(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input) ?? [];
    if (folder !== undefined) folders.add(folder);
  }
  return [...folders].sort();
}

/** The licences of the packages in `folders`, in full. */
export function collectLicences(root: string, folders: readonly string[]): string {
  const pages = folders.map((folder) => describePackage(join(root, folder)));
  return pages.join(`\n${"=".repeat(72)}\n\n`);
}

function describePackage(folder: string): string {
  const { name, version, license, homepage } = JSON.parse(
    readFileSync(join(folder, "package.json"), "utf8"),
  ) as { name: string; version: string; license?: string; homepage?: string };
  const heading = [`${name} ${version}`, license, homepage].filter(Boolean).join("\n");
  const texts = ["", ...(INSIDE[name] ?? [])].flatMap((inner) => readTexts(join(folder, inner)));
  return `${[heading, ...texts].join("\n\n")}\n`;
}

function readTexts(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && LICENCE_FILE.test(entry.name))
    .map((entry) => readFileSync(join(folder, entry.name), "utf8").trim());
}
