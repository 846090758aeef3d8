/** Entry of the `platen` command: arguments in, exit status out. */
import "../agent/heap.ts";
import { keepCompiled } from "./compile-cache.ts";

keepCompiled();
// After that, and so not among the imports above: those are compiled before the first line runs.
const { runCli } = await import("./program.ts");
process.exitCode = await runCli(process.argv.slice(2));
