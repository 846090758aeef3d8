/**
 * Platen in a few files: what a small machine loads at each start. Holds no development file, the addons of one
 * processor only, and the licences of all that is in it. Runs under the pinned Node: `node DIR/platen.mjs`.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildEpoll } from "./epoll.ts";
import { collectLicences, listPackages } from "./licences.ts";
import { type Arch, pickAddons } from "./native-addons.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Files that our sources look for beside themselves. */
const BESIDE = ["cli/platen.mjs", "cli/demo/document.pdf", "deploy/udev/70-platen.rules", "LICENSE"];
/** Packages written for CommonJS ask for Node's own modules by `require`. */
const BANNER = `import { createRequire as $createRequire } from "node:module";\nconst require = $createRequire(import.meta.url);`;

interface Bundle {
  readonly packages: readonly string[];
  /** Why lamps and buzzer cannot be used by it; null when they can. */
  readonly withoutGpio: string | null;
}

/** Writes the bundle to `folder`: a new or empty one, or one that holds a bundle, which is replaced. */
export async function writeBundle(arch: Arch, folder: string): Promise<Bundle> {
  if (existsSync(folder) && readdirSync(folder).length > 0 && !existsSync(join(folder, "platen.mjs"))) {
    throw new Error(`${folder} holds something else; nothing was written`);
  }
  const scratch = mkdtempSync(join(tmpdir(), "platen-bundle-"));
  try {
    const epoll = buildEpoll(arch, scratch);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const { metafile } = await build({
      absWorkingDir: ROOT,
      entryPoints: ["cli/main.ts"],
      outdir: folder,
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      target: "node24",
      // Names stay: a stack trace in a log must say where it was.
      minifyWhitespace: true,
      minifySyntax: true,
      legalComments: "none",
      banner: { js: BANNER },
      define: { __dirname: "import.meta.dirname", __filename: "import.meta.filename" },
      loader: { ".node": "copy" },
      assetNames: "[name]-[hash]",
      metafile: true,
      logLevel: "warning",
      plugins: [pickAddons(arch, "file" in epoll ? epoll.file : null)],
    });
    for (const file of BESIDE) copyFileSync(join(ROOT, file), join(folder, file.replace(/.*\//, "")));
    chmodSync(join(folder, "platen.mjs"), 0o755);
    writeFileSync(join(folder, "package.json"), '{"type":"module","private":true}\n');
    const packages = listPackages(Object.keys(metafile.inputs));
    writeFileSync(join(folder, "LICENCES.txt"), collectLicences(ROOT, packages));
    return { packages, withoutGpio: "why" in epoll ? epoll.why : null };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
