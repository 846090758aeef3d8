/** `npm run bundle -- --arch arm64 --out DIR`: Platen in a few files for one processor. */
import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { writeBundle } from "./bundle.ts";
import { ARCHES } from "./native-addons.ts";

const { values } = parseArgs({
  options: { arch: { type: "string", default: process.arch }, out: { type: "string" } },
});
const arch = ARCHES.find((known) => known === values.arch);
if (arch === undefined || values.out === undefined) {
  process.stderr.write(`npm run bundle -- --arch ${ARCHES.join("|")} --out DIR\n`);
  process.exit(64);
}
const folder = resolve(values.out);
const { packages, withoutGpio } = await writeBundle(arch, folder);
const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
const bytes = sizes.reduce((sum, size) => sum + size, 0);
process.stdout.write(
  `${folder}: ${sizes.length} files, ${(bytes / 1e6).toFixed(1)} MB, from ${packages.length} packages, for ${arch}\n`,
);
if (withoutGpio !== null) {
  process.stderr.write(`Left out: GPIO (lamps, buzzer, tamper switch), as ${withoutGpio}.\n`);
}
