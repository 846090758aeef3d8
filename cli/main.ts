/** Entry of the `platen` command behind its launcher (platen.mjs): arguments in, exit status out. */
import { runCli } from "./program.ts";

process.exitCode = await runCli(process.argv.slice(2));
