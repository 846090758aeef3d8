/**
 * The addon of `epoll`, the one package that ships none: it is compiled against the headers that the pinned Node brings,
 * which are the same for every processor, by this machine's compiler or a cross-compiler.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type Arch, packageDir } from "./native-addons.ts";

const COMPILERS: Readonly<Record<Arch, string>> = {
  x64: "x86_64-linux-gnu-g++",
  arm64: "aarch64-linux-gnu-g++",
};

/** The compiled addon in `folder`; or why there is none. */
export function buildEpoll(arch: Arch, folder: string): { readonly file: string } | { readonly why: string } {
  const compiler = COMPILERS[arch];
  const file = join(folder, "epoll.node");
  let include: string[];
  let source: string;
  try {
    source = join(packageDir("epoll"), "src/epoll.cc");
    include = [
      join(packageDir(`node-linux-${process.arch}`), "include/node"),
      join(packageDir("epoll"), "src"),
      packageDir("nan"),
    ];
  } catch (error) {
    return { why: `an optional package is not installed (${(error as Error).message.split("\n")[0]})` };
  }
  const flags = "-std=gnu++20 -O2 -fPIC -shared -s -pthread -w -DNODE_GYP_MODULE_NAME=epoll".split(" ");
  const defines = ["-DBUILDING_NODE_EXTENSION", "-D_FILE_OFFSET_BITS=64"];
  const args = [...flags, ...defines, ...include.map((path) => `-I${path}`), source, "-o", file];
  const { error, status, stderr } = spawnSync(compiler, args, { encoding: "utf8" });
  if (error !== undefined) return { why: `${compiler} is not installed` };
  if (status !== 0) throw new Error(`${compiler} failed:\n${stderr}`);
  return { file };
}
