/**
 * The root's files. Packages are unpacked and none of their scripts is run: no other processor has to be emulated, the
 * build needs seconds, and what the scripts would have done is done here, in sight.
 */
import {
  chmodSync,
  cpSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { formatAccounts, planAccounts } from "./accounts.ts";
import type { Kernel } from "./kernel.ts";
import { pruneLibraries } from "./libraries.ts";
import { ROOT_MODULES } from "./modules.table.ts";
import { run } from "./program.ts";
import { FIRMWARE, MASKED, PRUNED } from "./prune.table.ts";

const DEPLOY = new URL("..", import.meta.url).pathname;
const APP = "usr/lib/platen/app";

const FOLDERS = [
  ...["boot/firmware", "data", "dev", "etc/platen", "proc", "run", "sys", "tmp"],
  ...["var/lib/platen", "var/lib/systemd"],
];
/** What set-up writes is read where each program looks for it. */
const LINKS: Readonly<Record<string, string>> = {
  "etc/os-release": "../usr/lib/os-release",
  "etc/systemd/system/default.target": "/usr/lib/systemd/system/multi-user.target",
  // Signed by Debian, whose kernels know the key.
  "usr/lib/firmware/regulatory.db": "regulatory.db-debian",
  "usr/lib/firmware/regulatory.db.p7s": "regulatory.db.p7s-debian",
  "etc/resolv.conf": "../run/systemd/resolve/resolv.conf",
  "etc/platen/agent.toml": "/var/lib/platen/setup/agent.toml",
  "etc/systemd/network/10-platen.network": "/var/lib/platen/setup/10-platen.network",
  "etc/systemd/timesyncd.conf.d/90-platen-setup.conf": "/var/lib/platen/setup/timesyncd.conf",
};

export interface RootParts {
  /** Debian packages, files in the order they are unpacked. */
  readonly packages: readonly string[];
  readonly kernels: readonly Kernel[];
  /** A Node for the image's processor, and a folder with Platen (`npm run bundle`). */
  readonly node: string;
  readonly bundle: string;
  readonly version: string;
  /** Unix seconds: no clock is earlier, and no file is later. */
  readonly epoch: number;
}

/** @param root emptied first */
export function buildRoot(root: string, parts: RootParts): void {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  for (const file of parts.packages) run("dpkg-deb", ["--extract", file, root]);
  installPlaten(root, parts);
  for (const kernel of parts.kernels) kernel.installModules(ROOT_MODULES, root);
  writeAccounts(root);
  prune(root);
  writeIdentity(root, parts);
  chooseUnits(root);
  pruneLibraries(root);
  normalise(root);
}

function installPlaten(root: string, { node, bundle }: RootParts): void {
  const place = (from: string, to: string) => cpSync(from, join(root, to), { recursive: true });
  place(join(DEPLOY, "image/root"), ".");
  place(join(DEPLOY, "systemd/platen-agent.service"), "usr/lib/systemd/system/platen-agent.service");
  place(join(DEPLOY, "systemd/platen.sysusers.conf"), "usr/lib/sysusers.d/platen.conf");
  place(join(DEPLOY, "udev/70-platen.rules"), "usr/lib/udev/rules.d/70-platen.rules");
  place(node, "usr/bin/node");
  place(bundle, APP);
  writeFileSync(join(root, "usr/bin/platen"), `#!/bin/sh\nexec /usr/bin/node /${APP}/platen.mjs "$@"\n`);
  chmodSync(join(root, "usr/bin/platen"), 0o755);
}

function writeAccounts(root: string): void {
  const read = (path: string) => readFileSync(join(root, path), "utf8");
  const masters = {
    passwd: read("usr/share/base-passwd/passwd.master"),
    group: read("usr/share/base-passwd/group.master"),
  };
  const declared = readdirSync(join(root, "usr/lib/sysusers.d")).sort();
  const accounts = planAccounts(
    masters,
    declared.map((name) => read(join("usr/lib/sysusers.d", name))),
  );
  for (const [name, text] of Object.entries(formatAccounts(accounts))) {
    writeFileSync(join(root, "etc", name), text, { mode: name.endsWith("shadow") ? 0o600 : 0o644 });
  }
}

function prune(root: string): void {
  for (const pattern of PRUNED) {
    for (const path of globSync(pattern, { cwd: root }))
      rmSync(join(root, path), { recursive: true, force: true });
  }
  const firmware = join(root, "usr/lib/firmware");
  const kept = new Set(FIRMWARE.flatMap((pattern) => globSync(pattern, { cwd: firmware })));
  for (const path of globSync("*/*", { cwd: firmware })) if (!kept.has(path)) rmSync(join(firmware, path));
  run("find", [root, "-type", "f", "(", "-name", "*.a", "-o", "-name", "*.dpkg-*", ")", "-delete"]);
}

function writeIdentity(root: string, { version, epoch }: RootParts): void {
  const write = (path: string, text: string) => writeFileSync(join(root, path), text);
  write("etc/hostname", "platen\n");
  write("etc/hosts", "127.0.0.1 localhost platen\n::1 localhost platen\n");
  // Empty: systemd makes one in memory at each start. A card that is copied shares no id with the first.
  write("etc/machine-id", "");
  const release = readFileSync(join(root, "usr/lib/os-release"), "utf8");
  write("usr/lib/os-release", `${release}IMAGE_ID=platen\nIMAGE_VERSION=${version}\n`);
  // The clock's first floor (systemd(1), "Epoch").
  write("usr/lib/clock-epoch", "");
  utimesSync(join(root, "usr/lib/clock-epoch"), epoch, epoch);
  for (const folder of FOLDERS) mkdirSync(join(root, folder), { recursive: true });
  for (const [path, target] of Object.entries(LINKS)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    rmSync(join(root, path), { force: true });
    symlinkSync(target, join(root, path));
  }
}

function chooseUnits(root: string): void {
  run("systemctl", ["--root", root, "preset-all"]);
  const units = join(root, "etc/systemd/system");
  mkdirSync(units, { recursive: true });
  for (const name of MASKED) {
    rmSync(join(units, name), { force: true });
    symlinkSync("/dev/null", join(units, name));
  }
}

/** No program gains rights by being run; nobody but root may change a file. */
function normalise(root: string): void {
  run("chmod", ["--recursive", "u=rwX,g-ws,o-wt,u-s,a+X", root]);
  for (const path of ["root", "etc/shadow", "etc/gshadow"]) run("chmod", ["go=", join(root, path)]);
  run("chmod", ["1777", join(root, "tmp")]);
}
