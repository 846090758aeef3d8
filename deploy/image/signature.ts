/** Digests of what was made, and a signature over them: whoever flashes a card can see that it is what was built. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./program.ts";

/** Writes `SHA256SUMS` for `names` in `folder`, as sha256sum(1) reads it. */
export function writeDigests(folder: string, names: readonly string[]): void {
  const lines = names.map((name) => {
    const digest = createHash("sha256")
      .update(readFileSync(join(folder, name)))
      .digest("hex");
    return `${digest}  ${name}\n`;
  });
  writeFileSync(join(folder, "SHA256SUMS"), lines.join(""));
}

/** Writes `SHA256SUMS.minisig`. minisign asks for the key's password, where it has one, on the terminal. */
export function signDigests(folder: string, key: string, version: string): void {
  run("minisign", ["-S", "-s", key, "-t", `platen image ${version}`, "-m", join(folder, "SHA256SUMS")], {
    input: "\n",
  });
}
