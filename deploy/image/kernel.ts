/** One of Debian's kernels: its image packed for the Pi's firmware, its device trees, and the few modules we use of it. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { constants, gzipSync } from "node:zlib";
import type { Archive, DebianPackage } from "./archive.ts";
import { run } from "./program.ts";

export class Kernel {
  readonly version: string;
  readonly packages: readonly DebianPackage[];
  readonly #folder: string;

  private constructor(folder: string, version: string, packages: readonly DebianPackage[]) {
    this.#folder = folder;
    this.version = version;
    this.packages = packages;
  }

  /** @param name of the package, with `/release` where it is not the usual one; @param folder kept between runs */
  static unpack(archive: Archive, name: string, folder: string): Kernel {
    const packages = archive
      .resolve([name])
      .filter((one) => /^linux-(?:image|binary|modules|base)-[0-9]/.test(one.name));
    const [, version] = /^linux-\w+-(.*)$/.exec(packages[0]?.name ?? "") ?? [];
    if (version === undefined) throw new Error(`${name} brings no kernel`);
    const target = join(folder, `${version}_${packages[0]?.version.replace(/[^\w.+-]/g, "_")}`);
    if (!existsSync(join(target, "unpacked"))) {
      mkdirSync(target, { recursive: true });
      for (const file of archive.fetch(packages)) run("dpkg-deb", ["--extract", file, target]);
      run("depmod", ["-b", join(target, "usr"), version]);
      writeFileSync(join(target, "unpacked"), "");
    }
    return new Kernel(target, version, packages);
  }

  /** Gzip, which the firmware unpacks while it reads: a slow card is read half as long. */
  packImage(): Buffer {
    const places = [`boot/vmlinuz-${this.version}`, `usr/lib/modules/${this.version}/vmlinuz`];
    const image = readFileSync(this.#find(places));
    if (image.toString("latin1", 0x38, 0x3c) !== "ARMd")
      throw new Error(`${this.version}: not an arm64 Image`);
    return gzipSync(image, { level: constants.Z_BEST_COMPRESSION });
  }

  /** The device trees of the Pis, as file names and paths. */
  listDeviceTrees(): ReadonlyMap<string, string> {
    const places = [
      `usr/lib/linux-image-${this.version}/broadcom`,
      `usr/lib/modules/${this.version}/dtb/broadcom`,
    ];
    const folder = this.#find(places);
    const names = readdirSync(folder).filter((name) => /^bcm2(?:837|711|712)-.*\.dtb$/.test(name));
    return new Map(names.sort().map((name) => [name, join(folder, name)]));
  }

  /** Paths of these modules and all that they need, each after what it needs. */
  listModules(names: readonly string[]): string[] {
    const paths = names.flatMap((name) => this.#insertions(name));
    return [...new Set(paths)];
  }

  /** Copies modules, with what modprobe needs to find them, to a root. */
  installModules(names: readonly string[], root: string): void {
    const source = join(this.#folder, "usr");
    const target = join(root, "usr");
    for (const path of this.listModules(names)) {
      const copy = join(target, relative(source, path));
      mkdirSync(dirname(copy), { recursive: true });
      cpSync(path, copy);
    }
    const lists = `lib/modules/${this.version}`;
    for (const name of ["modules.builtin", "modules.builtin.modinfo", "modules.order"]) {
      cpSync(join(source, lists, name), join(target, lists, name));
    }
    run("depmod", ["-b", target, this.version]);
  }

  #insertions(name: string): string[] {
    const options = ["--dirname", join(this.#folder, "usr"), "--set-version", this.version];
    try {
      const said = run("modprobe", [...options, "--show-depends", "--ignore-install", name]).toString();
      return [...said.matchAll(/^insmod (\S+)/gm)].map(([, path = ""]) => path);
    } catch {
      return [];
    }
  }

  #find(places: readonly string[]): string {
    const found = places.map((place) => join(this.#folder, place)).find((path) => existsSync(path));
    if (found === undefined) throw new Error(`${this.version}: none of ${places.join(", ")}`);
    return found;
  }
}
