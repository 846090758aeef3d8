/** `platen demo`. */
import { type Command, Option } from "commander";
import { act, addExamples } from "./command-action.ts";

const LEAKS = ["document", "name", "otp", "all"] as const;

export interface DemoOptions {
  readonly auto?: boolean;
  readonly keep?: boolean;
  readonly leak?: (typeof LEAKS)[number];
}

export function addDemoCommand(program: Command): void {
  const demo = program
    .command("demo")
    .description("see it work: broker, printer and sender on this machine, a real document, and the proof")
    .option("--auto", "type the one-time password by itself (also where there is no terminal)")
    .option("--keep", "leave it running at the end, to try things out")
    .addOption(
      new Option("--leak <what>", "plant a leak on purpose, to see that the search finds it").choices(LEAKS),
    )
    .action(
      act<DemoOptions>(async ({ options, terminal }) => {
        const { runDemo } = await import("./demo/demo.ts");
        const passed = await runDemo(terminal, options);
        if (!passed) process.exitCode = 1;
      }),
    );
  addExamples(demo, [
    ["platen demo", "you type the one-time password here, as if at the printer"],
    ["platen demo --auto --json", "for scripts: exit status 0 only if all of it holds"],
    ["platen demo --auto --leak otp", "fails, and says where the leak lies"],
  ]);
}
