/** `npm run image`: a card for a Raspberry Pi, from Debian's packages and npm alone. Mounts nothing and needs no root. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Archive, type DebianPackage, findMirrors } from "./archive.ts";
import { fillBootFolder } from "./boot-folder.ts";
import { writeCardImage } from "./card-image.ts";
import { packBoot, packData, packRoot } from "./file-systems.ts";
import { Kernel } from "./kernel.ts";
import { fetchNode } from "./node-runtime.ts";
import { KERNEL, KERNEL_PI5, PACKAGES, WITHHELD } from "./packages.table.ts";
import { describeMissing, run } from "./program.ts";
import { buildRoot } from "./root-tree.ts";
import { signDigests, writeDigests } from "./signature.ts";

const REPOSITORY = new URL("../..", import.meta.url).pathname;
const NAME = "platen-arm64";

const { values } = parseArgs({
  options: {
    out: { type: "string", default: join(REPOSITORY, ".image") },
    /** Debian's archive, where the machine's own apt is not to be asked. */
    mirror: { type: "string", default: process.env.PLATEN_DEBIAN_MIRROR },
    "security-mirror": { type: "string", default: process.env.PLATEN_DEBIAN_SECURITY_MIRROR },
    /** A folder made by `npm run bundle -- --arch arm64`; made anew without. */
    bundle: { type: "string" },
    /** minisign's secret key. */
    key: { type: "string" },
    /** Without the compressed copy: for who boots it here. */
    raw: { type: "boolean", default: false },
    /** Without the second kernel. */
    "no-pi5": { type: "boolean", default: false },
  },
});

const startedMs = performance.now();
const out = resolve(values.out);
const place = (...names: string[]) => join(out, ...names);
const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? readCommitTime());
const { version } = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8")) as { version: string };

const missing = describeMissing();
if (missing !== null) {
  process.stderr.write(`${missing}\n`);
  process.exit(69);
}
build();

function build(): void {
  mkdirSync(place("work"), { recursive: true });
  const archive = new Archive(place("cache"), chooseMirrors());
  archive.update();
  const packages = archive.resolve(PACKAGES).filter(({ name }) => !WITHHELD.has(name));
  const files = archive.fetch(packages);
  say(`${packages.length} packages`);

  const kernel = Kernel.unpack(archive, KERNEL, place("cache/kernels"));
  const kernelPi5 = values["no-pi5"] ? null : Kernel.unpack(archive, KERNEL_PI5, place("cache/kernels"));
  const kernels = kernelPi5 === null ? [kernel] : [kernel, kernelPi5];
  say(`kernels ${kernels.map((one) => one.version).join(", ")}`);

  const node = fetchNode(place("cache/node"));
  const bundle = values.bundle === undefined ? makeBundle() : resolve(values.bundle);
  say(`Node ${node.version}, Platen ${version}`);

  // What is unpacked and then not part of the root: the firmware, the initramfs' program.
  const aside = place("work/aside");
  rmSync(aside, { recursive: true, force: true });
  for (const name of ["raspi-firmware", "busybox-static"]) {
    run("dpkg-deb", ["--extract", files[packages.findIndex((one) => one.name === name)] ?? "", aside]);
  }
  const inRoot = files.filter((_, index) => packages[index]?.name !== "busybox-static");
  buildRoot(place("work/root"), { packages: inRoot, kernels, node: node.path, bundle, version, epoch });
  packRoot(place("work/root"), place("work/root.squashfs"), epoch);
  say(`root, ${megabytes(place("work/root.squashfs"))}`);

  const parts = {
    firmware: join(aside, "usr/lib/raspi-firmware"),
    busybox: join(aside, "usr/bin/busybox"),
    ...{ kernel, kernelPi5, epoch },
  };
  fillBootFolder(place("work/boot"), place("work/initramfs"), parts);
  packBoot(place("work/boot"), place("work/boot.fat"), epoch);
  packData(["platen", "systemd"], place("work/data.ext4"), epoch);
  say("boot and data");

  const image = place(`${NAME}.img`);
  writeCardImage(image, {
    boot: place("work/boot.fat"),
    "root-a": place("work/root.squashfs"),
    data: place("work/data.ext4"),
  });
  finish(image, [...packages, ...kernels.flatMap((one) => one.packages)]);
}

function finish(image: string, packages: readonly DebianPackage[]): void {
  copyFileSync(place("work/boot/a/vmlinuz"), place("vmlinuz"));
  copyFileSync(place("work/boot/a/initrd.img"), place("initrd.img"));
  const lines = packages.map(({ name, version, arch }) => `${name} ${version} ${arch}\n`).sort();
  writeFileSync(place(`${NAME}.packages`), lines.join(""));
  const packed = `${NAME}.img.zst`;
  rmSync(place(packed), { force: true });
  // What is in it is packed already; more than the zeros between is not to be had.
  if (!values.raw) run("zstd", ["--quiet", "--threads=0", "-10", image, "-o", place(packed)]);
  const made = [`${NAME}.img`, ...(values.raw ? [] : [packed]), `${NAME}.packages`];
  say(made.map((name) => `${name} ${megabytes(place(name))}`).join(", "));
  writeDigests(out, made);
  rmSync(place("SHA256SUMS.minisig"), { force: true });
  if (values.key !== undefined) signDigests(out, values.key, version);
  else process.stderr.write("SHA256SUMS is not signed; --key FILE names a minisign key.\n");
}

function chooseMirrors() {
  const { mirror: main, "security-mirror": security = main?.replace(/\/?$/, "-security") } = values;
  const mirrors = main !== undefined && security !== undefined ? { main, security } : findMirrors();
  if (mirrors !== null) return mirrors;
  process.stderr.write(
    "apt knows no mirror of Debian here; name one with --mirror (and --security-mirror).\n",
  );
  process.exit(78);
}

function makeBundle(): string {
  const folder = place("work/bundle");
  run(process.execPath, [join(REPOSITORY, "deploy/bundle/main.ts"), "--arch", "arm64", "--out", folder], {
    cwd: REPOSITORY,
  });
  return folder;
}

/** When this version was made; equal for who builds it again. */
function readCommitTime(): string {
  if (existsSync(join(REPOSITORY, ".git"))) {
    return run("git", ["log", "-1", "--format=%ct"], { cwd: REPOSITORY }).toString().trim();
  }
  return String(Math.floor(statSync(join(REPOSITORY, "package.json")).mtimeMs / 1000));
}

function megabytes(path: string): string {
  return `${(statSync(path).size / 1e6).toFixed(1)} MB`;
}

function say(what: string): void {
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(6);
  process.stdout.write(`${seconds} s  ${what}\n`);
}
