/**
 * Debian's archive for another processor and release, read through apt with folders of its own: the machine's packages
 * are not touched. apt checks signatures and digests; what was fetched once is kept.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ARCH, RELEASE } from "./packages.table.ts";
import { run } from "./program.ts";

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const COMPONENTS = "main non-free-firmware";

/** Where Debian's packages come from: base addresses without a release. */
export interface Mirrors {
  readonly main: string;
  readonly security: string;
}

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly arch: string;
}

/** The mirrors that this machine's own apt uses. Null where it knows none of Debian's. */
export function findMirrors(): Mirrors | null {
  const targets = run("apt-get", ["indextargets", "--format", "$(ORIGIN) $(RELEASE) $(REPO_URI)"]);
  const known = targets
    .toString()
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([origin]) => origin === "Debian");
  const find = (isIt: (release: string) => boolean) => known.find(([, release = ""]) => isIt(release))?.[2];
  const main = find((release) => !release.endsWith("-security"));
  const security = find((release) => release.endsWith("-security"));
  return main === undefined || security === undefined ? null : { main, security };
}

export class Archive {
  readonly #folder: string;
  readonly #env: Readonly<Record<string, string>>;

  /** @param folder for lists and packages; may be one of an earlier run */
  constructor(folder: string, mirrors: Mirrors) {
    this.#folder = folder;
    for (const name of ["lists/partial", "archives/partial"])
      mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, "status"), "");
    writeFileSync(join(folder, "sources.list"), formatSources(mirrors));
    writeFileSync(join(folder, "apt.conf"), formatSettings(folder));
    this.#env = { APT_CONFIG: join(folder, "apt.conf") };
  }

  update(): void {
    run("apt-get", ["update"], { env: this.#env });
  }

  /** These packages and all they depend on, in the versions apt would install. */
  resolve(names: readonly string[]): DebianPackage[] {
    const plan = run("apt-get", ["install", "--simulate", "--yes", ...names], { env: this.#env }).toString();
    return [...plan.matchAll(/^Inst (\S+) \((\S+) .*\[(\S+)\]\)/gm)]
      .map(([, name = "", version = "", arch = ""]) => ({ name: name.replace(/:.*/, ""), version, arch }))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** @returns the files, in the same order */
  fetch(packages: readonly DebianPackage[]): string[] {
    const missing = packages.filter((one) => !existsSync(this.#fileOf(one)));
    if (missing.length > 0) {
      run("apt-get", ["download", ...missing.map(({ name, version }) => `${name}=${version}`)], {
        env: this.#env,
        cwd: join(this.#folder, "archives"),
      });
    }
    return packages.map((one) => this.#fileOf(one));
  }

  #fileOf({ name, version, arch }: DebianPackage): string {
    return join(this.#folder, "archives", `${name}_${version.replace(":", "%3a")}_${arch}.deb`);
  }
}

function formatSources({ main, security }: Mirrors): string {
  const sources = [
    [main, RELEASE],
    [main, `${RELEASE}-updates`],
    [main, `${RELEASE}-backports`],
    [security, `${RELEASE}-security`],
  ];
  return sources.map(([uri, suite]) => `deb [signed-by=${KEYRING}] ${uri} ${suite} ${COMPONENTS}\n`).join("");
}

function formatSettings(folder: string): string {
  // Proxies, time limits and the like, as this machine has them; its hooks are for its own packages.
  const acquire = run("apt-config", ["dump", "--no-empty", "Acquire"]).toString();
  const settings: readonly (readonly [string, string])[] = [
    ["Dir::Etc::parts", "/dev/null"],
    ["Dir::Etc::main", "/dev/null"],
    ["APT::Architecture", ARCH],
    ["APT::Install-Recommends", "false"],
    ["APT::Sandbox::User", "root"],
    ["Dir::State", folder],
    ["Dir::State::lists", join(folder, "lists")],
    ["Dir::State::status", join(folder, "status")],
    ["Dir::Cache", folder],
    ["Dir::Cache::archives", join(folder, "archives")],
    ["Dir::Etc::sourcelist", join(folder, "sources.list")],
    ["Dir::Etc::sourceparts", "/dev/null"],
    ["Dir::Etc::preferences", "/dev/null"],
    ["Dir::Etc::preferencesparts", "/dev/null"],
  ];
  const lines = settings.map(([name, value]) => `${name} "${value}";\n`);
  return `${acquire}${lines.join("")}APT::Architectures { "${ARCH}"; };\n`;
}
