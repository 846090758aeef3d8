/**
 * The compiled halves of packages, chosen when the bundle is made instead of searched for at each start: each package's
 * own search is replaced by the one file for this machine, which is copied beside the bundle.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import type { OnResolveArgs, Plugin } from "esbuild";

export const ARCHES = ["x64", "arm64"] as const;
export type Arch = (typeof ARCHES)[number];

const require = createRequire(import.meta.url);
const NAMESPACE = "addon";
/** How node-gyp-build's packages name the processor. */
const GYP_TAG: Readonly<Record<Arch, string>> = { x64: "", arm64: ".armv8" };
/** Modules that search for an addon, and those that ask them. */
const SEARCHES = /^(?:node-gyp-build|pkg-prebuilds\/bindings|bindings)$/;

/** @param epoll the addon of `epoll`, built for `arch`; null leaves GPIO out */
export function pickAddons(arch: Arch, epoll: string | null): Plugin {
  return {
    name: "native-addons",
    setup(build) {
      build.onResolve({ filter: /^better-sqlite3$/ }, () => ({
        path: join(packageDir("better-sqlite3"), `lib/linux-${arch}.js`),
      }));
      build.onResolve({ filter: SEARCHES }, (asked) => ({
        path: `${ownerOf(asked)}.js`,
        namespace: NAMESPACE,
        pluginData: { owner: ownerOf(asked) },
      }));
      build.onLoad({ filter: /.*/, namespace: NAMESPACE }, ({ pluginData }) => ({
        contents: formatAnswer(pluginData.owner, arch, epoll),
        resolveDir: packageDir(pluginData.owner),
      }));
    },
  };
}

/** The folder of an installed package. */
export function packageDir(name: string): string {
  return dirname(require.resolve(`${name}/package.json`));
}

/** The package whose module asks: its folder under node_modules. */
function ownerOf({ importer }: OnResolveArgs): string {
  const [, owner] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(importer) ?? [];
  if (owner === undefined) throw new Error(`no package: ${importer}`);
  return owner;
}

/** A module that answers as the search would, without searching. */
function formatAnswer(owner: string, arch: Arch, epoll: string | null): string {
  const prebuild = (file: string) => requireOf(join(packageDir(owner), "prebuilds", file));
  switch (owner) {
    case "usb":
      return `module.exports = () => ${prebuild(`linux-${arch}/node.napi${GYP_TAG[arch]}${arch === "x64" ? ".glibc" : ""}.node`)};`;
    case "@serialport/bindings-cpp":
      return `module.exports = () => ${prebuild(`linux-${arch}/@serialport+bindings-cpp${GYP_TAG[arch]}.glibc.node`)};`;
    case "node-hid":
      return `module.exports = (folder, { name }) => name === "HID_hidraw"
        ? ${prebuild(`HID_hidraw-linux-${arch}/node-napi-v4.node`)}
        : ${prebuild(`HID-linux-${arch}/node-napi-v4.node`)};`;
    case "epoll":
      return epoll === null
        ? `module.exports = () => { throw Object.assign(new Error("GPIO was left out of this bundle"), { code: "MODULE_NOT_FOUND" }); };`
        : `module.exports = () => ${requireOf(epoll)};`;
    default:
      // A package that is new here: better no bundle than one that fails beside a printer.
      throw new Error(`the addon of ${owner} is not known; see ${basename(import.meta.filename)}`);
  }
}

function requireOf(file: string): string {
  if (!existsSync(file)) throw new Error(`${file} is missing; run npm ci`);
  return `require(${JSON.stringify(file)})`;
}
